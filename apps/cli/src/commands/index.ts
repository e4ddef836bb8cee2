import type { Command } from 'commander';
import { completion } from './completion.ts';
import { detect } from './detect.ts';
import { evaluation } from './eval.ts';

/** The subcommands, in the order of the help text. Each module only declares options; its action imports the work. */
export const commands: (() => Command)[] = [detect, evaluation, completion];
