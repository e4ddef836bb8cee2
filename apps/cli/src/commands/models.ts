import { Command } from 'commander';
import { action } from '../shared/context.ts';

export const models = () =>
  new Command('models')
    .description('list, download and check models')
    .addCommand(
      new Command('list')
        .description('list the known models: accuracy, size, license, and whether they are downloaded')
        .option('--json', 'print one JSON array')
        .action(action(() => import('../run/models.ts').then(({ list }) => ({ run: list })))),
    )
    .addCommand(
      new Command('pull')
        .description('download models, verify them and print their paths')
        .argument('<models...>', 'model names or URLs')
        .option('--accept-license', 'accept the licenses that restrict their use; remembered for later runs')
        .option('--refresh', 'download again, even where the content of a URL has changed')
        .action(action(() => import('../run/models.ts').then(({ pull }) => ({ run: pull })))),
    )
    .addCommand(
      new Command('verify')
        .description('verify the SHA-256 of downloaded models')
        .argument('[models...]', 'model names (default: all)')
        .option('--json', 'print one JSON array')
        .action(action(() => import('../run/models.ts').then(({ verify }) => ({ run: verify })))),
    )
    .addCommand(
      new Command('where')
        .description('print the folder of downloaded models, or the path of one model')
        .argument('[model]', 'model name, path or URL')
        .action(action(() => import('../run/models.ts').then(({ where }) => ({ run: where })))),
    );
