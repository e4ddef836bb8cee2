// Damages media files at random and gives them to the command: no crash, no hang, bounded memory, no half-written output.
//
//   node apps/bench/run.mjs mutated-media [--files 1000] [--from 0] [--seed 1] [--only N] [--jobs 2] [--json]
//                                         [--command PATH]
//
//   --files    how many files, every fifth a picture
//   --from     number of the first file: a run of 1,000 may be done in parts
//   --seed     of the choice of files and damage
//   --only     runs file N alone and keeps it and its outputs, in a folder that is named
//   --jobs     commands at once
//   --json     prints an object instead of the table
//   --command  the built command; by default that of this repository
//
// Tiny films of many containers and codecs, and pictures, are damaged: bits, lengths in boxes and elements, times, and
// blocks that are cut off, moved, doubled or zeroed, two formats joined. Films go through `video --jsonl` and every third
// through `anonymize`, pictures through `detect` and every third through `anonymize`, each in a process of its own. The
// model finds a face over the whole picture wherever it is asked: a frame of an anonymized output that is not masked
// whole was not analyzed.
//
// A fault is an end by a signal, an exit code other than 0 or 1 (or 2 of `anonymize`, where a picture has become a film),
// INTERNAL or a stack on standard error, more than 20 seconds, more than 1 GB of memory, an output under its final name
// that does not play or has rows out of order, and a frame that is not masked.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readImage } from '@facedet/runtime-node';
import { openVideo } from '@facedet/video-node';
import { hasHeifEnc, tiledHeic } from '../../cli/src/testing/tiled-heic.ts';
import { filmClips, pictureClips, type Clip } from './mutated-media/clips.ts';
import { faceEverywhere } from './mutated-media/model.ts';
import { mutate } from './mutated-media/mutate.ts';
import { uniform } from './shared/random.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    files: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    command: { type: 'string', default: 'apps/cli/dist/main.js' },
  },
});
const LONGEST_MS = 20_000;
const MOST_BYTES = 1e9;
/** A mask is black; encoders of films lose a little. */
const DARK = 40;

const folder = mkdtempSync(join(tmpdir(), 'facedet-mutated-'));
const at = (...names: string[]) => join(folder, ...names);
writeFileSync(at('model.onnx'), faceEverywhere());
// The most memory that the process ever had, told at its end.
writeFileSync(
  at('peak.cjs'),
  "process.on('exit', () => { try { require('fs').writeSync(3, process.resourceUsage().maxRSS + '\\n'); } catch {} });",
);

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
  readonly seconds: number;
  readonly isHung: boolean;
  /** Bytes. */
  readonly peak: number;
}

function facedet(args: readonly string[]): Promise<Ended> {
  const begun = performance.now();
  const settings = ['--model', at('model.onnx'), '--workers', '1', '--threads', '1'];
  const child = spawn(process.execPath, ['--require', at('peak.cjs'), options.command, ...args, ...settings], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let [stderr, told, sampled, isHung] = ['', '', 0, false];
  child.stderr!.on('data', (bytes) => (stderr += String(bytes)));
  (child.stdio[3] as NodeJS.ReadableStream).on('data', (bytes) => (told += String(bytes)));
  const watch = setInterval(() => (sampled = Math.max(sampled, residentBytes(child.pid!))), 100);
  const timer = setTimeout(() => {
    isHung = true;
    child.kill('SIGKILL');
  }, LONGEST_MS);
  return new Promise((done) =>
    child.on('close', (code, signal) => {
      clearInterval(watch);
      clearTimeout(timer);
      const peak = Math.max(sampled, ...told.split('\n').map((line) => 1024 * Number(line)));
      done({ code, signal, stderr, seconds: (performance.now() - begun) / 1000, isHung, peak });
    }),
  );
}

/** The most memory of a process so far, on Linux; 0 elsewhere. */
function residentBytes(pid: number): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

interface Result {
  readonly file: number;
  readonly clip: string;
  readonly ways: readonly string[];
  readonly command: string;
  readonly ended: Ended;
  readonly faults: string[];
}

function faultsOfEnd({ code, signal, stderr, isHung, peak }: Ended, allowed: readonly number[]): string[] {
  const faults: string[] = [];
  if (isHung) faults.push(`did not end within ${LONGEST_MS / 1000} s`);
  else if (signal !== null) faults.push(`ended by ${signal}`);
  else if (!allowed.includes(code!)) faults.push(`exit code ${code}`);
  if (/\[INTERNAL\]/.test(stderr)) faults.push('INTERNAL');
  if (stderr.split('\n').some((line) => /^ {1,8}at .*:\d/.test(line))) faults.push('a stack on standard error');
  if (stderr.split('\n').some((line) => line.length > 1300)) faults.push('a line of more than 1,300 characters');
  if (code === 1 && !/\[[A-Z_]+\]/.test(stderr)) faults.push('exit code 1 without a reason');
  if (peak > MOST_BYTES) faults.push(`${Math.round(peak / 1e6)} MB of memory`);
  return faults;
}

/** Frames of an output, all of which have to be masked; throws where it does not play. */
async function maskedFrames(path: string): Promise<{ frames: number; faults: string[] }> {
  const video = await openVideo(path);
  const faults: string[] = [];
  let frames = 0;
  try {
    for await (const frame of video) {
      const { data } = await frame.rasterize(48, 32);
      frame.close();
      if (data.some((value) => value > DARK) && faults.length === 0) faults.push(`frame ${frames} is not masked`);
      frames++;
    }
  } finally {
    await video.close();
  }
  return { frames, faults };
}

function rowsOf(path: string): { rows: number; faults: string[] } {
  const rows = readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { frame: number; timestamp: number });
  const wrong = rows.findIndex(
    ({ frame, timestamp }, i) => frame !== i || !(timestamp > (rows[i - 1]?.timestamp ?? -1)),
  );
  return { rows: rows.length, faults: wrong < 0 ? [] : [`row ${wrong} is out of order`] };
}

