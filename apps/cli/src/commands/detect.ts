import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { withDetectorOptions } from '../shared/model-option.ts';

export const detect = () =>
  withDetectorOptions(
    new Command('detect')
      .description('find the faces in pictures')
      .argument('<inputs...>', 'files, folders, globs, URLs, or - for standard input'),
  )
    .addOption(new Option('--json', 'print one JSON array').conflicts(['jsonl', 'csv']))
    .addOption(new Option('--jsonl', 'print a JSON object a line, as the pictures are done').conflicts(['json', 'csv']))
    .addOption(new Option('--csv', 'print a row a face').conflicts(['json', 'jsonl']))
    .option('--draw <folder>', 'write copies with the faces marked')
    .option(
      '--crop <folder>',
      'write each face as a picture of its own, and upright at 112x112 where the model gives landmarks',
    )
    .addHelpText('after', '\nCopies that exist are replaced; a folder in which one would replace an input is refused.')
    .action(action(() => import('../run/detect.ts')));
