import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { withDetectorOptions } from '../shared/model-option.ts';
import { numberIn, oneOf, OVERWRITES } from '../shared/options.ts';
import {
  ANONYMIZE_PRESET,
  ANONYMIZE_SCORE,
  parseColor,
  parseDetectEvery,
  parseTrackIds,
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
            .description('blur faces in pictures and video; a file that fails is never written unblurred')
            .argument('<inputs...>', 'pictures and videos: files, folders, globs, or - for standard input'),
          { score: `${ANONYMIZE_SCORE} for pictures; all detections of a track together for videos` },
        )
          .requiredOption(
            '-o, --output <path>',
            'output file for one input, folder for several; - writes a picture to standard output',
          )
          .addOption(
            new Option(
              '--effect <name>',
              'how faces are masked: blur, pixelate, solid or image (default: blur)',
            ).argParser(oneOf('blur', 'pixelate', 'solid', 'image')),
          )
          .option('--image <file>', 'picture that covers the faces with --effect image')
          .addOption(new Option('--color <rrggbb>', 'color for --effect solid (default: 000000)').argParser(parseColor))
          .addOption(
            new Option('--shape <name>', 'shape of the mask: ellipse or box (default: ellipse)').argParser(
              oneOf('ellipse', 'box'),
            ),
          )
          .addOption(
            new Option('--margin <factor>', 'size of the mask relative to the face box (default: 1.3)').argParser(
              numberIn(0.1, 10),
            ),
          )
          .addOption(
            new Option('--keep <ids>', 'track IDs of a video to leave unblurred, e.g. 3,7').argParser(parseTrackIds),
          )
          .option(
            '--jsonl <file>',
            'write what is masked as rows, one JSON object per frame; with --tracks and --keep they uncover a person',
          )
          .option('--gallery <folder>', 'write the best picture of each track and a page that shows them')
          .option(
            '--tracks <file>',
            'mask the boxes in this file of --jsonl, which may be corrected by hand; no detection',
          )
          .addOption(
            new Option(
              '--look-ahead <seconds>',
              'how long a face is masked before its first and after its last detection (default: 0.5); of standard ' +
                'input, the delay of the output (default: 1)',
            ).argParser(numberIn(0, 60)),
          )
          .addOption(
            new Option(
              '--detect-every <n>',
              'run the detector on every n-th frame and predict the frames between, or auto',
            ).argParser(parseDetectEvery),
          )
          .option(
            '--keep-metadata',
            'keep titles, dates and locations; covers and thumbnails, which show the faces, are never kept',
          )
          .option('--resume', 'continue an interrupted run; files of a folder that are done are skipped'),
        { preset: ANONYMIZE_PRESET },
      ),
    ),
    'skip or stop: skip continues with the next input after a failure and masks frames that cannot be ' +
      'analyzed as a whole; stop ends the run (default: skip)',
  )
    .addHelpText('after', OVERWRITES)
    .action(action(() => import('../run/anonymize.ts')));
