// Kills recordings of a live stream and starts them again: no row is lost, no recording is overwritten, all films play.
//
//   node apps/bench/run.mjs live-kills [--restarts 20] [--seed 1] [--json] [--command PATH]
//
//   --restarts  how many times the command is started, stopped by SIGTERM and SIGKILL by turns
//   --seed      of the moments and of what the stream does
//   --json      prints an object instead of the table
//   --command   the built command; by default that of this repository
//
// A server on loopback stalls, drops connections and comes back, changes the size of its pictures (MJPEG) and jumps in
// time (MPEG-TS). Each start has to use the next free number for its files and leave all earlier files as they are.
// After SIGTERM: exit code 0, a summary, final names, as many frames in the film as rows. After SIGKILL: partial names,
// all rows that were there before, a film that plays to two seconds before the end or later.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openVideo } from '@facedet/video-node';
import { KINDS, startLiveServer } from './shared/live-server.ts';
import { uniform } from './shared/random.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    restarts: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    command: { type: 'string', default: 'apps/cli/dist/main.js' },
  },
});
const random = uniform(Number(options.seed));
const folder = mkdtempSync(join(tmpdir(), 'facedet-live-'));
const at = (name: string) => join(folder, name);
const server = await startLiveServer(random);

/** Frames that a film may lack after a kill: two seconds, and what the encoder holds. */
const LOST_FRAMES = 60;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

interface Row {
  readonly frame: number;
  readonly timestamp: number;
  readonly time: string;
  readonly faces: readonly unknown[];
}

const hashes = () =>
  new Map(
    readdirSync(folder)
      .filter((name) => !name.endsWith('.lock'))
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(at(name)))
          .digest('hex'),
      ]),
  );

