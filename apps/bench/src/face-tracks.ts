// Track IDs when frames are skipped: time-aware prediction against plain ByteTrack, fed once for each kept frame, on
// real face tracks in crowds. node apps/bench/run.mjs face-tracks [--seeds 5] [--sequences] [--json]
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { combineMot, evaluateMot, parseMotRows, type MotMetrics } from '@facedet/eval/mot';
import { createTracker, type Detection, type TrackerOptions } from '@facedet/tracker';
import { sharedFolder } from './shared/folder.ts';
import { normal, uniform } from './shared/random.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    sequences: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const FRAME_RATE = 30; // the data name none
const DROPPED = 0.2; // share of detections
const JITTER = 0.05; // standard deviation of a box's position and size, in its size

interface TrueFace extends Detection {
  id: number;
}

/**
 * The number of frames, then one line per frame: `frame n [id x y width height isFace score] × n`. Rows that aren't
 * faces are left out.
 */
function readSequence(file: string): TrueFace[][] {
  const [, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line, index) => {
    const values = line.trim().split(/\s+/).map(Number);
    if (values.length !== 2 + 7 * values[1]! || !values.every(Number.isFinite)) {
      throw new Error(
        `${file}, line ${index + 2}: expected frame n [id x y width height isFace score] × n but received ` +
          `${values.length} numbers.`,
      );
    }
    return Array.from(
      { length: values[1]! },
      (_, k) => values.slice(2 + 7 * k, 9 + 7 * k) as [number, number, number, number, number, number, number],
    )
      .filter((face) => face[5] === 1)
      .map(([id, x, y, width, height, , score]) => ({ id, box: { x, y, width, height }, score }));
  });
}

/** Frames kept: the first, then each after a gap of 1 to 6 at random, or every n-th. */
const regimes: [string, (random: () => number) => number][] = [
  ['every frame', () => 1],
  ['every 2nd', () => 2],
  ['every 3rd', () => 3],
  ['every 5th', () => 5],
  ['gaps of 1–6', (random) => 1 + Math.floor(random() * 6)],
];

const trackers: [string, TrackerOptions, boolean][] = [
  ['plain ByteTrack', { compat: true }, false],
  ['time-aware', {}, true],
];

function evaluate(
  frames: TrueFace[][],
  gap: (random: () => number) => number,
  seed: number,
  { trackerOptions, timed }: { trackerOptions: TrackerOptions; timed: boolean },
): MotMetrics {
  const random = uniform(seed);
  const gaussian = normal(random);
  const tracker = createTracker(trackerOptions);
  const truth: string[] = [];
  const tracks: string[] = [];
  let kept = 0;
  for (let frame = 0; frame < frames.length; frame += gap(random)) {
    kept++;
    const detections: Detection[] = [];
    for (const { id, box, score } of frames[frame]!) {
      truth.push(`${kept},${id},${box.x},${box.y},${box.width},${box.height},1`);
      const drop = random() < DROPPED;
      const [dx, dy, dw, dh] = [gaussian(), gaussian(), gaussian(), gaussian()].map((g) => g * JITTER) as [
        number,
        number,
        number,
        number,
      ];
      if (!drop)
        detections.push({
          box: {
            x: box.x + dx * box.width,
            y: box.y + dy * box.height,
            width: box.width * Math.exp(dw),
            height: box.height * Math.exp(dh),
          },
          score,
        });
    }
    for (const { id, detection, state, score } of tracker.update(detections, timed ? frame / FRAME_RATE : undefined)) {
      if (!detection || state !== 'tracked') continue;
      const { x, y, width, height } = detection.box;
      tracks.push(`${kept},${id},${x},${y},${width},${height},${score},-1,-1,-1`);
    }
  }
  return evaluateMot({
    truth: parseMotRows(truth.join('\n'), 'truth'),
    tracks: parseMotRows(tracks.join('\n'), 'tracks'),
    length: kept,
  });
}

const folder = sharedFolder('mot', 'face_tracks');
const sequences = readdirSync(folder)
  .filter((file) => file.endsWith('.txt'))
  .sort()
  .map((file): [string, TrueFace[][]] => [file.slice(0, -4), readSequence(join(folder, file))]);
const seeds = Array.from({ length: Number(options.seeds) }, (_, k) => k + 1);
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

const results: Record<string, number | string>[] = [];
const groups: [string, [string, TrueFace[][]][]][] = options.sequences
  ? sequences.map((sequence) => [sequence[0], [sequence]])
  : [['all', sequences]];
for (const [group, members] of groups) {
  for (const [regime, gap] of regimes) {
    for (const [tracker, trackerOptions, timed] of trackers) {
      const runs = seeds.map((seed) =>
        combineMot(members.map(([, frames]) => evaluate(frames, gap, seed, { trackerOptions, timed }))),
      );
      results.push({
        group,
        regime,
        tracker,
        IDSW: mean(runs.map((r) => r.IDSW)),
        IDF1: mean(runs.map((r) => r.IDF1)),
        HOTA: mean(runs.map((r) => r.HOTA)),
        MOTA: mean(runs.map((r) => r.MOTA)),
      });
    }
  }
}

if (options.json) console.log(JSON.stringify({ seeds: seeds.length, dropped: DROPPED, jitter: JITTER, results }));
else {
  const pair = results.filter((_, k) => k % 2 === 0).map((plain, k) => [plain, results[2 * k + 1]!] as const);
  console.log(
    table(
      [
        'frames kept',
        ...['switches', 'IDF1', 'HOTA'].flatMap((name) => [`${name}, plain`, `${name}, time-aware`]),
        'fewer switches',
        'more IDF1',
      ],
      pair.map(([plain, timed]) => [
        options.sequences ? `${plain['group']}, ${plain['regime']}` : String(plain['regime']),
        ...(['IDSW', 'IDF1', 'HOTA'] as const).flatMap((name) =>
          [plain[name]!, timed[name]!].map((value) =>
            name === 'IDSW' ? Number(value).toFixed(0) : Number(value).toFixed(4),
          ),
        ),
        `${(100 * (1 - Number(timed['IDSW']) / Number(plain['IDSW']))).toFixed(0)} %`,
        Number(timed['IDF1']) > Number(plain['IDF1']) ? 'yes' : 'no',
      ]),
    ),
  );
}
