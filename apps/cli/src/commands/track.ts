import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { numberIn, oneOf } from '../shared/options.ts';

export const track = () =>
  new Command('track')
    .description("give identities to any detector's boxes: MOT text in, MOT text out")
    .argument(
      '<detections>',
      'rows of frame,id,x,y,width,height,score (frames from 1, the id is not read), or - for standard input',
    )
    .option('-o, --output <file>', 'where the tracks go, or - for standard output', '-')
    .option('--fps <rate>', 'frames a second', numberIn(1e-3, 1e6), 30)
    .addOption(
      new Option(
        '--preset <name>',
        "conservative: fewer tracks; aggressive: more (default: balanced with ByteTrack's score of .6)",
      ).argParser(oneOf('conservative', 'balanced', 'aggressive')),
    )
    .option(
      '--score-threshold <score>',
      'boxes from this score on are compared first, new identities start .1 above',
      numberIn(0, 1),
    )
    .option(
      '--match-threshold <cost>',
      'a box is given to an identity only where 1 - IoU * score is below this',
      numberIn(1e-6, 1),
    )
    .option('--buffer <frames>', 'frames at 30 a second that a lost identity waits to be found again', numberIn(0, 1e6))
    .option('--min-area <pixels>', 'leave out boxes that are not larger', numberIn(0, Infinity))
    .option('--max-aspect-ratio <ratio>', 'leave out boxes wider than this times their height', numberIn(0, Infinity))
    .option('--compat', 'the original ByteTrack, row for row')
    .action(action(() => import('../run/track.ts')));
