import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { numberIn, oneOf } from '../shared/options.ts';

export const track = () =>
  new Command('track')
    .description('track the boxes of any detector: MOT text in, MOT text out')
    .argument(
      '<detections>',
      'file of frame,id,x,y,width,height,score rows (frames from 1, the id is ignored), or - for standard input',
    )
    .option('-o, --output <file>', 'file for the tracks, or - for standard output', '-')
    .option('--fps <rate>', 'frames per second', numberIn(1e-3, 1e6), 30)
    .addOption(
      new Option(
        '--preset <name>',
        'conservative: fewer tracks; aggressive: more tracks (default: balanced, but high threshold 0.6)',
      ).argParser(oneOf('conservative', 'balanced', 'aggressive')),
    )
    .option(
      '--score-threshold <score>',
      'high threshold (track_thresh of ByteTrack): boxes from this score are matched first; new tracks need 0.1 more',
      numberIn(0, 1),
    )
    .option(
      '--match-threshold <cost>',
      'highest cost (1 - IoU * score) at which a box is matched to a track; higher allows looser matches',
      numberIn(1e-6, 1),
    )
    .option('--buffer <frames>', 'frames (at 30 fps) to keep a lost track alive', numberIn(0, 1e6))
    .option('--min-area <pixels>', 'ignore boxes smaller than this area', numberIn(0, Infinity))
    .option('--max-aspect-ratio <ratio>', 'ignore boxes with a larger ratio of width to height', numberIn(0, Infinity))
    .option('--compat', 'reproduce the original ByteTrack, row for row')
    .action(action(() => import('../run/track.ts')));
