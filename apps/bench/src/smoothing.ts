// How much smoothing reduces the jitter of boxes and how far they lag, on synthetic people with exact truth and noise
// added to their boxes. node apps/bench/run.mjs smoothing [--noise 0.02] [--scenes 6] [--json]
import { parseArgs } from 'node:util';
import { parseMotRows } from '@facedet/eval/mot';
import { evaluateStability, frameTimes } from '@facedet/eval/stability';
import { createScene, type Scene } from '@facedet/eval/synthetic';
import { createSmoother, type TrackedFace, type SmootherOptions } from '@facedet/temporal';
import { createTracker } from '@facedet/tracker';
import { percent } from './shared/measure.ts';
import { normal, uniform } from './shared/random.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    noise: { type: 'string', default: '.02' },
    scenes: { type: 'string', default: '6' },
    json: { type: 'boolean', default: false },
  },
});
const NOISE = Number(options.noise); // standard deviation of center and size, in sides of the face
const FPS = 25;
const FRAMES = 250;

type Chain = () => (faces: TrackedFace[], time: number) => readonly TrackedFace[];

const smoothed =
  (smoother: SmootherOptions): Chain =>
  () => {
    const { smooth } = createSmoother(smoother);
    return (faces, time) => smooth(faces, time);
  };
const tracked =
  (smoother?: SmootherOptions): Chain =>
  () => {
    const tracker = createTracker<TrackedFace>();
    const { smooth } = createSmoother(smoother);
    return (faces, time) => {
      const found = tracker.update(faces, time).filter((track) => track.state === 'tracked');
      return smoother ? smooth(found, time) : found;
    };
  };

const chains: [string, Chain][] = [
  ['detections as they are', () => (faces) => faces],
  ['EMA with α = 0.3', smoothed({ stillAlpha: 0.3, fastAlpha: 0.3 })],
  ['EMA with α = 0.6', smoothed({ stillAlpha: 0.6, fastAlpha: 0.6 })],
  ['adaptive EMA (default)', smoothed({})],
  ['One Euro', smoothed({ filter: 'one-euro' })],
  ["the tracker's boxes", tracked()],
  ["adaptive EMA of the tracker's boxes", tracked({})],
];

const side = (box: { width: number; height: number }) => Math.sqrt(box.width * box.height);
const row = (frame: number, { id, box, score }: TrackedFace) =>
  `${frame},${id},${box.x},${box.y},${box.width},${box.height},${score}`;

function measure(scene: Scene, seed: number, chain: Chain) {
  const gaussian = normal(uniform(seed));
  const step = chain();
  const truth: string[] = [];
  const tracks: string[] = [];
  for (let i = 0; i < scene.length; i++) {
    const faces = scene.truth(i).map(({ id, box }) => ({ id, box, score: 0.9 }));
    const noisy = faces.map((face) => {
      const [dx, dy, dw, dh] = [gaussian(), gaussian(), gaussian(), gaussian()].map(
        (g) => g * NOISE * side(face.box),
      ) as [number, number, number, number];
      const { x, y, width, height } = face.box;
      return { ...face, box: { x: x + dx - dw / 2, y: y + dy - dh / 2, width: width + dw, height: height + dh } };
    });
    for (const face of faces) truth.push(row(i + 1, { ...face, score: 1 }));
    for (const face of step(noisy, i / FPS)) tracks.push(row(i + 1, face));
  }
  return evaluateStability(
    { rows: parseMotRows(tracks.join('\n'), 'tracks'), times: frameTimes(scene.length, FPS) },
    parseMotRows(truth.join('\n'), 'truth'),
  ).againstTruth!;
}

const seeds = Array.from({ length: Number(options.scenes) }, (_, k) => k + 1);
const scenes = seeds.map((seed) => createScene({ seed, fps: FPS, frames: FRAMES, width: 1280, height: 720, faces: 5 }));
const rootMean = (values: (number | null)[]) =>
  Math.sqrt(values.reduce<number>((sum, v) => sum + v! ** 2, 0) / values.length);
const mean = (values: (number | null)[]) => values.reduce<number>((sum, v) => sum + v!, 0) / values.length;
const results = chains.map(([name, chain]) => {
  const figures = scenes.map((scene, k) => measure(scene, seeds[k]!, chain));
  return {
    name,
    jitter: rootMean(figures.map((f) => f.jitter.center)),
    sizeJitter: rootMean(figures.map((f) => f.jitter.size)),
    lagFrames: FPS * mean(figures.map((f) => f.lagSeconds)),
    trailFrames: FPS * mean(figures.map((f) => f.positionLagSeconds)),
    error: rootMean(figures.map((f) => f.centerError)),
  };
});

if (options.json) console.log(JSON.stringify({ noise: NOISE, scenes: seeds.length, results }));
else {
  const raw = results[0]!;
  console.log(
    table(
      ['', 'jitter', 'of the raw', 'size jitter', 'of the raw ', 'lag, frames', 'trail, frames', 'error'],
      results.map((r) => [
        r.name,
        percent(r.jitter, 2),
        (r.jitter / raw.jitter).toFixed(2),
        percent(r.sizeJitter, 2),
        (r.sizeJitter / raw.sizeJitter).toFixed(2),
        r.lagFrames.toFixed(2),
        r.trailFrames.toFixed(2),
        percent(r.error, 2),
      ]),
    ),
  );
}
