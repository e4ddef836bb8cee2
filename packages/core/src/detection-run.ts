import { INPUT_STEP } from './input-size.ts';
import type { ViewDetections } from './merge.ts';
import { isPassNeeded, QUICK_PIXELS } from './orientation.ts';
import type { Rotation } from './options.ts';
import type { PassPixels } from './pass.ts';
import type { SessionRunner, ViewJob } from './session-runner.ts';
import type { PassCondition } from './settings.ts';
import { viewOf, type InputRules } from './view.ts';

/** The order in which passes run: conditional ones after those they depend on. */
const PASS_ORDER: readonly PassCondition[] = ['always', 'no-confident-face', 'low-confidence-only'];

/** An image and the rotations in which its passes run. */
export interface ImageRotations {
  readonly image: number;
  readonly rotations: readonly Rotation[];
}

/** What one call asks of a `DetectionRun`. */
export interface RunRequest {
  readonly rules: InputRules;
  /** Detections of lower scores are dropped while decoding. */
  readonly minScore: number;
  readonly signal: AbortSignal | undefined;
}

/** One detection call: runs passes on its images and collects what they find. */
export class DetectionRun {
  /** The detections of each image so far. */
  readonly detections: ViewDetections[][];
  /** The pixels of each image's passes. */
  readonly images: readonly (readonly PassPixels[])[];
  readonly #runner: SessionRunner;
  readonly #request: RunRequest;

  constructor(runner: SessionRunner, images: readonly (readonly PassPixels[])[], request: RunRequest) {
    this.detections = images.map(() => []);
    this.images = images;
    this.#runner = runner;
    this.#request = request;
  }

  /** Runs the passes of some images in the given rotations, conditional passes only where they are needed. */
  async runPasses(targets: readonly ImageRotations[]): Promise<void> {
    for (const when of PASS_ORDER) {
      const jobs = targets.flatMap((target) => this.#jobsOf(target, when));
      await this.#collect(jobs, this.detections);
    }
  }

  /** Runs only the first pass of some images, at a quarter of its pixels; the detections are returned, not kept. */
  async runQuick(targets: readonly ImageRotations[]): Promise<ViewDetections[][]> {
    const detections: ViewDetections[][] = this.images.map(() => []);
    const jobs = targets.flatMap(({ image, rotations }) =>
      rotations.map((rotation) => this.#quickJob(image, rotation)),
    );
    await this.#collect(jobs, detections);
    return detections;
  }

  #jobsOf({ image, rotations }: ImageRotations, when: PassCondition): ViewJob[] {
    const passes = this.images[image]!.filter(({ pass }) => pass.when === when);
    if (passes.length === 0) return [];
    const earlier = this.detections[image]!.filter(({ view }) => rotations.includes(view.rotation));
    if (!isPassNeeded(when, earlier)) return [];
    return passes.flatMap((pixels) =>
      rotations.map((rotation) => ({ image, pixels, view: viewOf(pixels.pass, rotation, this.#request.rules) })),
    );
  }

  #quickJob(image: number, rotation: Rotation): ViewJob {
    const { rules } = this.#request;
    const pixels = this.images[image]![0]!;
    const { inputWidth, inputHeight } = viewOf(pixels.pass, 0, rules);
    const size = { pixels: Math.max(inputWidth * inputHeight * QUICK_PIXELS, INPUT_STEP * INPUT_STEP) };
    return { image, pixels, view: viewOf(pixels.pass, rotation, rules, size) };
  }

  async #collect(jobs: readonly ViewJob[], into: ViewDetections[][]): Promise<void> {
    const { minScore, signal } = this.#request;
    for (const { image, detections } of await this.#runner.run(jobs, minScore, signal)) into[image]!.push(detections);
  }
}
