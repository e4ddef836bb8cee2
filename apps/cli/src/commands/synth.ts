import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { integerIn, numberIn } from '../shared/options.ts';
import { withEncodingOptions } from '../shared/video-options.ts';

export const synth = () =>
  withEncodingOptions(
    new Command('synth')
      .description('write a synthetic test video with ground truth')
      .requiredOption(
        '-o, --output <file>',
        'output video: .mp4, .mov, .mkv or .webm; the ground truth is written beside it',
      )
      .addOption(
        new Option('--seed <number>', 'seed of the random scene; equal seeds give equal scenes')
          .argParser(integerIn(-(2 ** 31), 2 ** 31))
          .default(1),
      )
      .addOption(new Option('--width <pixels>', 'width of the video').argParser(integerIn(64, 8192)).default(640))
      .addOption(new Option('--height <pixels>', 'height of the video').argParser(integerIn(64, 8192)).default(360))
      .addOption(new Option('--fps <rate>', 'frames per second').argParser(numberIn(0.1, 1000)).default(25))
      .addOption(
        new Option('--duration <seconds>', 'length of the video').argParser(numberIn(0.001, 86_400)).default(10),
      )
      .addOption(new Option('--faces <count>', 'number of people').argParser(integerIn(1, 40)).default(4))
      .option(
        '--events <names>',
        'events: crossing,absence,scale,occluder,blur,dark,noise,compression, or none (default: all)',
      ),
    { audio: false },
  ).action(action(() => import('../run/synth.ts')));