function start(): { stop(signal: NodeJS.Signals): void; readonly ended: Promise<Ended>; isRunning(): boolean } {
  const outputs = ['--jsonl', 'cam.jsonl', '--mot', 'cam.txt', '--csv', 'cam.csv', '--output', 'cam.mp4'];
  const args = ['video', server.url, ...outputs.map((part) => (part.startsWith('--') ? part : at(part)))];
  const settings = ['--size', '160', '--workers', '1', '--reconnects', 'forever'];
  const child = spawn(process.execPath, [options.command, ...args, ...settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => (stderr += String(bytes)));
  const ended = new Promise<Ended>((done) => child.on('close', (code, signal) => done({ code, signal, stderr })));
  return { stop: (signal) => child.kill(signal), ended, isRunning: () => child.exitCode === null };
}

/** The whole lines of a file, final or in progress. */
function linesOf(name: string): string[] {
  const path = [at(name), at(`${name}.partial`)].find(existsSync);
  return path === undefined ? [] : readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

async function framesOf(name: string): Promise<number> {
  const path = [at(`${name}.mp4`), at(`${name}.partial.mp4`)].find(existsSync)!;
  const video = await openVideo(path);
  let [frames, last] = [0, -1];
  try {
    for await (const frame of video) {
      frame.close();
      if (frame.timestamp <= last)
        throw new Error(`${name}: frame ${frames} is at ${frame.timestamp} s, after ${last} s`);
      last = frame.timestamp;
      frames++;
    }
  } catch (error) {
    // The last fragment is cut off where the process was killed.
    if (path.endsWith('.partial.mp4') && (error as { code?: string }).code === 'VIDEO_TRUNCATED') return frames;
    throw error;
  } finally {
    await video.close();
  }
  return frames;
}

const faults: string[] = [];
const counts = { starts: 0, terminated: 0, killed: 0, rows: 0, filmFrames: 0, files: 0, beforeFirstFrame: 0 };
let number = 0;
let lastTime = '';

function checkRows(label: string, rows: readonly Row[]): void {
  rows.forEach(({ frame, timestamp, time }, i) => {
    const before = rows[i - 1];
    // Frames that come while the detector is busy are dropped: numbers rise, not always by one.
    if (frame <= (before?.frame ?? -1)) faults.push(`${label}: row ${i} has the frame number ${frame}`);
    if (before && timestamp <= before.timestamp)
      faults.push(`${label}: row ${i} at ${timestamp} s, after ${before.timestamp} s`);
    if (time < lastTime) faults.push(`${label}: row ${i} came at ${time}, the one before at ${lastTime}`);
    lastTime = time;
  });
}

async function checkRun(
  label: string,
  name: string,
  { signal, seen }: { signal: NodeJS.Signals; seen: number },
  { code, stderr }: Ended,
): Promise<void> {
  const fault = (text: string) => faults.push(`${label}: ${text}`);
  const rows = linesOf(`${name}.jsonl`).map((line) => JSON.parse(line) as Row);
  checkRows(label, rows);
  counts.rows += rows.length;
  if (rows.length < seen) fault(`${rows.length} rows, ${seen} were there before the end`);
  const faces = rows.reduce((sum, row) => sum + row.faces.length, 0);
  const others = [linesOf(`${name}.txt`).length, linesOf(`${name}.csv`).length - 1];
  // MOT and CSV are written before the JSONL line.
  const isComplete = signal === 'SIGTERM';
  if (others.some((count) => (isComplete ? count !== faces : count < faces)))
    fault(`${faces} faces, MOT and CSV have ${others.join(' and ')}`);
  const left = readdirSync(folder).filter((file) => file.startsWith(`${name}.`) && /\.partial/.test(file));
  if (isComplete) {
    if (code !== 0) fault(`exit code ${code}: ${stderr.trim()}`);
    if (!stderr.includes(' frames, ')) fault(`no summary: ${stderr.trim()}`);
    if (left.length > 0) fault(`left ${left.join(', ')}`);
  }
  const frames = await framesOf(name).catch((error: Error) => error);
  if (frames instanceof Error) {
    if (isComplete || rows.length > LOST_FRAMES) fault(`the film does not play: ${frames.message}`);
    return;
  }
  counts.filmFrames += frames;
  if (isComplete ? frames !== rows.length : frames < rows.length - LOST_FRAMES)
    fault(`${frames} frames in the film, ${rows.length} rows`);
}

try {
  for (let k = 0; k < Number(options.restarts); k++) {
    const signal = k % 2 === 0 ? 'SIGTERM' : 'SIGKILL';
    const label = `start ${k + 1}, ${signal}, ${server.begin(KINDS[Math.floor(k / 2) % KINDS.length]!)}`;
    const name = number === 0 ? 'cam' : `cam-${number + 1}`;
    const before = hashes();
    const run = start();
    counts.starts++;
    // Most runs are stopped some time after their first rows, some in the middle of their start.
    const isEarly = k % 7 === 6;
    const seconds = k % 10 === 9 ? 14 : isEarly ? 0.4 + 1.2 * random() : 1 + 6 * random();
    const due = performance.now() + 1000 * seconds;
    const mayStop = () => performance.now() > due && (isEarly || linesOf(`${name}.jsonl`).length > 0);
    while (!mayStop() && run.isRunning()) await sleep(20);
    const seen = linesOf(`${name}.jsonl`).length;
    run.stop(signal);
    const ended = await Promise.race([run.ended, sleep(20_000).then(() => undefined)]);
    if (!ended) {
      faults.push(`${label}: did not end within 20 s of the signal`);
      run.stop('SIGKILL');
      await run.ended;
    }
    counts[signal === 'SIGTERM' ? 'terminated' : 'killed']++;
    const after = hashes();
    for (const [file, hash] of before)
      if (after.get(file) !== hash) faults.push(`${label}: ${file} of an earlier recording was changed or removed`);
    const fresh = [...after.keys()].filter((file) => !before.has(file));
    const odd = fresh.filter((file) => !file.startsWith(`${name}.`));
    if (odd.length > 0) faults.push(`${label}: expected files of ${name} but found ${odd.join(', ')}`);
    if (fresh.length > 0) {
      number++;
      if (ended) await checkRun(label, name, { signal, seen }, ended);
    } else {
      counts.beforeFirstFrame++;
      // Node itself ends by the signal until the command has begun.
      const isNormal = ended && (ended.code === 0 || ended.signal === signal);
      if (!isNormal) faults.push(`${label}: before the first frame: exit code ${ended?.code}: ${ended?.stderr.trim()}`);
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${k + 1} of ${options.restarts}, faults: ${faults.length}\x1b[K`);
  }
  counts.files = readdirSync(folder).length;
  if (options.json) console.log(JSON.stringify({ ...counts, stream: server.counts, faults }, undefined, 2));
  else {
    const figures = { ...counts, ...server.counts, faults: faults.length };
    console.log(
      table(
        ['figure', 'count'],
        Object.entries(figures).map(([name, value]) => [name, String(value)]),
      ),
    );
    for (const fault of faults) console.log(fault);
  }
} finally {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = faults.length > 0 ? 1 : 0;
