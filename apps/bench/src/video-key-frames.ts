// Speed and track IDs when the detector runs on only some frames: on synthetic scenes with exact truth, and for track
// IDs alone on MOT17. node apps/bench/run.mjs video-key-frames [--model MODEL.onnx] [--scenes 3] [--frames 200]
// [--faces 5] [--rounds 3] [--only synthetic|mot17] [--json]
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Detector, Face, Frame, RasterSource } from '@facedet/core';
import { combineMot, evaluateMot, parseMotRows, type MotMetrics, type MotSequence } from '@facedet/eval/mot';
import { createScene, toMot, type Scene } from '@facedet/eval/synthetic';
import { createVideoDetector, type FrameResult, type VideoDetectorOptions } from '@facedet/pipeline';
import { createDetector } from '@facedet/runtime-node';
import { createVideoWriter, openVideo } from '@facedet/video-node';
import { sharedFolder } from './shared/folder.ts';
import { cpuTime, median, percent } from './shared/measure.ts';
import { evaluateMot17 } from './shared/mot17.ts';
import { table } from './shared/table.ts';
import { frameCost, type FrameCost } from './shared/video-cost.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    scenes: { type: 'string', default: '3' },
    frames: { type: 'string', default: '200' },
    faces: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const WIDTH = 1280;
const HEIGHT = 720;
const FPS = 25;
const SIZE = 640;
const LOW = 0.1;

type Mode = Pick<VideoDetectorOptions, 'detectEvery' | 'refine' | 'lookAhead'>;
const MODES: Record<string, Mode> = {
  'every frame': {},
  'every 2nd': { detectEvery: 2 },
  'every 3rd': { detectEvery: 3 },
  'every 3rd, 1 s ahead': { detectEvery: 3, lookAhead: 1 },
  'every 3rd, refined': { detectEvery: 3, refine: true },
  'every 5th': { detectEvery: 5 },
  auto: { detectEvery: 'auto' },
  'auto, refined': { detectEvery: 'auto', refine: true },
};

const row = (frame: number, id: number | null, { x, y, width, height }: Face['box'], score: number) =>
  `${frame},${id},${x.toFixed(2)},${y.toFixed(2)},${width.toFixed(2)},${height.toFixed(2)},${score},-1,-1,-1`;
const rowsOf = ({ index, faces }: FrameResult, from = 0) =>
  faces.map(({ id, box, score }) => row(index - from + 1, id, box, score));

/** A scene as a film in H.264, as it would come from a camera, and its truth. */
interface Film {
  readonly path: string;
  readonly truth: MotSequence['truth'];
  readonly length: number;
}

/** Painting takes longer than following: films are kept for the next run. */
async function film(scene: Scene, folder: string, name: string): Promise<Film> {
  const path = join(folder, `${name}.mp4`);
  if (!existsSync(path)) {
    const writer = await createVideoWriter(path, { like: scene, crf: 20 });
    for (let i = 0; i < scene.length; i++) {
      const { image, timestamp } = scene.frame(i);
      await writer.write({ ...image, timestamp, duration: 1 / scene.fps });
    }
    await writer.finish();
  }
  const frames = Array.from({ length: scene.length }, (_, index) => ({
    index,
    timestamp: index / scene.fps,
    truth: scene.truth(index),
  }));
  return { path, truth: parseMotRows(toMot(frames), name), length: scene.length };
}

interface Run {
  readonly rows: string[];
  readonly frames: number;
  readonly seconds: number;
  readonly cpu: number;
  /** Frames on which the detector ran in full, and on crops. */
  readonly whole: number;
  readonly crops: number;
}