async function follow(input: string, stem: string): Promise<{ ended: Ended; faults: string[]; rows?: number }> {
  const output = `${stem}.jsonl`;
  const ended = await facedet(['video', input, '--jsonl', output]);
  const faults = faultsOfEnd(ended, [0, 1]);
  if (existsSync(output) !== (ended.code === 0))
    faults.push(ended.code === 0 ? 'no rows' : 'rows under their final name');
  const path = [output, `${output}.partial`].find(existsSync);
  if (path === undefined) return { ended, faults };
  const { rows, faults: wrong } = rowsOf(path);
  return { ended, faults: [...faults, ...wrong], ...(ended.code === 0 && { rows }) };
}

async function hideFilm(
  input: string,
  stem: string,
  extension: string,
  rows: number | undefined,
): Promise<{ ended: Ended; faults: string[] }> {
  const output = `${stem}.masked.${extension}`;
  const ended = await facedet(['anonymize', input, '-o', output, '--effect', 'solid']);
  // A picture in place of a film has no place under a film's name.
  const faults = faultsOfEnd(ended, [0, 1, 2]);
  if (existsSync(output) !== (ended.code === 0))
    faults.push(ended.code === 0 ? 'no output' : 'an output under its final name');
  const path = [output, `${stem}.masked.partial.${extension}`].find(existsSync);
  if (path === undefined) return { ended, faults };
  try {
    const { frames, faults: bare } = await maskedFrames(path);
    faults.push(...bare);
    if (ended.code === 0 && rows !== undefined && frames !== rows) faults.push(`${frames} frames, ${rows} rows`);
  } catch (error) {
    // What a run left that ended before its first fragment has no picture.
    if (ended.code === 0) faults.push(`the output does not play: ${(error as Error).message}`);
  }
  return { ended, faults };
}

async function hidePicture(input: string, stem: string): Promise<{ ended: Ended; faults: string[] }> {
  const output = `${stem}.masked.png`;
  const ended = await facedet(['anonymize', input, '-o', output, '--effect', 'solid']);
  const faults = faultsOfEnd(ended, [0, 1, 2]);
  if (existsSync(output) !== (ended.code === 0))
    faults.push(ended.code === 0 ? 'no output' : 'an output under its final name');
  if (!existsSync(output)) return { ended, faults };
  const image = await readImage(output);
  try {
    const { data } = await image.pixels();
    if (data.some((value, i) => value > DARK && i % 4 !== 3)) faults.push('the picture is not masked');
  } finally {
    image.close();
  }
  return { ended, faults };
}

const results: Result[] = [];

