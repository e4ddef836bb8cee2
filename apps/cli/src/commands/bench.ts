import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { parseProviders, providerNames } from '../shared/model-option.ts';
import { integerIn, parseSides } from '../shared/options.ts';

export const bench = () =>
  new Command('bench')
    .description('measure how fast a model runs on this machine, one image at a time')
    .argument(
      '[model]',
      'model name (see `facedet models list`), path or URL of an ONNX model (default: the bundled weights)',
    )
    .option('--accept-license', "accept the model's license")
    .addOption(
      new Option('--sizes <sides>', 'input sizes to measure (square)')
        .argParser(parseSides)
        .default([320, 480, 640, 960], '320,480,640,960'),
    )
    .addOption(
      new Option('--runs <count>', 'images measured per input size').argParser(integerIn(3, 100_000)).default(50),
    )
    .addOption(new Option('--threads <count>', 'CPU threads (default: all cores)').argParser(integerIn(1, 256)))
    .addOption(
      new Option('--provider <names>', `execution providers in order of preference: ${providerNames}`).argParser(
        parseProviders,
      ),
    )
    .option('--json', 'print the results as JSON')
    .action(action(() => import('../run/bench.ts')));
