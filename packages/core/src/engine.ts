import type { InferenceSession, Tensor } from './backend.ts';
import { Candidates } from './candidates.ts';
import { clahe } from './clahe.ts';
import { decode } from './decode.ts';
import { FaceDetError } from '@facedet/checks';
import { readLayout } from './layout.ts';
import { readModelShape, type ModelShape } from './model-shape.ts';
import { nms } from './nms.ts';
import type { PassPixels } from './plan.ts';
import { resizeBilinear } from './resize.ts';
import type { DetectionSettings } from './settings.ts';
import { fillTensor, padTensor, type ResizeTables } from './tensor.ts';
import type { DetectOptions, Face, Landmarks, PixelBuffer } from './types.ts';

/** Images that share one run of the model; more would only cost memory. */
const MAX_BATCH = 8;

/** The part of a detector that belongs to one session: pixels in, faces out. It lives wherever the session lives, also in a worker. */
export interface DetectionEngine {
  readonly model: ModelShape;
  /** Faces of each image (a list of passes each), in source pixels by falling score. One call at a time. */
  detect(images: readonly (readonly PassPixels[])[], options?: Pick<DetectOptions, 'signal'>): Promise<Face[][]>;
  /** Runs the model once at a canvas, so that the engine plans its memory. */
  warmup(canvasWidth: number, canvasHeight: number): Promise<void>;
}

interface Canvas {
  readonly tensor: Tensor;
  readonly data: Float32Array;
  /** Size of the picture that each image of the batch held last: its padding is right as long as that stays. */
  readonly sizes: { width: number; height: number }[];
  tables: ResizeTables | undefined;
}

/** Makes an engine on a session. Throws as `readModelShape` where the model is no SCRFD detector. */
export function createEngine(session: InferenceSession, settings: DetectionSettings): DetectionEngine {
  const model = readModelShape(session);
  const paper = settings.preset === 'paper';
  const padding = paper ? 0 : -127.5 / 128;
  const rules = { scoreThreshold: settings.scoreThreshold, paper };
  const canvases = new Map<string, Canvas>();
  const candidates = new Candidates();
  let scratch = new Uint8Array(0);

  function canvasOf(batch: number, width: number, height: number): Canvas {
    const key = `${batch},${width},${height}`;
    let canvas = canvases.get(key);
    if (!canvas) {
      if (canvases.size >= 8) canvases.clear(); // images of many shapes: the newest matter
      const data = new Float32Array(batch * 3 * width * height);
      canvas = { tensor: { type: 'float32', data, dims: [batch, 3, height, width] }, data, sizes: Array.from({ length: batch }, () => ({ width: -1, height: -1 })), tables: undefined };
      canvases.set(key, canvas);
    }
    return canvas;
  }

  function fill(canvas: Canvas, image: number, { pass, pixels, scaled }: PassPixels): void {
    const offset = image * 3 * pass.canvasWidth * pass.canvasHeight;
    let from: PixelBuffer = pixels;
    let region = scaled ? undefined : pass.region;
    if (settings.clahe) {
      const size = pass.width * pass.height * 3;
      if (scratch.length < size) scratch = new Uint8Array(size);
      from = resizeBilinear(pixels, pass.width, pass.height, region, scratch);
      region = undefined;
      clahe(from, settings.clahe);
    }
    canvas.tables = fillTensor(canvas.data, offset, pass, from, region, canvas.tables);
    const last = canvas.sizes[image]!;
    if (last.width !== pass.width || last.height !== pass.height) {
      padTensor(canvas.data, offset, pass, padding);
      canvas.sizes[image] = { width: pass.width, height: pass.height };
    }
  }

  async function run(canvas: Canvas, options: Pick<DetectOptions, 'signal'>) {
    return session.run({ [model.input]: canvas.tensor }, options.signal ? { signal: options.signal } : {});
  }

  return {
    model,

    async warmup(width, height) {
      const canvas = canvasOf(model.batch ?? 1, width, height);
      readLayout(await run(canvas, {}), width, height, model.batch ?? 1);
    },

    async detect(images, options = {}) {
      // Passes of equal canvas run together; what comes back is sorted by image again.
      const jobs = images.flatMap((passes, image) => passes.map((item) => ({ ...item, image })));
      const groups = new Map<string, typeof jobs>();
      for (const job of jobs) {
        const key = `${job.pass.canvasWidth},${job.pass.canvasHeight}`;
        groups.set(key, [...(groups.get(key) ?? []), job]);
      }
      const found: Found[][] = images.map(() => []);
      for (const group of groups.values()) {
        const most = model.batch ?? Math.min(MAX_BATCH, group.length);
        for (let start = 0; start < group.length; start += most) {
          options.signal?.throwIfAborted();
          const part = group.slice(start, start + most);
          const { canvasWidth, canvasHeight } = part[0]!.pass;
          const batch = model.batch ?? part.length;
          const canvas = canvasOf(batch, canvasWidth, canvasHeight);
          part.forEach((job, i) => fill(canvas, i, job));
          const levels = readLayout(await run(canvas, options), canvasWidth, canvasHeight, batch);
          for (const [i, job] of part.entries()) {
            candidates.clear();
            decode(levels, i, job.pass, rules, candidates);
            found[job.image]!.push(take(candidates));
          }
        }
      }
      return found.map((parts) => suppress(parts, settings));
    },
  };
}

