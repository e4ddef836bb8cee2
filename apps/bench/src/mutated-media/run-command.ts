// The command in processes of its own: one for each call, or one for many calls, which starts once.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** How a call of the command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
  readonly seconds: number;
  readonly isHung: boolean;
  /** The most memory while it ran, in bytes; 0 where the system does not say. */
  readonly peak: number;
}

/** Calls the command with arguments. */
export interface Runner {
  run(args: readonly string[]): Promise<Ended>;
  close(): void;
}

const SAMPLE_MS = 25;

/** A process for each call. The most memory is sampled. */
export function aloneRunner(command: string, longestMs: number): Runner {
  return {
    run(args) {
      const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      return watched(child, longestMs, () => {});
    },
    close() {},
  };
}

/**
 * One process for many calls, from the command's source; this module's process has to call `serveCommands` where the
 * environment says so. What ends the process ends the call; the next one starts another.
 */
export function sharedRunner(longestMs: number, callsPerProcess: number): Runner {
  let child: ChildProcess | undefined;
  let calls = 0;
  return {
    async run(args) {
      if (!child || child.exitCode !== null || child.signalCode !== null || calls >= callsPerProcess) {
        child?.kill('SIGKILL');
        calls = 0;
        child = spawn(process.execPath, process.argv.slice(1, 2), {
          stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
          env: { ...process.env, [SERVES]: '1' },
        });
        await new Promise((done) => child!.once('message', done));
      }
      calls++;
      resetPeak(child.pid!);
      const ended = watched(child, longestMs, (done) => child!.once('message', (code) => done(code as number)));
      child.send(args);
      return ended;
    },
    close: () => void child?.kill('SIGKILL'),
  };
}

const SERVES = 'FACEDET_BENCH_SERVES';

/** Whether this process is one that `sharedRunner` has started. */
export function servesCommands(): boolean {
  return process.env[SERVES] !== undefined;
}

/** Commander's part that is used. */
interface Program {
  parseAsync(args: readonly string[], options: { from: 'user' }): Promise<unknown>;
}

/** Calls the command whenever the other process asks for it, until that process ends. */
export function serveCommands(createProgram: () => Program): void {
  process.on('message', (args: string[]) => {
    process.exitCode = 0;
    void createProgram()
      .parseAsync(args, { from: 'user' })
      .catch((error: { exitCode?: number }) => (process.exitCode = error.exitCode === 0 ? 0 : 2))
      // What is written to standard error has left before the answer.
      .then(() => process.stderr.write('', () => process.send!(Number(process.exitCode ?? 0))));
  });
  process.on('disconnect', () => process.exit(0));
  process.send!('ready');
}

/** Waits for the end of a process, or for what `listen` tells, its exit code; kills it after `longestMs`. */
function watched(
  child: ChildProcess,
  longestMs: number,
  listen: (done: (code: number) => void) => void,
): Promise<Ended> {
  const begun = performance.now();
  let [stderr, peak, isHung] = ['', 0, false];
  const onText = (bytes: Buffer) => void (stderr += String(bytes));
  child.stderr!.on('data', onText);
  const sample = () => (peak = Math.max(peak, residentBytes(child.pid!)));
  const watch = setInterval(sample, SAMPLE_MS);
  const timer = setTimeout(() => {
    isHung = true;
    child.kill('SIGKILL');
  }, longestMs);
  return new Promise((resolve) => {
    const end = (code: number | null, signal: string | null) => {
      sample();
      clearInterval(watch);
      clearTimeout(timer);
      child.stderr!.off('data', onText);
      child.off('close', end);
      resolve({ code, signal, stderr, seconds: (performance.now() - begun) / 1000, isHung, peak });
    };
    child.on('close', end);
    listen((code) => setImmediate(end, code, null));
  });
}

/** The most memory of a process so far, on Linux; 0 elsewhere. */
function residentBytes(pid: number): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The most memory is counted from now on. */
function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Elsewhere than on Linux the most memory is not known.
  }
}
