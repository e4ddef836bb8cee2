import { Command } from 'commander';
import { version } from '../package.json';
import { commands } from './commands/index.ts';
import { shown } from './shared/shown.ts';

/** The command tree with the contract's way of ending: errors as `facedet: …`, never a process exit from inside. */
export function createProgram(): Command {
  const program = new Command('facedet')
    .description('Detect faces in images and video, track them, smooth their boxes, blur them.')
    .version(version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`${shown(text.trim().replace(/^error: /, 'facedet: '))} [USAGE]\n`),
    });
  for (const command of commands) program.addCommand(command());
  inherit(program);
  return program;
}

function inherit(parent: Command): void {
  for (const child of parent.commands) {
    child.copyInheritedSettings(parent);
    inherit(child);
  }
}
