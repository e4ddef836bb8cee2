import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { withDetectorOptions } from '../shared/model-option.ts';
import { numberIn, oneOf, OVERWRITES } from '../shared/options.ts';
import {
  ANONYMIZE_PRESET,
  ANONYMIZE_SCORE,
  parseColor,
  parseDetectEvery,
  parseIdentities,
  withEncodingOptions,
  withOnErrorOption,
  withTrackingOptions,
} from '../shared/video-options.ts';

export const anonymize = () =>
  withOnErrorOption(
    withEncodingOptions(
      withTrackingOptions(
        withDetectorOptions(
          new Command('anonymize')
            .description('make faces unrecognisable in pictures and video; what fails is never written clear')
            .argument('<inputs...>', 'pictures and videos: files, folders, globs, or - for standard input'),
          { score: ANONYMIZE_SCORE },
        )
          .requiredOption(
            '-o, --output <path>',
            'a file for one input, a folder for several; - for a picture on standard output',
          )
          .addOption(
            new Option('--effect <name>', 'blur, pixelate, solid or image (default: blur)').argParser(
              oneOf('blur', 'pixelate', 'solid', 'image'),
            ),
          )
          .option('--image <file>', 'the picture for --effect image')
          .addOption(
            new Option('--color <rrggbb>', 'the colour for --effect solid (default: 000000)').argParser(parseColor),
          )
          .addOption(
            new Option('--shape <name>', 'ellipse or box (default: ellipse)').argParser(oneOf('ellipse', 'box')),
          )
          .addOption(
            new Option('--margin <factor>', 'how much larger than the face (default: 1.3)').argParser(
              numberIn(0.1, 10),
            ),
          )
          .addOption(
            new Option('--keep <ids>', 'identities of a video that stay visible, as 3,7').argParser(parseIdentities),
          )
          .option(
            '--tracks <file>',
            'hide what this JSONL of `facedet video` says, corrected by hand, instead of looking',
          )
          .addOption(
            new Option(
              '--look-ahead <seconds>',
              'how far results are held back, so that no face flashes up (default: 1)',
            ).argParser(numberIn(0, 60)),
          )
          .addOption(
            new Option('--detect-every <n>', 'look at every n-th frame only and predict in between, or auto').argParser(
              parseDetectEvery,
            ),
          )
          .option('--keep-metadata', 'keep titles, dates and places; never covers and thumbnails, which show the faces')
          .option('--resume', 'go on from what an interrupted run left, and skip the files of a folder that are done'),
        { preset: ANONYMIZE_PRESET },
      ),
    ),
    'an input that fails: skip it and go to the next, or stop; a frame that cannot be analyzed: mask it ' +
      'whole, or stop (default: skip)',
  )
    .addHelpText('after', OVERWRITES)
    .action(action(() => import('../run/anonymize.ts')));
