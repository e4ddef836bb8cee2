// How much memory the built command takes at 1080p and 240 frames per second, where look-ahead covers the most
// pictures.
//
//   node apps/bench/run.mjs high-rate [--video VIDEO] [--loops 10] [--rounds 3] [--json]
//
//   --video   frames of this video, shown again and again at 240 per second
//   --loops   how often
//
// Reads the peak of resident memory (VmHWM) from /proc, so it runs on Linux only; the command must be built: pnpm
// build.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createVideoWriter, openVideo } from '@facedet/video-node';
import { sharedFolder } from './shared/folder.ts';
import { machine, median } from './shared/measure.ts';

const { values: options } = parseArgs({
  options: {
    video: { type: 'string' },
    loops: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
if (!existsSync('/proc/self/status')) {
  console.error('Expected Linux: peaks of memory are read from /proc.');
  process.exit(2);
}
const RATE = 240;
const POLL = 100; // milliseconds
const COMMAND = resolve('apps/cli/dist/main.js');
const folder = mkdtempSync(join(tmpdir(), 'facedet-bench-'));

async function film(source: string, path: string): Promise<number> {
  let frames = 0;
  const { metadata, ...first } = await openVideo(source);
  await first.close();
  const { width, height } = metadata;
  const writer = await createVideoWriter(path, { like: { width, height, fps: RATE }, crf: 18 });
  for (let loop = 0; loop < Number(options.loops); loop++)
    for await (const frame of await openVideo(source)) {
      await writer.write({ ...frame, timestamp: frames++ / RATE });
      frame.close();
    }
  await writer.finish();
  return frames;
}

/** Peak of resident memory of one run, in MiB. */
async function peakOf(path: string): Promise<number> {
  const args = [COMMAND, 'anonymize', path, '-o', join(folder, 'out.mp4'), '--detect-every', '8'];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  let peak = 0;
  const timer = setInterval(() => {
    try {
      peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? peak);
    } catch {
      // It has ended.
    }
  }, POLL);
  const code = await new Promise<number | null>((ended) => child.on('exit', ended));
  clearInterval(timer);
  if (code !== 0) throw new Error(`the command ended with ${code}`);
  return peak / 1024;
}

const path = join(folder, 'film.mp4');
const frames = await film(options.video ?? sharedFolder('video', 'street_crowd.mp4'), path);
const peaks: number[] = [];
for (let round = 0; round < Number(options.rounds); round++) peaks.push(await peakOf(path));
rmSync(folder, { recursive: true });
if (options.json) console.log(JSON.stringify({ frames, peaks }));
else
  console.log(
    `${machine().cpu}, ${machine().cores} cores; ${frames} frames at ${RATE} per second, --detect-every 8: ` +
      'peak of resident memory ' +
      `${median(peaks).toFixed(0)} MiB (${peaks.map((peak) => peak.toFixed(0)).join(', ')})`,
  );
