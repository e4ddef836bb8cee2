import type { Context } from './context.ts';
import { shown } from './shown.ts';

/** A progress bar on a terminal's standard error; elsewhere a plain line every ten seconds. */
export interface Progress {
  /** Work done so far, in the unit of the total; a label replaces the one given at the start. */
  update(done: number, label?: string): void;
  /** One more. */
  tick(): void;
  /** Changes the total, where it becomes known late. */
  total(total: number): void;
  /** Removes the bar, ends the lines. Call it in a `finally`. */
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

/** Milliseconds between two plain lines. */
const INTERVAL = 10_000;

/** `facedet: film.mp4: 120 of 500 frames (24 %), 12.0 per second`, every ten seconds until `stop`. */
function plainLines(context: Context, { total: first, label: given = '', unit = '' }: ProgressOptions): Progress {
  const begun = performance.now();
  const label = given === '' ? '' : `${shown(given, 200)}: `;
  let [done, total] = [0, first];
  let start: number | undefined;
  const timer = setInterval(() => {
    const percent = total > done ? ` of ${total} ${unit} (${Math.floor((100 * done) / total)} %)` : ` ${unit}`;
    const rate = (1000 * (done - (start ?? 0))) / (performance.now() - begun);
    context.log(`facedet: ${label}${done}${percent}, ${rate.toFixed(1)} per second`);
  }, INTERVAL);
  timer.unref();
  return {
    update(value) {
      // What an interrupted run has done took this one no time.
      start ??= value > 1 ? value : 0;
      done = value;
    },
    tick: () => void done++,
    total: (value) => void (total = value),
    stop: () => clearInterval(timer),
  };
}

/** Shows how far the work is until `stop`. Lines of `context.log` and `context.fail` appear above a bar. */
export async function progress(context: Context, options: ProgressOptions): Promise<Progress> {
  if (process.stderr.isTTY !== true || process.env.TERM === 'dumb') return plainLines(context, options);
  const { total, label = '', unit = '' } = options;
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
    update: (done, text) =>
      bar.update(Math.min(done, bar.getTotal()), text === undefined ? {} : { label: shown(text, 200) }),
    tick: () => bar.increment(),
    total: (value) => bar.setTotal(value),
    stop,
  };
}
