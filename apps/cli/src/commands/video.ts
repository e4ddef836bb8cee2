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
            .description('track faces through video')
            .argument(
              '<source>',
              'video file, GIF, folder or glob of pictures, - for standard input, number of a camera, or stream ' +
                '(rtsp://, http://)',
            ),
        )
          .option('-o, --output <file>', 'write an annotated video: .mp4, .mov, .mkv or .webm')
          .option('--jsonl <file>', 'write one JSON object per frame and line; - for standard output')
          .option('--mot <file>', 'write rows in MOT format; - for standard output')
          .option('--csv <file>', 'write one CSV row per face; - for standard output')
          .option('--json', 'print the statistics as JSON')
          .option('--gallery <folder>', 'write the best picture of each track, and a page that shows when each appears')
          .addOption(
            new Option('--show [port]', 'show the annotated video in a local web page').argParser(integerIn(0, 65_535)),
          )
          .option('--resume', 'continue an interrupted run')
          .addOption(
            new Option(
              '--fps <rate>',
              'frames per second of pictures (default: 25), or requested from a camera',
            ).argParser(numberIn(0.01, 1000)),
          )
          .addOption(
            new Option(
              '--hwaccel <where>',
              'hardware decoding: auto uses a GPU where there is one (default: none)',
            ).argParser(oneOf('auto', 'none')),
          )
          .option('--live', 'drop frames instead of falling behind the source; a file is played at its own speed')
          .addOption(
            new Option(
              '--reconnects <count>',
              'consecutive attempts to reopen a lost stream, or forever (default: 10); when given, it also applies ' +
                'to the first connection',
            ).argParser(parseReconnects),
          )
          .option('--no-track', 'detect only: no tracking, no track IDs')
          .option('--no-smooth', 'unsmoothed boxes')
          .addOption(
            new Option(
              '--detect-every <n>',
              'run the detector on every n-th frame and predict the frames between, or auto',
            ).argParser(parseDetectEvery),
          )
          .option('--refine', 'on skipped frames, re-detect in crops around the predicted faces')
          .addOption(
            new Option(
              '--look-ahead <seconds>',
              'delay of the output, to fill gaps in tracks and to include faces before their first detection',
            ).argParser(numberIn(0, 60)),
          ),
      ),
    ),
    'skip or stop at a frame or picture that cannot be analyzed; skipped ones are reported at the end (default: skip)',
  )
    .addHelpText('after', OVERWRITES)
    .action(action(() => import('../run/video.ts')));
