// Random sequences of calls of a VideoWriter in processes of their own: no crash, no hang, no promise that never
// settles.
//
//   node apps/bench/run.mjs writer-stress [--sequences 10000] [--from 0] [--seed 1] [--per-process 500] [--limit 300]
//                                         [--jobs 1] [--json]
//
//   --sequences    how many sequences of 1 to 12 calls: writes of own pixels and of decoded frames that are closed at
//                  once, edits that wait, throw or call their own writer, flush, complete, finish, close; nearly all
//                  are not awaited, many come after the end
//   --from         number of the first sequence: with `--sequences 1` one is repeated alone
//   --seed         of the sequences
//   --per-process  sequences of one process
//   --limit        seconds for one process; beyond, it is killed and counts as hung
//   --jobs         processes at once
//
// It exits with 1 where a process crashed or hung, a promise did not settle within 20 seconds, or a call rejected with
// another error than INVALID_STATE or that of its edit.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodedFrames, runWriterCalls, WRITER_CALLS } from '@facedet/video-node/testing';
import { uniform } from './shared/random.ts';

const { values: options } = parseArgs({
  options: {
    sequences: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    'per-process': { type: 'string', default: '500' },
    limit: { type: 'string', default: '300' },
    jobs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    child: { type: 'boolean', default: false },
  },
});
const [first, count] = [Number(options.from), Number(options.sequences)];
const MOST_CALLS = 12;
const UNSETTLED_MS = 20_000;

/** Sequences done, their calls, and those that rejected; what went wrong. */
interface Outcome {
  sequences: number;
  calls: number;
  rejected: number;
  faults: string[];
}

const nothing = (): Outcome => ({ sequences: 0, calls: 0, rejected: 0, faults: [] });

function sequence(number: number) {
  const random = uniform(1_000_003 * Number(options.seed) + number);
  const pick = () => WRITER_CALLS[Math.floor(random() * WRITER_CALLS.length)]!;
  return Array.from({ length: 1 + Math.floor(random() * MOST_CALLS) }, pick);
}

/** Runs the sequences in this process and reports after each on standard output. */
async function runHere(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-writer-'));
  const decoded = await decodedFrames();
  const outcome = nothing();
  for (let number = first; number < first + count; number++) {
    const names = sequence(number);
    const place = join(folder, String(number));
    mkdirSync(place);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('a promise did not settle')), UNSETTLED_MS);
    });
    try {
      const extension = ['mp4', 'mkv', 'mov'][number % 3]!;
      const calls = runWriterCalls(join(place, `a.${extension}`), names, decoded);
      const { settled, rejected } = await Promise.race([calls, late]);
      outcome.calls += settled;
      outcome.rejected += rejected;
    } catch (error) {
      outcome.faults.push(`sequence ${number} (${names.join(' ')}): ${String(error)}`);
    } finally {
      clearTimeout(timer);
    }
    outcome.sequences++;
    console.log(JSON.stringify(outcome));
    rmSync(place, { recursive: true, force: true });
  }
  await decoded.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Runs sequences in a process of their own. */
async function runApart(from: number, sequences: number): Promise<Outcome> {
  const script = [...process.execArgv, process.argv[1]!, '--child', '--seed', options.seed];
  const range = ['--from', String(from), '--sequences', String(sequences)];
  const child = spawn(process.execPath, [...script, ...range], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors, isHung] = ['', '', false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-100_000)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
  const timer = setTimeout(
    () => {
      isHung = true;
      child.kill('SIGKILL');
    },
    1000 * Number(options.limit),
  );
  const end = await new Promise<string | null>((done) => {
    child.on('close', (code, signal) => done(signal ?? (code === 0 ? null : `exit ${code}`)));
  });
  clearTimeout(timer);
  const line = output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1);
  const outcome = line ? (JSON.parse(line) as Outcome) : nothing();
  const at = `sequence ${from + outcome.sequences} of ${from} to ${from + sequences - 1}`;
  if (isHung) outcome.faults.push(`${at}: more than ${options.limit} s`);
  else if (end !== null || outcome.sequences < sequences)
    outcome.faults.push(`${at}: ${end ?? 'ended early'}\n${errors}`);
  return outcome;
}

async function runAll(): Promise<void> {
  const begin = performance.now();
  const total = nothing();
  const size = Number(options['per-process']);
  let next = first;
  const worker = async () => {
    while (next < first + count) {
      const from = next;
      next = Math.min(first + count, from + size);
      const { sequences, calls, rejected, faults } = await runApart(from, next - from);
      total.sequences += sequences;
      total.calls += calls;
      total.rejected += rejected;
      total.faults.push(...faults);
      if (!options.json) process.stderr.write(`${total.sequences} sequences, ${total.faults.length} faults\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, worker));
  const seconds = (performance.now() - begin) / 1000;
  if (options.json) console.log(JSON.stringify({ ...total, seconds }, null, 2));
  else {
    for (const fault of total.faults) console.log(fault);
    const { sequences, calls, rejected, faults } = total;
    console.log(
      `${sequences} of ${count} sequences, ${calls} calls, ${rejected} of them rejected with a code or by ` +
        'their edit, ' +
        `${faults.length} faults, ${seconds.toFixed(0)} s`,
    );
  }
  process.exitCode = total.faults.length > 0 || total.sequences < count ? 1 : 0;
}

await (options.child ? runHere() : runAll());