async function test(file: number, films: readonly Clip[], pictures: readonly Clip[]): Promise<void> {
  const random = uniform(Number(options.seed) * 1_000_003 + file);
  const pick = (clips: readonly Clip[]) => clips[Math.floor(random() * clips.length)]!;
  const clip = file % 5 === 4 && pictures.length > 0 ? pick(pictures) : pick(films);
  const { bytes, ways } = mutate(clip.bytes, random, pick(random() < 0.8 ? films : pictures).bytes);
  const own = at(String(file));
  mkdirSync(own);
  const input = join(own, `input.${clip.extension}`);
  writeFileSync(input, bytes);
  const stem = join(own, 'result');
  const add = (command: string, { ended, faults }: { ended: Ended; faults: string[] }) =>
    results.push({ file, clip: clip.name, ways, command, ended, faults });
  if (clip.isPicture) {
    const ended = await facedet(['detect', input, '--json']);
    add('detect', { ended, faults: faultsOfEnd(ended, [0, 1]) });
    if (file % 3 === 0) add('anonymize', await hidePicture(input, stem));
  } else {
    const followed = await follow(input, stem);
    add('video', followed);
    if (file % 3 === 0)
      add('anonymize', await hideFilm(input, stem, ['mp4', 'mkv', 'mov'][Math.floor(random() * 3)]!, followed.rows));
  }
  const hasFault = results.some((result) => result.file === file && result.faults.length > 0);
  const left = readdirSync(own).filter((name) => name.endsWith('.lock'));
  if (left.length > 0) console.error(`file ${file}: left ${left.join(', ')}`);
  if (options.only === undefined) rmSync(own, { recursive: true });
  if (hasFault) for (const line of faultLines(results.filter((result) => result.file === file))) console.error(line);
}

function faultLines(of: readonly Result[]): string[] {
  return of
    .filter(({ faults }) => faults.length > 0)
    .map(
      ({ file, clip, ways, command, ended, faults }) =>
        `--only ${file}: ${clip} (${ways.join(', ')}), ${command}: ${faults.join('; ')}: ${ended.stderr.trim().slice(0, 400)}`,
    );
}

function report(): void {
  const codes = new Map<string, number>();
  for (const { ended } of results) {
    for (const [, code] of ended.stderr.matchAll(/\[([A-Z_]+)\]$/gm)) codes.set(code!, (codes.get(code!) ?? 0) + 1);
  }
  const rows = [...new Set(results.map(({ clip }) => clip))].sort().map((clip) => {
    const of = results.filter((result) => result.clip === clip);
    const count = (test: (result: Result) => boolean) => String(of.filter(test).length);
    return {
      clip,
      runs: String(of.length),
      done: count(({ ended }) => ended.code === 0),
      refused: count(({ ended }) => ended.code === 1 || ended.code === 2),
      'longest (s)': Math.max(...of.map(({ ended }) => ended.seconds)).toFixed(1),
      'most memory (MB)': (Math.max(...of.map(({ ended }) => ended.peak)) / 1e6).toFixed(0),
      faults: count(({ faults }) => faults.length > 0),
    };
  });
  const faults = faultLines(results);
  const sorted = [...codes].sort((a, b) => b[1] - a[1]);
  if (options.json) {
    console.log(
      JSON.stringify(
        { files: new Set(results.map(({ file }) => file)).size, rows, codes: Object.fromEntries(sorted), faults },
        undefined,
        2,
      ),
    );
  } else {
    console.log(
      table(
        Object.keys(rows[0]!),
        rows.map((row) => Object.values(row)),
      ),
    );
    console.log(`\n${results.length} runs; codes: ${sorted.map(([code, count]) => `${code} ${count}`).join(', ')}`);
    console.log(faults.length > 0 ? faults.join('\n') : 'no faults');
  }
  process.exitCode = faults.length > 0 ? 1 : 0;
}

try {
  const films = await filmClips(folder);
  const colors = [
    [250, 10, 10],
    [10, 250, 10],
    [10, 10, 250],
    [250, 250, 10],
  ] as const;
  const pictures = await pictureClips(hasHeifEnc() ? { 'tiles.heic': await tiledHeic(at('tiles'), colors, 1) } : {});
  const all = Array.from({ length: Number(options.files) }, (_, i) => Number(options.from) + i);
  const files = options.only === undefined ? all : [Number(options.only)];
  const worker = async () => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      await test(file, films, pictures);
      if (process.stderr.isTTY) process.stderr.write(`\r${results.length} runs, ${files.length} files left\x1b[K`);
      else if (file % 50 === 49) console.error(`${file + 1} files, ${faultLines(results).length} faults`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, worker));
  report();
} finally {
  if (options.only === undefined) rmSync(folder, { recursive: true, force: true });
  else console.error(`The file and its outputs are in ${at(options.only)}`);
}
