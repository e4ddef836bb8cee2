import type { InferenceSession, Tensor } from './backend.ts';
import { Candidates } from './candidates.ts';
import { decode } from './decode.ts';
import { InputTensors, type InputTensor } from './input-tensors.ts';
import { copyCandidates, type ViewDetections } from './merge.ts';
import { readModelShape, type ModelShape } from './model-shape.ts';
import { readOutputLayout } from './output-layout.ts';
import type { PassPixels } from './pass.ts';
import { Preprocessor } from './preprocess.ts';
import type { DetectionSettings } from './settings.ts';
import type { View } from './view.ts';

/** The largest number of images in one run of the model; more would only cost memory. */
const MAX_BATCH = 8;

/** A view of one image that the model has yet to run on. */
export interface ViewJob {
  /** The index of the image in its call. */
  readonly image: number;
  readonly view: View;
  readonly pixels: PassPixels;
}

/** A finished job. */
export interface JobResult {
  readonly image: number;
  readonly detections: ViewDetections;
}

/** Runs a session on views: batching, preprocessing, inference and decoding. One call at a time. */
export class SessionRunner {
  readonly model: ModelShape;
  readonly #session: InferenceSession;
  readonly #paper: boolean;
  readonly #preprocessor: Preprocessor;
  readonly #inputs = new InputTensors();
  readonly #candidates = new Candidates();

  /** Throws as `readModelShape` if the model is not an SCRFD detector. */
  constructor(session: InferenceSession, settings: Pick<DetectionSettings, 'clahe' | 'preset'>) {
    this.model = readModelShape(session);
    this.#session = session;
    this.#paper = settings.preset === 'paper';
    this.#preprocessor = new Preprocessor(settings);
  }

  /** Runs the model once at an input size, so that the engine plans its memory. */
  async warmup(inputWidth: number, inputHeight: number): Promise<void> {
    const batch = this.model.batch ?? 1;
    const outputs = await this.#infer(this.#inputs.get(batch, inputWidth, inputHeight), undefined);
    readOutputLayout(outputs, { inputWidth, inputHeight, batch });
  }

  /** Runs the model on all jobs, those of equal input size together. */
  async run(jobs: readonly ViewJob[], scoreThreshold: number, signal: AbortSignal | undefined): Promise<JobResult[]> {
    const results: JobResult[] = [];
    for (const group of groupByInputSize(jobs)) {
      const batchSize = this.model.batch ?? Math.min(MAX_BATCH, group.length);
      for (let start = 0; start < group.length; start += batchSize) {
        signal?.throwIfAborted();
        results.push(...(await this.#runBatch(group.slice(start, start + batchSize), scoreThreshold, signal)));
      }
    }
    return results;
  }

  async #runBatch(
    jobs: readonly ViewJob[],
    scoreThreshold: number,
    signal: AbortSignal | undefined,
  ): Promise<JobResult[]> {
    const { inputWidth, inputHeight } = jobs[0]!.view;
    const batch = this.model.batch ?? jobs.length;
    const input = this.#inputs.get(batch, inputWidth, inputHeight);
    jobs.forEach(({ view, pixels }, place) => this.#preprocessor.write(input, place, view, pixels));
    const levels = readOutputLayout(await this.#infer(input, signal), { inputWidth, inputHeight, batch });
    const candidates = this.#candidates;
    return jobs.map(({ image, view }, place) => {
      candidates.clear();
      decode(levels, place, view, { scoreThreshold, paper: this.#paper, candidates });
      return { image, detections: copyCandidates(candidates, view) };
    });
  }

  #infer(input: InputTensor, signal: AbortSignal | undefined): Promise<Record<string, Tensor>> {
    return this.#session.run({ [this.model.input]: input.tensor }, signal ? { signal } : {});
  }
}

function groupByInputSize(jobs: readonly ViewJob[]): Iterable<ViewJob[]> {
  const groups = new Map<string, ViewJob[]>();
  for (const job of jobs) {
    const key = `${job.view.inputWidth},${job.view.inputHeight}`;
    const group = groups.get(key);
    if (group) group.push(job);
    else groups.set(key, [job]);
  }
  return groups.values();
}