async function follow(path: string, detector: Detector, mode: Mode): Promise<Run> {
  const video = await openVideo(path);
  const pipeline = createVideoDetector({ detector, ...mode });
  const rows: string[] = [];
  const [begin, cpu] = [performance.now(), cpuTime()];
  for await (const result of pipeline.run(video)) rows.push(...rowsOf(result));
  const spent = { seconds: (performance.now() - begin) / 1000, cpu: cpuTime() - cpu };
  await video.close();
  const { totalFrames, detectedFrames, refinedFrames } = pipeline.statistics;
  return { rows, frames: totalFrames, ...spent, whole: detectedFrames, crops: refinedFrames };
}

interface Result {
  readonly name: string;
  readonly fps: number;
  /** Milliseconds of CPU time per frame. */
  readonly cpu: number;
  readonly whole: number;
  readonly crops: number;
  readonly figures: MotMetrics;
}

async function synthetic(): Promise<{ cost: FrameCost; results: Result[] }> {
  const model = options.model ?? sharedFolder('models', 'scrfd_2.5g.onnx');
  const folder = join(import.meta.dirname, 'films'); // beside the bundle, in a folder that git ignores
  mkdirSync(folder, { recursive: true });
  const [frames, faces] = [Number(options.frames), Number(options.faces)];
  const detector = await createDetector({ model, inputSize: SIZE, scoreThreshold: LOW });
  try {
    const films: Film[] = [];
    for (let seed = 1; seed <= Number(options.scenes); seed++)
      films.push(
        await film(
          createScene({ seed, fps: FPS, frames, width: WIDTH, height: HEIGHT, faces }),
          folder,
          `${WIDTH}x${HEIGHT}-${faces}-faces-${frames}-frames-${seed}`,
        ),
      );
    await detector.warmup();
    const cost = await frameCost(films[0]!.path, model, SIZE);
    const runs = new Map<string, { rate: number; cpu: number }[]>(Object.keys(MODES).map((name) => [name, []]));
    const results = new Map<string, Omit<Result, 'name' | 'fps' | 'cpu'>>();
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const [name, mode] of Object.entries(MODES)) {
        const all: Run[] = [];
        for (const { path } of films) all.push(await follow(path, detector, mode));
        const sum = (key: 'frames' | 'seconds' | 'cpu' | 'whole' | 'crops') =>
          all.reduce((total, run) => total + run[key], 0);
        runs.get(name)!.push({ rate: sum('frames') / sum('seconds'), cpu: sum('cpu') / sum('frames') });
        if (round === 0)
          results.set(name, {
            whole: sum('whole') / sum('frames'),
            crops: sum('crops') / sum('frames'),
            figures: combineMot(
              all.map(({ rows }, i) =>
                evaluateMot({
                  truth: films[i]!.truth,
                  tracks: parseMotRows(rows.join('\n'), name),
                  length: films[i]!.length,
                }),
              ),
            ),
          });
      }
    }
    return {
      cost,
      results: [...results].map(([name, result]) => ({
        name,
        fps: median(runs.get(name)!.map((r) => r.rate)),
        cpu: median(runs.get(name)!.map((r) => r.cpu)),
        ...result,
      })),
    };
  } finally {
    await detector.dispose();
  }
}

/** ByteTrack's own detections of MOT17's validation halves, those of the frames between withheld. */
async function mot17(): Promise<{ name: string; figures: MotMetrics }[]> {
  const folder = sharedFolder('mot', 'MOT17-val');
  const modes = Object.entries(MODES).filter(([, mode]) => !mode.refine && mode.detectEvery !== 'auto');
  const results: { name: string; figures: MotMetrics }[] = [];
  for (const [name, mode] of modes) {
    const texts = new Map<string, string>();
    const pending: Promise<void>[] = [];
    evaluateMot17(folder, (sequence, _buffer, detections) => {
      pending.push(
        trackMot(detections as Face[][], RATES[sequence] ?? 30, mode).then((text) => void texts.set(sequence, text)),
      );
      return '';
    });
    await Promise.all(pending);
    results.push({ name, figures: evaluateMot17(folder, (sequence) => texts.get(sequence)!) });
  }
  return results;
}

/** Frame rates, where they aren't 30. */
const RATES: Record<string, number> = { 'MOT17-05': 14 };

