// Kills runs of the built command at random moments and continues them: equal to an uninterrupted run, or refused.
//
//   node apps/bench/run.mjs resume-kills [--kills 200] [--seed 1] [--command PATH]
//
//   --kills    how many runs are killed, by SIGINT, SIGTERM, SIGHUP or SIGKILL
//   --seed     of the choice of command, signal, moment and change
//   --command  the built command; by default that of this repository
//
// Half of the runs are continued with the same settings: rows must be the same byte for byte, and each frame of the
// film must look the same (at least 40 dB PSNR; the encoder starts again with a key frame, so that samples differ by
// what compression loses at CRF 6, while one mask more or less, of 40 × 40 pixels, is below 35 dB). The others are
// continued with another setting, model or input, and must be refused with exit code 2 and RESUME_MISMATCH, all files
// as they were.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openVideo } from '@facedet/video-node';
import { uniform } from './shared/random.ts';

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    command: { type: 'string', default: 'apps/cli/dist/main.js' },
  },
});
const random = uniform(Number(options.seed));
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
const folder = mkdtempSync(join(tmpdir(), 'facedet-kills-'));
const at = (...names: string[]) => join(folder, ...names);

const facedet = (args: readonly string[]) =>
  spawnSync(process.execPath, [options.command, ...args], { encoding: 'utf8' });
function prepared(args: readonly string[]): void {
  const { status, stderr } = facedet(args);
  if (status !== 0) throw new Error(`facedet ${args.join(' ')}: exit ${status}\n${stderr}`);
}

const SCENE = ['--width', '320', '--height', '180', '--faces', '3', '--duration', '6'];
prepared(['synth', '-o', at('film.mp4'), '--seed', '3', ...SCENE]);
prepared(['synth', '-o', at('other.mp4'), '--seed', '4', ...SCENE]);

interface Job {
  readonly name: string;
  /** Arguments for results under a prefix. */
  args(prefix: string, film?: string): string[];
  readonly changes: readonly (readonly string[])[];
  readonly outputs: readonly string[];
}

const JOBS: readonly Job[] = [
  {
    name: 'video',
    args: (prefix, film = 'film.mp4') => [
      'video',
      at(film),
      ...[
        '--jsonl',
        `${prefix}.jsonl`,
        '--mot',
        `${prefix}.txt`,
        '--csv',
        `${prefix}.csv`,
        '--output',
        `${prefix}.mp4`,
      ],
      ...['--size', '160', '--crf', '6'],
    ],
    changes: [['--score', '0.9'], ['--detect-every', '2'], ['--crf', '30'], ['--look-ahead', '0.3'], ['--no-smooth']],
    outputs: ['.jsonl', '.txt', '.csv', '.mp4'],
  },
  {
    name: 'anonymize',
    args: (prefix, film = 'film.mp4') => [
      'anonymize',
      at(film),
      '-o',
      `${prefix}.mp4`,
      '--size',
      '160',
      '--crf',
      '6',
      '--keep',
      '1',
    ],
    changes: [
      ['--keep', '2'],
      ['--score', '0.6'],
      ['--margin', '0.9'],
      ['--effect', 'solid'],
      ['--shape', 'box'],
    ],
    outputs: ['.mp4'],
  },
];

/** Pixels of each frame at half its size. */
async function framesOf(path: string): Promise<Uint8Array[]> {
  const video = await openVideo(path);
  const frames: Uint8Array[] = [];
  for await (const frame of video) {
    frames.push(new Uint8Array((await frame.rasterize(160, 90)).data));
    frame.close();
  }
  await video.close();
  return frames;
}

const expected = new Map<Job, { rows: Map<string, string>; frames: Uint8Array[]; ms: number }>();
for (const job of JOBS) {
  const begin = performance.now();
  prepared(job.args(at(`whole-${job.name}`)));
  const ms = performance.now() - begin;
  const rows = new Map(
    job.outputs
      .filter((kind) => kind !== '.mp4')
      .map((kind) => [kind, readFileSync(at(`whole-${job.name}${kind}`), 'utf8')]),
  );
  expected.set(job, { rows, frames: await framesOf(at(`whole-${job.name}.mp4`)), ms });
}

