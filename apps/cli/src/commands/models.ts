import { Command } from 'commander';
import { action } from '../shared/context.ts';

export const models = () =>
  new Command('models')
    .description('list, download and check models')
    .addCommand(
      new Command('list')
        .description('show the zoo: figures, licences, and what lies on this machine')
        .option('--json', 'print one JSON array')
        .action(action(() => import('../run/models.ts').then(({ list }) => ({ run: list })))),
    )
    .addCommand(
      new Command('pull')
        .description('download models, verify them and print where they lie')
        .argument('<models...>', 'names of the zoo, or URLs')
        .option('--accept-license', 'accept the licence that restricts their use; it is remembered')
        .option('--refresh', 'download again, and take an address whose content has changed')
        .action(action(() => import('../run/models.ts').then(({ pull }) => ({ run: pull })))),
    )
    .addCommand(
      new Command('verify')
        .description('compute the SHA-256 of models on this machine and compare')
        .argument('[models...]', 'names (default: all)')
        .option('--json', 'print one JSON array')
        .action(action(() => import('../run/models.ts').then(({ verify }) => ({ run: verify })))),
    )
    .addCommand(
      new Command('where')
        .description('print the folder of downloaded models, or the path of one')
        .argument('[model]', 'name of the zoo, path or URL')
        .action(action(() => import('../run/models.ts').then(({ where }) => ({ run: where })))),
    );
