import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { integerIn, numberIn } from '../shared/options.ts';
import { withEncodingOptions } from '../shared/video-options.ts';

export const synth = () =>
  withEncodingOptions(
    new Command('synth')
      .description('write a video of painted people, and beside it the exact truth: who is where in every frame')
      .requiredOption('-o, --output <file>', 'the video: .mp4, .mov, .mkv or .webm')
      .addOption(
        new Option('--seed <number>', 'the same number gives the same scene')
          .argParser(integerIn(-(2 ** 31), 2 ** 31))
          .default(1),
      )
      .addOption(new Option('--width <pixels>').argParser(integerIn(64, 8192)).default(640))
      .addOption(new Option('--height <pixels>').argParser(integerIn(64, 8192)).default(360))
      .addOption(new Option('--fps <rate>').argParser(numberIn(0.1, 1000)).default(25))
      .addOption(new Option('--duration <seconds>').argParser(numberIn(0.001, 86_400)).default(10))
      .addOption(new Option('--faces <count>', 'people').argParser(integerIn(1, 40)).default(4))
      .option(
        '--events <names>',
        'what may happen: crossing,absence,scale,pillar,blur,dark,noise,compression, or none (default: everything)',
      ),
    { audio: false },
  ).action(action(() => import('../run/synth.ts')));