async function trackMot(detections: Face[][], rate: number, mode: Mode): Promise<string> {
  const detect: Detector['detect'] = async (image) => detections[(image as Frame).index] ?? [];
  const detector = {
    concurrency: 1,
    detect,
    detectBatch: async () => [],
    warmup: async () => {},
    drain: async () => {},
    dispose: async () => {},
  } satisfies Detector;
  const pipeline = createVideoDetector({ detector, ...mode, shotCuts: false, tracker: { highScoreThreshold: 0.6 } });
  const frames = detections.map((_, index): Frame & RasterSource => ({
    index,
    timestamp: index / rate,
    width: 1920,
    height: 1080,
    rasterize: () => ({ width: 1, height: 1, format: 'gray', data: new Uint8Array(1) }),
  }));
  const rows: string[] = [];
  for await (const result of pipeline.run(frames))
    rows.push(
      ...rowsOf({
        ...result,
        faces: result.faces.filter(({ box }) => box.width * box.height > 100 && box.width / box.height <= 1.6),
      }),
    );
  return rows.join('\n');
}

const scenes = options.only === 'mot17' ? null : await synthetic();
const pedestrians = options.only === 'synthetic' ? null : await mot17();
const slim = ({ IDF1, MOTA, HOTA, IDSW }: MotMetrics) => ({ IDF1, MOTA, HOTA, IDSW });

if (options.json) {
  console.log(
    JSON.stringify({
      synthetic: scenes && {
        cost: scenes.cost,
        results: scenes.results.map(({ figures, ...rest }) => ({ ...rest, ...slim(figures) })),
      },
      mot17: pedestrians?.map(({ name, figures }) => ({ name, ...slim(figures) })),
    }),
  );
} else {
  const points = (figures: MotMetrics, base: MotMetrics) =>
    `${figures.IDF1 >= base.IDF1 ? '+' : '−'}${Math.abs(100 * (figures.IDF1 - base.IDF1)).toFixed(1)}`;
  if (scenes) {
    const {
      cost: { decode: d, scale: s, run: r },
      results,
    } = scenes;
    const base = results[0]!;
    const possible = (share: number) => (d + s + r) / (d + share * (s + r));
    console.log(
      `CPU time per frame: decoding ${d.toFixed(2)} ms, scaling ${s.toFixed(2)} ms, one run ${r.toFixed(1)} ms; ` +
        `detection on every 3rd frame can be ${possible(1 / 3).toFixed(2)} × as fast\n`,
    );
    console.log(
      table(
        [
          'synthetic scenes',
          'fps',
          'faster',
          'of the possible',
          'CPU ms',
          'less CPU',
          'full detection',
          'by crops',
          'IDF1',
          'points',
          'MOTA',
          'HOTA',
          'switches',
        ],
        results.map(({ name, fps, cpu, whole, crops, figures }) => [
          name,
          fps.toFixed(1),
          `${(fps / base.fps).toFixed(2)} ×`,
          percent(fps / base.fps / possible(whole), 0),
          cpu.toFixed(1),
          `${(base.cpu / cpu).toFixed(2)} ×`,
          percent(whole, 0),
          percent(crops, 0),
          figures.IDF1.toFixed(4),
          points(figures, base.figures),
          figures.MOTA.toFixed(4),
          figures.HOTA.toFixed(4),
          String(figures.IDSW),
        ]),
      ),
    );
  }
  if (pedestrians) {
    if (scenes) console.log();
    const base = pedestrians[0]!.figures;
    console.log(
      table(
        ['MOT17, detections withheld', 'IDF1', 'points', 'MOTA', 'HOTA', 'switches'],
        pedestrians.map(({ name, figures }) => [
          name,
          figures.IDF1.toFixed(4),
          points(figures, base),
          figures.MOTA.toFixed(4),
          figures.HOTA.toFixed(4),
          String(figures.IDSW),
        ]),
      ),
    );
  }
}
