// Milliseconds per frame of the tracker on the scenes of the Python peers, how they grow with the number of faces, and
// whether its heap stays flat. node apps/bench/run.mjs tracker [--frames 400] [--python PYTHON] [--heap] [--json] With
// --python (one that has numpy, scipy, supervision, cjm-byte-track and trackers) the peers run after ours.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { createTracker, type Detection } from '@facedet/tracker';
import { sharedFolder } from './shared/folder.ts';
import { median } from './shared/measure.ts';
import { normal, uniform } from './shared/random.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '400' },
    python: { type: 'string' },
    heap: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const COUNTS = [20, 50, 200, 1000, 2000];
const PEER_COUNTS = [20, 50, 200, 1000];
const SIDE = 60; // of a face, pixels
const ROOM = 160; // side of the square that each face has for itself, on average

/**
 * The peers' scene: faces move at constant speed in a picture that grows with their number, jitter by 2 % of their
 * side, 5 % are missed, 10 % score low.
 */
function scene(faces: number, frames: number, seed: number): Detection[][] {
  const random = uniform(seed);
  const gaussian = normal(random);
  const extent = ROOM * Math.sqrt(faces);
  const walkers = Array.from({ length: faces }, () => ({
    x: random() * extent,
    y: random() * extent,
    vx: 2 * gaussian(),
    vy: 2 * gaussian(),
    side: (0.5 + random()) * SIDE,
  }));
  return Array.from({ length: frames }, () =>
    walkers.flatMap((walker) => {
      walker.x += walker.vx;
      walker.y += walker.vy;
      if (walker.x < 0 || walker.x > extent) walker.vx = -walker.vx;
      if (walker.y < 0 || walker.y > extent) walker.vy = -walker.vy;
      const { side } = walker;
      const x = walker.x + 0.02 * side * gaussian() - side / 2;
      const y = walker.y + 0.02 * side * gaussian() - side / 2;
      const score = random() < 0.1 ? 0.1 + 0.5 * random() : 0.7 + 0.3 * random();
      return random() < 0.05 ? [] : [{ box: { x, y, width: side, height: side }, score }];
    }),
  );
}

function measure(faces: number, frames: number): { median: number; mean: number } {
  const rows = scene(faces, frames, 1);
  const tracker = createTracker({ highScoreThreshold: 0.6 });
  const times = rows
    .map((detections) => {
      const begin = performance.now();
      tracker.update(detections);
      return performance.now() - begin;
    })
    .slice(frames / 10);
  return { median: median(times), mean: times.reduce((a, b) => a + b, 0) / times.length };
}

/** The used heap after each tenth of 100,000 frames in which 20,000 people come and go. */
function heap(): number[] {
  const tracker = createTracker();
  const used: number[] = [];
  const frames = 100_000;
  const life = 250; // frames; 50 faces at a time
  let tracks = 0;
  for (let frame = 0; frame < frames; frame++) {
    const detections = Array.from({ length: 50 }, (_, k) => {
      const age = (frame + k * 5) % life;
      const person = Math.floor((frame + k * 5) / life);
      return { box: { x: k * 200 + (person % 2) * 100 + age * 0.1, y: 50, width: 60, height: 70 }, score: 0.9 };
    });
    for (const { id } of tracker.update(detections)) if (id > tracks) tracks = id;
    if ((frame + 1) % (frames / 10) === 0) {
      globalThis.gc?.();
      used.push(process.memoryUsage().heapUsed / 2 ** 20);
    }
  }
  if (tracks < 20_000) throw new Error(`Expected 20,000 tracks in the scene but received ${tracks}`);
  return used;
}

function peers(python: string): { package: string; faces: number; median_ms: number }[] {
  const script = sharedFolder('peers', 'bytetrack_speed.py');
  const { stdout, stderr, status } = spawnSync(python, [script, '--faces', ...PEER_COUNTS.map(String)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the peers' script failed: ${stderr}`);
  return JSON.parse(stdout).results;
}

measure(1000, 200); // warms up the compiler at every size's code paths
const frames = Number(options.frames);
const ours = COUNTS.map((faces) => ({ faces, ...measure(faces, frames) }));
const at = (faces: number) => ours.find((row) => row.faces === faces)!.median;
const exponent = Math.log(at(2000) / at(50)) / Math.log(2000 / 50);
const others = options.python ? peers(options.python) : [];
const memory = options.heap ? heap() : [];

if (options.json) console.log(JSON.stringify({ ours, exponent, peers: others, heap: memory }));
else {
  const names = [...new Set(others.map((row) => row.package))];
  console.log(
    table(
      ['faces', 'median ms', 'mean ms', ...names.flatMap((name) => [`${name}, median ms`, 'ours is faster'])],
      ours.map((row) => [
        String(row.faces),
        row.median.toFixed(3),
        row.mean.toFixed(3),
        ...names.flatMap((name) => {
          const other = others.find((o) => o.package === name && o.faces === row.faces);
          return other ? [other.median_ms.toFixed(1), `${(other.median_ms / row.median).toFixed(0)} ×`] : ['', ''];
        }),
      ]),
    ),
  );
  console.log(`\nFrom 50 to 2,000 faces the median grows with n^${exponent.toFixed(2)}.`);
  if (memory.length)
    console.log(
      'Heap after each 10,000 of 100,000 frames with 20,000 tracks, MiB: ' +
        `${memory.map((m) => m.toFixed(2)).join(' ')}`,
    );
}
