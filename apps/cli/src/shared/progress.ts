import type { Context } from './context.ts';
import { shown } from './shown.ts';

/** A progress bar on a terminal's standard error; elsewhere it does nothing. */
export interface Progress {
  /** Work done so far, in the unit of the total; a label replaces the one given at the start. */
  update(done: number, label?: string): void;
  /** One more. */
  tick(): void;
  /** Changes the total, where it becomes known late. */
  total(total: number): void;
  /** Removes the bar. Call it in a `finally`. */
  stop(): void;
}

/** Options of `progress`. */
export interface ProgressOptions {
  /** What the bar counts up to; 0 where it is not known yet. */
  total: number;
  /** What is being done: `faces`, a file's name, … */
  label?: string;
  /** What is counted: `images`, `frames`, `MB`. */
  unit?: string;
}

const nothing: Progress = { update() {}, tick() {}, total() {}, stop() {} };

/** Shows a bar until `stop`. Lines of `context.log` and `context.fail` appear above it. */
export async function progress(context: Context, { total, label = '', unit = '' }: ProgressOptions): Promise<Progress> {
  if (process.stderr.isTTY !== true || process.env.TERM === 'dumb') return nothing;
  const { MultiBar } = (await import('cli-progress')).default;
  const bars = new MultiBar({
    format: `${label ? '{label} ' : ''}{bar} {percentage} % · {value}/{total} ${unit} · {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    fps: 8,
    gracefulExit: false,
  });
  const bar = bars.create(total, 0, { label: shown(label, 200) });
  const stop = () => {
    bars.stop();
    context.bar = undefined;
  };
  context.bar = {
    stop,
    log(line) {
      bars.log(`${line}\n`);
      bars.update(); // what waits for the next frame would be lost by a stop before it
    },
  };
  return {
    update: (done, text) => bar.update(Math.min(done, bar.getTotal()), text === undefined ? {} : { label: shown(text, 200) }),
    tick: () => bar.increment(),
    total: (value) => bar.setTotal(value),
    stop,
  };
}
