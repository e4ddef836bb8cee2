// Real films: are all faces tracked, how many track IDs they get, how often one changes, and how much boxes jitter, as
// detected and smoothed. node apps/bench/run.mjs video-real [--model MODEL.onnx] [--size 640] [--json] [VIDEO…]
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { iou, type Box, type Detector, type Face } from '@facedet/core';
import { evaluateMot, parseMotRows, type TrackRows } from '@facedet/eval/mot';
import { evaluateStability, type StabilityMetrics } from '@facedet/eval/stability';
import { createVideoDetector, type FrameResult } from '@facedet/pipeline';
import { createDetector } from '@facedet/runtime-node';
import { openVideo, type VideoFrame } from '@facedet/video-node';
import { createSmoother } from '@facedet/temporal';
import { sharedFolder } from './shared/folder.ts';
import { percent } from './shared/measure.ts';
import { table } from './shared/table.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string' },
    size: { type: 'string', default: '640' },
    json: { type: 'boolean', default: false },
  },
});
const model = options.model ?? sharedFolder('models', 'scrfd_2.5g.onnx');
const NAMES = ['faceocc2.webm', 'david.webm', 'street_crowd.mp4', 'classroom.gif', 'face-demographics-walking.gif'];
const videos = positionals.length > 0 ? positionals : NAMES.map((name) => join(sharedFolder('video'), name));
/** Where a file's truth begins, in frames from 0. */
const TRUTH_FROM: Record<string, number> = { 'david.webm': 300 };
const SURE = 0.5;

const row = (frame: number, id: number | null, { x, y, width, height }: Box, score: number) =>
  `${frame},${id},${x},${y},${width},${height},${score}`;

/** A box a line, `x,y,width,height`, of one face, from a first frame on. */
function truthOf(path: string, length: number): TrackRows | null {
  const file = path.replace(/\.\w+$/, '.gt.txt');
  if (!existsSync(file)) return null;
  const from = TRUTH_FROM[basename(path)] ?? 0;
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(/[\s,]+/).map(Number));
  const rows = lines.flatMap(([x, y, width, height], i) =>
    from + i < length && width! > 0 ? [row(from + i + 1, 1, { x: x!, y: y!, width: width!, height: height! }, 1)] : [],
  );
  return parseMotRows(rows.join('\n'), file);
}

interface Result {
  readonly name: string;
  readonly frames: number;
  /** Detections with a score of 0.5 or more, and the share of them that is shown with a track ID. */
  readonly sure: number;
  readonly trackedShare: number;
  readonly tracks: number;
  /** Tracks that are in at least one second of frames. */
  readonly lasting: number;
  readonly cuts: number;
  readonly raw: StabilityMetrics;
  readonly tracked: StabilityMetrics;
  readonly smoothed: StabilityMetrics;
  /** Against the truth, where there is one. */
  readonly switches: number | null;
  readonly covered: number | null;
}

async function measure(path: string, detector: Detector): Promise<Result> {
  const video = await openVideo(path);
  const seen = new Map<number, readonly Face[]>(); // detections by frame: the pipeline itself shows the tracker's boxes
  let calls = 0;
  const recorder: Detector = {
    ...detector,
    async detect(image, call) {
      const index = calls++; // they begin in the frames' order
      const faces = await detector.detect(image, call);
      seen.set(index, faces);
      return faces;
    },
  };
  // The tracker alone: its boxes are smoothed separately, for comparison.
  const pipeline = createVideoDetector({ detector: recorder, smoother: false });
  const smoother = createSmoother();
  const rows = { raw: [] as string[], tracked: [] as string[], smoothed: [] as string[] };
  const times: number[] = [];
  const lengths = new Map<number, number>();
  let [sure, tracked] = [0, 0];
  for await (const { index, timestamp, faces, unassigned, cut } of pipeline.run(video) as AsyncIterable<
    FrameResult<VideoFrame>
  >) {
    times.push(timestamp);
    if (cut) smoother.reset();
    const detections = seen.get(index) ?? [];
    seen.delete(index);
    sure += faces.filter(({ score }) => score >= SURE).length + unassigned.filter(({ score }) => score >= SURE).length;
    tracked += faces.filter(({ score }) => score >= SURE).length;
    const identified = faces.map((face) => ({ ...face, id: face.id! }));
    for (const { id, box, score } of identified) {
      const nearest = detections.reduce<Face | null>(
        (best, face) => (face.score === score && (!best || iou(face.box, box) > iou(best.box, box)) ? face : best),
        null,
      );
      rows.raw.push(row(index + 1, id, nearest?.box ?? box, score));
      rows.tracked.push(row(index + 1, id, box, score));
      lengths.set(id, (lengths.get(id) ?? 0) + 1);
    }
    for (const { id, box, score } of smoother.smooth(identified, timestamp))
      rows.smoothed.push(row(index + 1, id, box, score));
  }
  await video.close();
  const truth = truthOf(path, times.length);
  const stability = (text: string[]) =>
    evaluateStability({ rows: parseMotRows(text.join('\n'), path), times: Float64Array.from(times) });
  const against =
    truth && evaluateMot({ truth, tracks: withoutOutside(rows.smoothed, truth, path), length: times.length });
  const rate = times.length / (times.at(-1)! - times[0]!);
  return {
    name: basename(path),
    frames: times.length,
    sure,
    trackedShare: tracked / sure,
    tracks: lengths.size,
    lasting: [...lengths.values()].filter((n) => n >= rate).length,
    cuts: pipeline.statistics.shotCuts,
    raw: stability(rows.raw),
    tracked: stability(rows.tracked),
    smoothed: stability(rows.smoothed),
    switches: against?.IDSW ?? null,
    covered: against ? against.CLR_Re : null,
  };
}

/** The rows of frames that the truth covers. */
function withoutOutside(rows: readonly string[], truth: TrackRows, name: string): TrackRows {
  const known = new Set(truth.frames);
  return parseMotRows(rows.filter((line) => known.has(parseInt(line, 10))).join('\n'), name);
}

const size = Number(options.size);
const detector = await createDetector({ model, inputSize: size, scoreThreshold: 0.1 });
const results: Result[] = [];
for (const path of videos) results.push(await measure(path, detector));
await detector.dispose();

if (options.json) {
  console.log(JSON.stringify({ model: basename(model), size, results }, null, 2));
} else {
  const shake = ({ jitter }: StabilityMetrics) => (jitter.center === null ? '–' : percent(jitter.center, 2));
  const ratio = (a: StabilityMetrics, b: StabilityMetrics) =>
    a.jitter.center && b.jitter.center ? (a.jitter.center / b.jitter.center).toFixed(2) : '–';
  console.log(`${basename(model)}, --size ${size}\n`);
  console.log(
    table(
      [
        '',
        'frames',
        'faces at 0.5',
        'tracked',
        'track IDs',
        'over 1 s',
        'cuts',
        'found of truth',
        'switches',
        'jitter, detections',
        'tracker',
        'smoothed',
        'smoothed / detections',
      ],
      results.map((r) => [
        r.name,
        String(r.frames),
        String(r.sure),
        percent(r.trackedShare),
        String(r.tracks),
        String(r.lasting),
        String(r.cuts),
        r.covered === null ? '–' : percent(r.covered),
        r.switches === null ? '–' : String(r.switches),
        shake(r.raw),
        shake(r.tracked),
        shake(r.smoothed),
        ratio(r.smoothed, r.raw),
      ]),
    ),
  );
}
