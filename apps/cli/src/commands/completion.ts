import { Argument, Command } from 'commander';
import { action } from '../shared/context.ts';

export const completion = () =>
  new Command('completion')
    .description('print a shell completion script')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nbash: source <(facedet completion bash)\nzsh:  facedet completion zsh > ' +
        '"${fpath[1]}/_facedet"\nfish: facedet completion fish > ~/.config/fish/completions/facedet.fish',
    )
    .action(action(() => import('../run/completion.ts')));
