// Milliseconds of the metrics on large data: COCO's on 800 images × 100 detections × 30 faces, tracking metrics of
// 2,000 people beside one dense assignment of them. node apps/bench/run.mjs eval-metrics [--people 2000]
// [--rounds 7] [--baseline INDEX.js] [--json] --baseline: a module with evaluateDetections and evaluateMot of another
// version, which runs alternately on the same data.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { evaluateDetections, scoredBoxes, type ScoredBoxes, type LabeledImage } from '@facedet/eval/detection';
import { evaluateMot, parseMotRows } from '@facedet/eval/mot';
import { assign } from '@facedet/tracker';
import { cpuTime, machine, median } from './shared/measure.ts';
import { normal, uniform } from './shared/random.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    people: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '7' },
    baseline: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const ROUNDS = Number(options.rounds);
const PEOPLE = Number(options.people);
const current = { evaluateDetections, evaluateMot };
type Metrics = typeof current;
const baseline =
  options.baseline === undefined ? null : ((await import(pathToFileURL(resolve(options.baseline)).href)) as Metrics);

/** Images of 30 faces; 60 of 100 detections lie near one, by up to 15 % of its side off. */
function detectionData() {
  const random = uniform(1);
  const predictions = new Map<string, ScoredBoxes>();
  const images = Array.from({ length: 800 }, (_, i): LabeledImage => {
    const faces = Array.from({ length: 30 }, () => {
      const side = 10 + 150 * random() ** 3;
      return [1000 * random(), 700 * random(), side, side * (1 + 0.3 * random())] as const;
    });
    const found = Array.from({ length: 100 }, (__, d) => {
      const [x, y, width, height] = faces[d % 30]!;
      const shift = () => 0.3 * (random() - 0.5) * width;
      const box =
        d < 60
          ? { x: x + shift(), y: y + shift(), width: width + shift(), height: height + shift() }
          : { x: 1000 * random(), y: 700 * random(), width: 10 + 90 * random(), height: 10 + 90 * random() };
      return { box, score: random() };
    });
    predictions.set(String(i), scoredBoxes(found));
    return { name: String(i), boxes: Float64Array.from(faces.flat()) };
  });
  return { images, predictions };
}

/**
 * People who cross the picture, each for 4 seconds, 40 at a time; now and then a track ends early, or continues on a
 * neighbor.
 */
function trackData() {
  const random = uniform(2);
  const gaussian = normal(random);
  const truth: string[] = [];
  const tracks: string[] = [];
  let nextTrack = 1;
  for (let id = 1; id <= PEOPLE; id++) {
    const start = Math.floor(id * 2.5);
    const [x, y, vx, vy] = [1800 * random(), 1000 * random(), 3 * gaussian(), 2 * gaussian()];
    let track = nextTrack++;
    for (let k = 0; k < 100; k++) {
      const row = (of: number, noise: number) => {
        const left = (x + vx * k + noise * gaussian()).toFixed(2);
        const top = (y + vy * k + noise * gaussian()).toFixed(2);
        return `${start + k},${of},${left},${top},60,80,1`;
      };
      truth.push(row(id, 0));
      if (random() < 0.02) track = nextTrack++;
      if (random() > 0.05) tracks.push(row(track, 3));
    }
  }
  return {
    truth: parseMotRows(truth.join('\n'), 'truth'),
    tracks: parseMotRows(tracks.join('\n'), 'tracks'),
  };
}

/** Median CPU milliseconds of each program over alternating rounds, after one that does not count. */
function alternately(programs: readonly (() => unknown)[]): number[] {
  const times = programs.map(() => [] as number[]);
  for (let round = 0; round <= ROUNDS; round++) {
    programs.forEach((program, p) => {
      const begin = cpuTime();
      program();
      if (round > 0) times[p]!.push(cpuTime() - begin);
    });
  }
  return times.map(median);
}

const detections = detectionData();
const video = trackData();
const random = uniform(3);
const dense = Float64Array.from({ length: PEOPLE ** 2 }, () => (random() < 0.002 ? -Math.ceil(100 * random()) : 0));
const both = (work: (metrics: Metrics) => unknown) => [
  () => work(current),
  ...(baseline ? [() => work(baseline)] : []),
];
const [coco, cocoBefore] = alternately(
  both((metrics) => metrics.evaluateDetections(detections.images, detections.predictions)),
);
const [mot, motBefore] = alternately(both((metrics) => metrics.evaluateMot(video)));
const [assignment] = alternately([() => assign(dense, PEOPLE, PEOPLE)]);
const { IDs, GT_IDs, GT_Dets, IDF1 } = evaluateMot(video);

const results = {
  evaluateDetections: coco,
  evaluateMot: mot,
  denseAssignment: assignment,
  ...(baseline && { evaluateDetectionsBefore: cocoBefore, evaluateMotBefore: motBefore }),
  IDs,
  GT_IDs,
  GT_Dets,
  IDF1,
};
if (options.json) console.log(JSON.stringify({ machine: machine(), rounds: ROUNDS, ...results }));
else {
  const row = (name: string, now: number | undefined, before: number | undefined) => {
    const compared = before === undefined ? ['', ''] : [before.toFixed(0), (before / now!).toFixed(1)];
    return [name, now!.toFixed(0), ...(baseline ? compared : [])];
  };
  console.log(
    table(
      ['CPU ms, median', 'this version', ...(baseline ? ['baseline', 'ratio'] : [])],
      [
        row('evaluateDetections, 800 × 100 × 30', coco, cocoBefore),
        row(`evaluateMot, ${GT_IDs} true tracks and ${IDs} tracker IDs, ${GT_Dets} boxes`, mot, motBefore),
        row(`assign, dense ${PEOPLE} × ${PEOPLE}`, assignment, undefined),
      ],
    ),
  );
}
