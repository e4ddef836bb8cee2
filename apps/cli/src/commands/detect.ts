import { Command, Option } from 'commander';
import { action } from '../shared/context.ts';
import { withDetectorOptions } from '../shared/model-option.ts';

export const detect = () =>
  withDetectorOptions(
    new Command('detect')
      .description('detect faces in pictures')
      .argument('<inputs...>', 'files, folders, globs, URLs, or - for standard input'),
  )
    .addOption(new Option('--json', 'print one JSON array').conflicts(['jsonl', 'csv']))
    .addOption(
      new Option('--jsonl', 'print one JSON object per picture and line, as soon as each is done').conflicts([
        'json',
        'csv',
      ]),
    )
    .addOption(new Option('--csv', 'print one CSV row per face').conflicts(['json', 'jsonl']))
    .option('--draw <folder>', 'write annotated copies of the pictures to this folder')
    .option(
      '--crop <folder>',
      'write a crop of each face, and an aligned 112x112 crop where the model returns landmarks',
    )
    .addHelpText('after', '\nExisting copies are replaced. A folder where a copy would replace an input is refused.')
    .action(action(() => import('../run/detect.ts')));
