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
import { bestOfQuick, EVIDENCE_SCORE, evidenceOf, isWanted, QUICK_PIXELS, STAGES, stronger } from './orientation.ts';
import { quarterTurn, rotatedView } from './rotation.ts';
import type { DetectionSettings, PassCondition, Rotation } from './settings.ts';
import { fillTensor, padTensor, type ResizeTables } from './tensor.ts';
import type { Face, PixelBuffer } from './types.ts';
import { isQuarterTurn, viewOf, type View } from './view.ts';

/** Images that share one run of the model; more would only cost memory. */
const MAX_BATCH = 8;
/** Canvases that are kept; images of many shapes make the oldest go. */
const MAX_CANVASES = 8;

/** In which order passes run: those that wait for others after them. */
const CONDITIONS: readonly PassCondition[] = ['always', 'unsure', 'doubtful'];

/** What a call may ask for instead of the engine's settings. */
export interface EngineOptions {
  readonly scoreThreshold?: number;
  readonly rotate?: DetectionSettings['rotate'];
  readonly signal?: AbortSignal;
}

/**
 * The part of a detector that belongs to one session: pixels in, faces out. It lives wherever the session lives, also
 * in a worker.
 */
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

/** An image and the rotations in which its passes run. */
interface Turns {
  readonly image: number;
  readonly rotations: readonly Rotation[];
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
    // Deleted and set again, the canvas used last is the last entry, and the first one is dropped.
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

  /**
   * Puts a view's pixels into its place of the batch: scaled, equalised, turned and normalised, with the padding around
   * them.
   */
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
  async function runJobs(
    jobs: readonly Job[],
    found: Found[][],
    scoreThreshold: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
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

  /**
   * Runs the passes of some images, each in its rotations, and then those that only run where the others leave a doubt.
   */
  async function runPasses(
    images: readonly (readonly PassPixels[])[],
    turns: readonly Turns[],
    found: Found[][],
    lowest: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const when of CONDITIONS) {
      const jobs = turns.flatMap(({ image, rotations }) => {
        const passes = images[image]!.filter(({ pass }) => pass.when === when);
        if (passes.length === 0) return [];
        if (
          when !== 'always' &&
          !isWanted(
            when,
            found[image]!.filter(({ view }) => rotations.includes(view.rotation)),
          )
        )
          return [];
        return passes.flatMap((pixels) =>
          rotations.map((rotation): Job => ({ image, pixels, view: viewOf(pixels.pass, rotation, preset, model) })),
        );
      });
      await runJobs(jobs, found, lowest, signal);
    }
  }

  /**
   * Runs one rotation after another, as far as each image needs it: upright, what quick runs of the others recommend,
   * and so for the diagonals.
   */
  async function runOriented(
    images: readonly (readonly PassPixels[])[],
    found: Found[][],
    lowest: number,
    signal: AbortSignal | undefined,
  ): Promise<Rotation[]> {
    await runPasses(
      images,
      images.map((_, image) => ({ image, rotations: [0] })),
      found,
      lowest,
      signal,
    );
    const winners = found.map((parts) => evidenceOf(0, parts));
    for (const { rotations, isDone } of STAGES) {
      const unsure = images.map((_, image) => image).filter((image) => !isDone(winners[image]!));
      const quick: Found[][] = images.map(() => []);
      await runJobs(
        unsure.flatMap((image) => rotations.map((rotation) => quickJob(image, images[image]![0]!, rotation))),
        quick,
        lowest,
        signal,
      );
      const chosen = unsure.flatMap((image) => {
        const rotation = bestOfQuick(
          winners[image]!,
          rotations.map((each) => evidenceOf(each, quick[image]!)),
        );
        return rotation === null ? [] : [{ image, rotations: [rotation] as const }];
      });
      await runPasses(images, chosen, found, lowest, signal);
      for (const {
        image,
        rotations: [rotation],
      } of chosen)
        winners[image] = stronger(winners[image]!, evidenceOf(rotation, found[image]!));
    }
    return winners.map(({ rotation }) => rotation);
  }

  /** The whole picture at a rotation, at a quarter of its usual pixels. */
  function quickJob(image: number, pixels: PassPixels, rotation: Rotation): Job {
    const { canvasWidth, canvasHeight } = viewOf(pixels.pass, 0, preset, model);
    return {
      image,
      pixels,
      view: viewOf(pixels.pass, rotation, preset, model, {
        pixels: Math.max(canvasWidth * canvasHeight * QUICK_PIXELS, CANVAS_STEP * CANVAS_STEP),
      }),
    };
  }

  return {
    model,

    async warmup(width, height) {
      const canvas = canvasOf(model.batch ?? 1, width, height);
      readLayout(await run(canvas, undefined), width, height, model.batch ?? 1);
    },

    async detect(images, { signal, scoreThreshold = settings.scoreThreshold, rotate = settings.rotate } = {}) {
      const found: Found[][] = images.map(() => []);
      // Weak candidates are evidence, for the passes and rotations that follow; they are no result.
      const lowest = Math.min(scoreThreshold, EVIDENCE_SCORE);
      const oriented = rotate === 'auto';
      const winners = oriented ? await runOriented(images, found, lowest, signal) : null;
      if (!oriented)
        await runPasses(
          images,
          images.map((_, image) => ({ image, rotations: rotate })),
          found,
          lowest,
          signal,
        );
      return found.map((parts, image) => {
        const lowestScore = (rotation: Rotation) =>
          !winners || rotation === winners[image] ? scoreThreshold : (1 + scoreThreshold) / 2;
        return mergeFaces(parts, { ...settings, lowestScore });
      });
    },
  };
}