function psnrOf(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.length || 1e-9));
}

const stateOf = (prefix: string) =>
  readdirSync(folder)
    // The lock of a process that was killed goes when the next one sees that nobody holds it.
    .filter((name) => at(name).startsWith(prefix) && !name.endsWith('.lock'))
    .map((name) => [name, readFileSync(at(name)).toString('base64')] as const);

let lowest = Infinity;
const counts = { killed: 0, 'done before the signal': 0, equal: 0, refused: 0, wrong: 0 };
const wrong: string[] = [];
for (let k = 0; k < Number(options.kills); k++) {
  const job = pick(JOBS);
  const { ms, rows, frames } = expected.get(job)!;
  const prefix = at(`run-${k}.`);
  const name = `${prefix}x`;
  const signal = pick(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const);
  const moment = Math.round(random() * 1.05 * ms);
  const child = spawn(process.execPath, [options.command, ...job.args(name)], { stdio: 'ignore' });
  const ended = new Promise<void>((done) => child.on('exit', () => done()));
  await Promise.race([sleep(moment), ended]);
  const done = child.exitCode !== null;
  child.kill(signal);
  await ended;
  const label = `${k}: ${job.name}, ${signal} after ${moment} ms of ${Math.round(ms)}`;
  if (done) counts['done before the signal']++;
  else counts.killed++;
  const left = readdirSync(folder).some((file) => at(file).startsWith(prefix) && file.endsWith('.partial.json'));
  const isChanged = random() < 0.5 && left;
  const change = pick([...job.changes, 'input', 'model'] as const);
  if (isChanged) {
    const before = JSON.stringify(stateOf(prefix));
    const args =
      change === 'input'
        ? job.args(name, 'other.mp4')
        : [...job.args(name), ...(change === 'model' ? ['--model', '../shared/models/scrfd_500m.onnx'] : change)];
    const { status, stderr } = facedet([...args, '--resume']);
    if (status === 2 && stderr.includes('RESUME_MISMATCH') && JSON.stringify(stateOf(prefix)) === before)
      counts.refused++;
    else wrong.push(`${label}, then ${String(change)}: exit ${status}: ${stderr.trim()}`);
  }
  const again = facedet([...job.args(name), '--resume']);
  const sameRows = [...rows].every(
    ([kind, text]) => existsSync(name + kind) && readFileSync(name + kind, 'utf8') === text,
  );
  const seen = again.status === 0 ? await framesOf(`${name}.mp4`) : [];
  const psnr = seen.map((frame, i) => psnrOf(frame, frames[i]!));
  const worst = Math.min(...psnr);
  const sameFrames = seen.length === frames.length && worst >= 40;
  const isTidy = !readdirSync(folder).some((file) => at(file).startsWith(prefix) && file.includes('.partial'));
  lowest = Math.min(lowest, worst);
  if (again.status === 0 && sameRows && sameFrames && isTidy) counts.equal++;
  else
    wrong.push(
      `${label}: exit ${again.status}, rows ${sameRows}, frames ${seen.length} of ${frames.length}, worst ` +
        `${worst.toFixed(1)} dB at frame ${psnr.indexOf(worst)}, tidy ${isTidy}: ${again.stderr.trim()}`,
    );
  for (const file of readdirSync(folder)) if (at(file).startsWith(prefix)) rmSync(at(file));
  if (process.stderr.isTTY) process.stderr.write(`\r${k + 1} of ${options.kills}, wrong: ${wrong.length}\x1b[K`);
}
counts.wrong = wrong.length;
console.log(JSON.stringify({ ...counts, lowestPsnr: Number(lowest.toFixed(1)) }));
for (const line of wrong) console.log(line);
rmSync(folder, { recursive: true });
process.exitCode = wrong.length > 0 ? 1 : 0;
