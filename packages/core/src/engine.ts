import type { InferenceSession, Tensor } from './backend.ts';
import { Candidates } from './candidates.ts';
import { clahe } from './clahe.ts';
import { decode } from './decode.ts';
import { CANVAS_STEP } from './geometry.ts';
import { readLayout } from './layout.ts';
import { mergeFaces, takeFound, type Found } from './merge.ts';
import { readModelShape, type ModelShape } from './model-shape.ts';
import type { PassPixels } from './plan.ts';
import { resizeBilinear } from './resize.ts';
import { bestOfQuick, EVIDENCE_SCORE, evidenceOf, QUICK_PIXELS, STAGES, stronger, type Evidence } from './orientation.ts';
import { quarterTurn, rotatedView } from './rotation.ts';
import type { DetectionSettings, Rotation } from './settings.ts';
import { fillTensor, padTensor, type ResizeTables } from './tensor.ts';
import type { Face, PixelBuffer } from './types.ts';
import { isQuarterTurn, viewOf, type View } from './view.ts';

/** Images that share one run of the model; more would only cost memory. */
const MAX_BATCH = 8;
/** Canvases that are kept; images of many shapes make the oldest go. */
const MAX_CANVASES = 8;

/** What a call may ask for instead of the engine's settings. */
export interface EngineOptions {
  readonly scoreThreshold?: number;
  readonly rotate?: DetectionSettings['rotate'];
  readonly signal?: AbortSignal;
}

/** The part of a detector that belongs to one session: pixels in, faces out. It lives wherever the session lives, also in a worker. */
export interface DetectionEngine {
  readonly model: ModelShape;
  /** Faces of each image (a list of passes each), in source pixels by falling score. One call at a time. */
  detect(images: readonly (readonly PassPixels[])[], options?: EngineOptions): Promise<Face[][]>;
  /** Runs the model once at a canvas, so that the engine plans its memory. */
  warmup(canvasWidth: number, canvasHeight: number): Promise<void>;
}

/** A view of one image, still to be run. */
interface Job {
  readonly image: number;
  readonly view: View;
  readonly pixels: PassPixels;
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
  const { preset } = settings;
  const paper = preset === 'paper';
  const padding = paper ? 0 : -127.5 / 128;
  const canvases = new Map<string, Canvas>();
  const candidates = new Candidates();
  let scaledBytes = new Uint8Array(0);
  let rotatedBytes = new Uint8Array(0);

  function canvasOf(batch: number, width: number, height: number): Canvas {
    const key = `${batch},${width},${height}`;
    let canvas = canvases.get(key);
    // What was used last stands last, so that the first is the one to go.
    if (canvas) canvases.delete(key);
    else {
      if (canvases.size >= MAX_CANVASES) canvases.delete(canvases.keys().next().value!);
      const data = new Float32Array(batch * 3 * width * height);
      const sizes = Array.from({ length: batch }, () => ({ width: -1, height: -1 }));
      canvas = { tensor: { type: 'float32', data, dims: [batch, 3, height, width] }, data, sizes, tables: undefined };
    }
    canvases.set(key, canvas);
    return canvas;
  }

  /** Puts a view's pixels into its place of the batch: scaled, equalised, turned and normalised, with the padding around them. */
  function fill(canvas: Canvas, place: number, { view, pixels: { pixels, crop } }: Job): void {
    const offset = place * 3 * view.canvasWidth * view.canvasHeight;
    if (settings.clahe || view.rotation !== 0) {
      canvas.tables = fillTensor(canvas.data, offset, view, prepare(view, pixels, crop), undefined, canvas.tables);
    } else {
      canvas.tables = fillTensor(canvas.data, offset, view, pixels, crop ?? undefined, canvas.tables);
    }
    const last = canvas.sizes[place]!;
    if (last.width !== view.width || last.height !== view.height) {
      padTensor(canvas.data, offset, view, padding);
      canvas.sizes[place] = { width: view.width, height: view.height };
    }
  }

  /** The view's pixels as packed RGB at their size on the canvas, equalised and turned. */
  function prepare(view: View, pixels: PixelBuffer, crop: PassPixels['crop']): PixelBuffer {
    const { width, height, rotation } = view;
    const size = width * height * 3;
    if (scaledBytes.length < size) scaledBytes = new Uint8Array(size);
    if (!isQuarterTurn(rotation)) return equalize(rotatedView(pixels, crop, view, scaledBytes));
    const [w, h] = rotation === 90 || rotation === 270 ? [height, width] : [width, height];
    const scaled = equalize(resizeBilinear(pixels, w, h, crop ?? undefined, scaledBytes));
    if (rotation === 0) return scaled;
    if (rotatedBytes.length < size) rotatedBytes = new Uint8Array(size);
    return quarterTurn(scaled, rotation, rotatedBytes);
  }

