// Whether memory stays flat over a long film: frames from FFmpeg's test source through a pool of threads, tracker and
// smoother; heap and resident memory after each tenth, and on Linux the part that is not backed by files. That part is
// what the program itself holds: the system drops and reloads the pages of libraries as needed.
//   node apps/bench/run.mjs video-memory [--model MODEL.onnx] [--frames 100000] [--source VIDEO] [--json]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createVideoDetector } from '@facedet/pipeline';
import { createDetector } from '@facedet/runtime-node';
import { openVideo } from '@facedet/video-node';
import { sharedFolder } from './shared/folder.ts';
import { cpuTime, percent } from './shared/measure.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    frames: { type: 'string', default: '100000' },
    source: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const model = options.model ?? sharedFolder('models', 'scrfd_500m.onnx');
const most = Number(options.frames);
const source = options.source ?? { lavfi: `testsrc2=size=128x96:rate=25:duration=${most / 25}` };
const MIB = 2 ** 20;

// so low that tracks come and go in a test picture too
const detector = await createDetector({ model, inputSize: { width: 64, height: 64 }, scoreThreshold: 0.02 });
const video = await openVideo(source, { dropLate: false });
const pipeline = createVideoDetector({
  detector,
  tracker: { lowScoreThreshold: 0.02, highScoreThreshold: 0.03, newTrackThreshold: 0.03 },
});
const rows: { frames: number; heap: number; rss: number; own: number; tracks: number }[] = [];
const begin = performance.now();
const cpu = cpuTime();
let frames = 0;
for await (const result of pipeline.run(video)) {
  void result;
  if (++frames % Math.floor(most / 10) === 0) {
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    rows.push({
      frames,
      heap: heapUsed / MIB,
      rss: rss / MIB,
      own: ownMemory() ?? NaN,
      tracks: pipeline.statistics.identities,
    });
  }
  if (frames === most) break;
}
const spent = { seconds: (performance.now() - begin) / 1000, cpu: (cpuTime() - cpu) / frames };
await video.close();
await detector.dispose();

/** How far the rows after the first tenth, which warms up, are from their middle. */
const spread = (key: 'heap' | 'rss' | 'own') => {
  const values = rows.slice(1).map((row) => row[key]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (high - low) / (high + low);
};

/** MiB of resident memory that no file backs; null where the system does not tell. */
function ownMemory(): number | null {
  if (process.platform !== 'linux') return null;
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kib === undefined ? null : Number(kib) / 1024;
}

if (options.json)
  console.log(
    JSON.stringify(
      { source, ...spent, rows, heapSpread: spread('heap'), rssSpread: spread('rss'), ownSpread: spread('own') },
      null,
      2,
    ),
  );
else {
  console.log(`${frames} frames in ${spent.seconds.toFixed(0)} s, ${spent.cpu.toFixed(2)} ms of CPU time per frame\n`);
  console.log(
    table(
      ['frames', 'heap MiB', 'resident MiB', 'without files', 'tracks'],
      rows.map((row) => [
        String(row.frames),
        row.heap.toFixed(1),
        row.rss.toFixed(0),
        row.own.toFixed(0),
        String(row.tracks),
      ]),
    ),
  );
  console.log(
    `\nAfter the first tenth: heap ± ${percent(spread('heap'))}, resident memory ± ${percent(spread('rss'))}, ` +
      `without files ± ${percent(spread('own'))}`,
  );
}