/** Candidates of one pass, copied out of the reused arrays. */
interface Found {
  readonly count: number;
  readonly hasPoints: boolean;
  readonly boxes: Float64Array;
  readonly points: Float64Array;
}

function take(candidates: Candidates): Found {
  const { count } = candidates;
  const boxes = new Float64Array(5 * count);
  boxes.set(candidates.x1.subarray(0, count));
  boxes.set(candidates.y1.subarray(0, count), count);
  boxes.set(candidates.x2.subarray(0, count), 2 * count);
  boxes.set(candidates.y2.subarray(0, count), 3 * count);
  boxes.set(candidates.score.subarray(0, count), 4 * count);
  return { count, hasPoints: candidates.hasPoints, boxes, points: candidates.hasPoints ? candidates.points.slice(0, 10 * count) : candidates.points.slice(0, 0) };
}

function suppress(parts: readonly Found[], settings: DetectionSettings): Face[] {
  const count = parts.reduce((n, part) => n + part.count, 0);
  const column = (k: number) => {
    if (parts.length === 1) return parts[0]!.boxes.subarray(k * count, (k + 1) * count);
    const all = new Float64Array(count);
    let at = 0;
    for (const part of parts) {
      all.set(part.boxes.subarray(k * part.count, (k + 1) * part.count), at);
      at += part.count;
    }
    return all;
  };
  const [x1, y1, x2, y2, score] = [0, 1, 2, 3, 4].map(column) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const kept = nms({ x1, y1, x2, y2, score, count }, settings.iouThreshold, settings.preset === 'paper' ? 0 : 1, settings.maxFaces);
  return Array.from(kept, (i) => {
    const face: Face = { box: { x: x1[i]!, y: y1[i]!, width: x2[i]! - x1[i]!, height: y2[i]! - y1[i]! }, score: Math.min(score[i]!, 1) };
    let [part, index] = [0, i];
    while (index >= parts[part]!.count) index -= parts[part++]!.count;
    const { hasPoints, points } = parts[part]!;
    if (hasPoints) face.landmarks = [0, 2, 4, 6, 8].map((k) => ({ x: points[10 * index + k]!, y: points[10 * index + k + 1]! })) as Landmarks;
    return face;
  });
}

/** The error of calls after `dispose()`. */
export function disposedError(what: string): FaceDetError {
  return new FaceDetError('DISPOSED', `Expected a ${what} in use but it was disposed; create a new one.`);
}
