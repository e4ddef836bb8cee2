#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { CommanderError } from 'commander';
import { outputError } from '@facedet/files';
import { createProgram } from './program.ts';
import { errorLine } from './shared/errors.ts';
import { Exit } from './shared/exit.ts';
import { withCurrentNames } from './shared/renamed-options.ts';

// The heap is small (some 15 MB) and frames outside it come and go by megabytes, which V8 counts in: by itself it
// collects at every second frame, a fifth of the CPU time of anonymize; with this limit at every fifth. Higher saves
// little more and holds more memory.
setFlagsFromString('--heap-growing-percent=150');

// A reader that has seen enough (`| head`) is no error. Commands that run handle standard output themselves.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (process.stdout.listenerCount('error') > 1 || error.code === 'EPIPE') return;
  process.stderr.write(`${errorLine(outputError('standard output', error))}\n`);
  process.exitCode = Exit.failed;
});
process.stderr.on('error', () => {});
// Node's own form of a warning has a process id and advice on flags.
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => {
  if (name === 'FaceDetWarning' || process.env.FACEDET_DEBUG) process.stderr.write(`facedet: ${message}\n`);
});
process.on('uncaughtException', (error) => {
  process.stderr.write(`${errorLine(error)}\n`);
  if (process.env.FACEDET_DEBUG) process.stderr.write(`${error.stack}\n`);
  process.exit(Exit.failed);
});

try {
  await createProgram().parseAsync(withCurrentNames(process.argv));
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? Exit.ok : Exit.usage;
}
