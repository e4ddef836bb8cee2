import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { withDetectorOptions } from '../shared/model-option.ts';
import { integerIn, numberIn, oneOf, OVERWRITES } from '../shared/options.ts';
import {
  parseDetectEvery,
  parseReconnects,
  withEncodingOptions,
  withOnErrorOption,
  withTrackingOptions,
} from '../shared/video-options.ts';

export const video = () =>
  withOnErrorOption(
    withEncodingOptions(
      withTrackingOptions(
        withDetectorOptions(
          new Command('video')
            .description('follow faces through video')
            .argument(
              '<source>',
              "a video, a GIF, a folder or glob of pictures, - for standard input, a camera's number, or a " +
                'stream (rtsp://, http://)',
            ),
        )
          .option('-o, --output <file>', 'write a video with the faces marked: .mp4, .mov, .mkv or .webm')
          .option('--jsonl <file>', 'write a JSON object a frame; - for standard output')
          .option('--mot <file>', 'write rows in MOT format; - for standard output')
          .option('--csv <file>', 'write a row a face; - for standard output')
          .option('--json', 'print the statistics as JSON')
          .option(
            '--gallery <folder>',
            'write the best picture of each identity, and a page that shows who appears when',
          )
          .addOption(
            new Option('--show [port]', 'show the video with the faces marked on a page of this machine').argParser(
              integerIn(0, 65_535),
            ),
          )
          .option('--resume', 'go on from what an interrupted run left')
          .addOption(
            new Option('--fps <rate>', 'frames a second of pictures (default: 25), or asked of a camera').argParser(
              numberIn(0.01, 1000),
            ),
          )
          .addOption(
            new Option(
              '--hwaccel <where>',
              'auto decodes on a graphics card where there is one (default: none)',
            ).argParser(oneOf('auto', 'none')),
          )
          .option(
            '--live',
            'newest frame wins: drop frames instead of falling behind; a file is played at its own speed',
          )
          .addOption(
            new Option(
              '--reconnects <count>',
              'attempts in a row to open a lost stream again, or forever (default: 10); when given, also for ' +
                'the first connection',
            ).argParser(parseReconnects),
          )
          .option('--no-track', 'every face of every frame, without identities')
          .option('--no-smooth', 'boxes as the tracker has them')
          .addOption(
            new Option('--detect-every <n>', 'look at every n-th frame only and predict in between, or auto').argParser(
              parseDetectEvery,
            ),
          )
          .option('--refine', 'in between, look at small crops around the faces')
          .addOption(
            new Option(
              '--look-ahead <seconds>',
              'hold results back, to fill gaps and show faces from their first appearance',
            ).argParser(numberIn(0, 60)),
          ),
      ),
    ),
    'a frame or picture that cannot be analyzed: skip it and report it at the end, or stop (default: skip)',
  )
    .addHelpText('after', OVERWRITES)
    .action(action(() => import('../run/video.ts')));
