import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { parseProviders, providerNames } from '../shared/model-option.ts';
import { integerIn, parseSides } from '../shared/options.ts';

export const bench = () =>
  new Command('bench')
    .description('measure how fast a model runs here: one image at a time, in one thread of the pool')
    .argument('[model]', 'name of the zoo, path or URL of an ONNX model; the default weights without it')
    .option('--accept-license', "accept the model's licence")
    .addOption(
      new Option('--sizes <sides>', 'square canvases to measure')
        .argParser(parseSides)
        .default([320, 480, 640, 960], '320,480,640,960'),
    )
    .addOption(new Option('--runs <count>', 'images measured per canvas').argParser(integerIn(3, 100_000)).default(50))
    .addOption(
      new Option('--threads <count>', 'threads of the session (default: all cores)').argParser(integerIn(1, 256)),
    )
    .addOption(
      new Option('--provider <names>', `where the model runs, in order of preference: ${providerNames}`).argParser(
        parseProviders,
      ),
    )
    .option('--json', 'print the figures as JSON')
    .action(action(() => import('../run/bench.ts')));