  function equalize(pixels: PixelBuffer): PixelBuffer {
    if (settings.clahe) clahe(pixels, settings.clahe);
    return pixels;
  }

  async function run(canvas: Canvas, signal: AbortSignal | undefined) {
    return session.run({ [model.input]: canvas.tensor }, signal ? { signal } : {});
  }

  /** Runs the model over all jobs, those of equal canvas together, and adds what it finds to each image's list. */
  async function runJobs(jobs: readonly Job[], found: Found[][], scoreThreshold: number, signal: AbortSignal | undefined): Promise<void> {
    const groups = new Map<string, Job[]>();
    for (const job of jobs) {
      const key = `${job.view.canvasWidth},${job.view.canvasHeight}`;
      const group = groups.get(key);
      if (group) group.push(job);
      else groups.set(key, [job]);
    }
    for (const group of groups.values()) {
      const most = model.batch ?? Math.min(MAX_BATCH, group.length);
      for (let start = 0; start < group.length; start += most) {
        signal?.throwIfAborted();
        const part = group.slice(start, start + most);
        const { canvasWidth, canvasHeight } = part[0]!.view;
        const batch = model.batch ?? part.length;
        const canvas = canvasOf(batch, canvasWidth, canvasHeight);
        part.forEach((job, i) => fill(canvas, i, job));
        const levels = readLayout(await run(canvas, signal), canvasWidth, canvasHeight, batch);
        for (const [i, job] of part.entries()) {
          candidates.clear();
          decode(levels, i, job.view, { scoreThreshold, paper }, candidates);
          found[job.image]!.push(takeFound(candidates, job.view));
        }
      }
    }
  }

  /** All passes of an image at one rotation. */
  function jobsOf(image: number, passes: readonly PassPixels[], rotation: Rotation): Job[] {
    return passes.map((pixels) => ({ image, pixels, view: viewOf(pixels.pass, rotation, preset, model) }));
  }

  /** Runs one rotation after another, as far as each image needs it: upright, what quick runs of the others recommend, and so for the diagonals. */
  async function detectOriented(images: readonly (readonly PassPixels[])[], scoreThreshold: number, signal: AbortSignal | undefined): Promise<Face[][]> {
    const lowest = Math.min(scoreThreshold, EVIDENCE_SCORE);
    const found: Found[][] = images.map(() => []);
    const winners: Evidence[] = [];
    await runJobs(images.flatMap((passes, image) => jobsOf(image, passes, 0)), found, lowest, signal);
    found.forEach((parts, image) => (winners[image] = evidenceOf(0, parts)));

    for (const { rotations, isDone } of STAGES) {
      const unsure = images.map((_, image) => image).filter((image) => !isDone(winners[image]!));
      const quick: Found[][] = images.map(() => []);
      await runJobs(unsure.flatMap((image) => rotations.map((rotation) => quickJob(image, images[image]![0]!, rotation))), quick, lowest, signal);
      const chosen = unsure.map((image) => ({ image, rotation: bestOfQuick(winners[image]!, rotations.map((rotation) => evidenceOf(rotation, quick[image]!))) }));
      await runJobs(chosen.flatMap(({ image, rotation }) => (rotation === null ? [] : jobsOf(image, images[image]!, rotation))), found, lowest, signal);
      for (const { image, rotation } of chosen) {
        if (rotation === null) continue;
        winners[image] = stronger(winners[image]!, evidenceOf(rotation, found[image]!));
      }
    }
    return found.map((parts, image) => {
      const { rotation: winner } = winners[image]!;
      return mergeFaces(parts, { ...settings, lowestScore: (rotation) => (rotation === winner ? scoreThreshold : (1 + scoreThreshold) / 2) });
    });
  }

  /** The whole picture at a rotation, at a quarter of its usual pixels. */
  function quickJob(image: number, pixels: PassPixels, rotation: Rotation): Job {
    const { canvasWidth, canvasHeight } = viewOf(pixels.pass, 0, preset, model);
    return { image, pixels, view: viewOf(pixels.pass, rotation, preset, model, { pixels: Math.max(canvasWidth * canvasHeight * QUICK_PIXELS, CANVAS_STEP * CANVAS_STEP) }) };
  }

  return {
    model,

    async warmup(width, height) {
      const canvas = canvasOf(model.batch ?? 1, width, height);
      readLayout(await run(canvas, undefined), width, height, model.batch ?? 1);
    },

    async detect(images, { signal, scoreThreshold = settings.scoreThreshold, rotate = settings.rotate } = {}) {
      if (rotate === 'auto') return detectOriented(images, scoreThreshold, signal);
      const found: Found[][] = images.map(() => []);
      await runJobs(images.flatMap((passes, image) => rotate.flatMap((rotation) => jobsOf(image, passes, rotation))), found, scoreThreshold, signal);
      return found.map((parts) => mergeFaces(parts, { ...settings, lowestScore: () => scoreThreshold }));
    },
  };
}
