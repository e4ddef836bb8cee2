import type { Command } from 'commander';
import { outputError } from '@facedet/files';
import pc from 'picocolors';
import { CommandError, describe, errorLine } from './errors.ts';
import { Exit } from './exit.ts';
import { shown } from './shown.ts';

type Colors = ReturnType<typeof pc.createColors>;

/** What a command works with: where to write, how to report, when to stop. */
export interface Context {
  /**
   * Writes data to standard output. Resolves when more may be written, and at once where its reader has ended; rejects
   * where it can't be written.
   */
  write(data: string | Uint8Array): Promise<void>;
  /** Whether the reader of standard output has ended (`| head`): a command without other outputs may stop. */
  isUnread?: boolean;
  /** Writes a line to standard error, above a progress bar if there is one. */
  log(line: string): void;
  /**
   * Reports an input that failed and goes on; the command will end with exit code 1. Returns what `--json` shows of it.
   */
  fail(input: string, error: unknown): { code: string; message: string };
  /** Aborted by Ctrl-C (SIGINT), SIGTERM and SIGHUP; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Whether standard output is a terminal: a table, not data for a program. */
  readonly terminal: boolean;
  /** Colors for standard output; without effect outside a terminal and with NO_COLOR. */
  readonly colors: Colors;
  /** The command that runs; its `parent` chain ends at `facedet`. */
  readonly command: Command;
  /** Set by a progress bar while it is shown, so that lines go above it. */
  bar: { log(line: string): void; stop(): void } | undefined;
}

/**
 * The work of a command: a module that exports `run`. It may return an exit code; with failed inputs the code is at
 * least 1.
 */
export interface Work<Args extends unknown[], Options> {
  run(context: Context, options: Options, ...args: Args): Promise<number | void>;
}

/**
 * Makes a commander action that loads the work only when the command is used. `run` gets the context, the options, then
 * the arguments.
 */
export function action<Args extends unknown[], Options>(load: () => Promise<Work<Args, Options>>) {
  return async (...parameters: unknown[]): Promise<void> => {
    const command = parameters.at(-1) as Command;
    const options = parameters.at(-2) as Options;
    process.exitCode = await perform(command, async (context) => {
      const { run } = await load();
      return run(context, options, ...(parameters.slice(0, -2) as Args));
    });
  };
}

async function perform(command: Command, work: (context: Context) => Promise<number | void>): Promise<number> {
  const controller = new AbortController();
  let failures = 0;
  const stop = () => {
    if (controller.signal.aborted) {
      context.bar?.stop(); // gives the terminal its cursor back
      process.exit(Exit.interrupted);
    }
    controller.abort(new CommandError('INTERRUPTED', 'stopped by Ctrl-C', { exitCode: Exit.interrupted }));
  };
  const context: Context = {
    write: (data) => (context.isUnread ? Promise.resolve() : writeTo(process.stdout, data)),
    log(text) {
      // A stack has several lines, and their text may come from untrusted input.
      const line = text
        .split('\n')
        .map((part) => shown(part, 4000))
        .join('\n');
      if (context.bar) context.bar.log(line);
      else process.stderr.write(`${line}\n`);
    },
    fail(input, error) {
      failures++;
      context.log(errorLine(error, input));
      return describe(error);
    },
    signal: controller.signal,
    terminal: process.stdout.isTTY === true,
    colors: pc.createColors(colorful(process.stdout)),
    command,
    bar: undefined,
  };
  const onError = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') context.isUnread = true;
  };
  process.stdout.on('error', onError);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  try {
    const ended = await work(context);
    const code = ended ?? Exit.ok;
    // A command that a signal ends normally, as with a live source, returns 0 itself.
    if (controller.signal.aborted && ended !== Exit.ok) return Exit.interrupted;
    return code === Exit.ok && failures > 0 ? Exit.failed : code;
  } catch (error) {
    if (controller.signal.aborted) return Exit.interrupted;
    context.log(errorLine(error));
    if (process.env.FACEDET_DEBUG) context.log((error as Error)?.stack ?? String(error));
    return error instanceof CommandError ? error.exitCode : Exit.failed;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    process.off('SIGHUP', stop);
  }
}

/** Whether a stream may show colors: a terminal that can, without NO_COLOR. */
export function colorful(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

function writeTo(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> {
  return new Promise((done, fail) => {
    stream.write(data, (error) => {
      const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
      // The stream is destroyed when its reader has ended.
      if (!error || code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') done();
      else fail(outputError('standard output', error));
    });
  });
}
