import { FaceDetError } from '@facedet/checks';
import type { InferenceBackend, InferenceSession, Tensor, TensorInfo } from '../backend.ts';
import type { Face, Point } from '../types.ts';

/** The shapes that exports of SCRFD give their outputs. */
export type FakeLayout = 'flat' | 'batched' | 'heads';

/** Options of `fakeBackend`. */
export interface FakeBackendOptions {
  /**
   * The faces that the model finds, in pixels of its input: the same each time, or a function of the input [batch, 3,
   * height, width], the image's place in the batch, and the run's number from 0.
   */
  faces: readonly Face[] | ((input: Tensor, image: number, run: number) => readonly Face[]);
  /** `flat` [N, k], `batched` [batch, N, k] (the default) or `heads` [batch, anchors · k, rows, columns]. */
  layout?: FakeLayout;
  /** 3 strides with two anchors per cell (the default), or 5 with one. */
  strides?: 3 | 5;
  /** Whether the model has landmark outputs; by default true. */
  landmarks?: boolean;
  /** The declared input shape; by default free in all dimensions but the channels. */
  inputShape?: readonly (number | string)[];
  /** Called before each run resolves, for delays and failures. */
  onRun?: (run: number) => void | Promise<void>;
}

/**
 * Creates a backend that needs no engine, for tests: its model has SCRFD's outputs and encodes given faces into them. A
 * face with center c is at the anchor nearest to c, on the stride that fits its size.
 */
export function fakeBackend(options: FakeBackendOptions): InferenceBackend {
  const model = new FakeModel(options);
  return {
    name: 'fake',
    async createSession(_model, { signal } = {}) {
      signal?.throwIfAborted();
      return fakeSession(model, options);
    },
  };
}

function fakeSession(model: FakeModel, options: FakeBackendOptions): InferenceSession {
  const { faces, layout, inputShape = [layout === 'flat' ? 1 : 'batch', 3, 'height', 'width'] } = options;
  let runs = 0;
  let busy = false;
  let disposed = false;
  return {
    inputs: [{ name: 'input', type: 'float32', shape: inputShape }],
    outputs: model.outputs,
    async run(feeds, { signal } = {}) {
      signal?.throwIfAborted();
      if (disposed)
        throw new FaceDetError('DISPOSED', 'Expected a session in use but it was disposed; create a new one.');
      // The contract is one run at a time; tests should see a caller that breaks it.
      if (busy)
        throw new FaceDetError('BUSY', 'Expected one run at a time but another is in flight; wait for it first.');
      const input = feeds['input'];
      if (!input) {
        throw new FaceDetError(
          'INVALID_ARGUMENT',
          `Expected a tensor for input but received ${Object.keys(feeds).join(', ') || 'none'}; ` +
            "use the name in the session's inputs.",
        );
      }
      busy = true;
      try {
        const run = runs++;
        await options.onRun?.(run);
        signal?.throwIfAborted();
        return model.encode(input, (image) => (typeof faces === 'function' ? faces(input, image, run) : faces));
      } finally {
        busy = false;
      }
    },
    async dispose() {
      disposed = true;
    },
  };
}

/** One stride of the model at an input size. */
interface Grid {
  readonly stride: number;
  readonly columns: number;
  readonly rows: number;
}

/** Channels per anchor of each kind of output. */
const KINDS = { score: 1, bbox: 4, kps: 10 } as const;
type Kind = keyof typeof KINDS;

class FakeModel {
  readonly outputs: readonly TensorInfo[];
  readonly #layout: FakeLayout;
  readonly #strides: readonly number[];
  readonly #anchors: number;
  readonly #kinds: readonly Kind[];

  constructor({ layout = 'batched', strides = 3, landmarks = true }: FakeBackendOptions) {
    this.#layout = layout;
    this.#strides = strides === 3 ? [8, 16, 32] : [8, 16, 32, 64, 128];
    this.#anchors = strides === 3 ? 2 : 1;
    this.#kinds = landmarks ? ['score', 'bbox', 'kps'] : ['score', 'bbox'];
    this.outputs = this.#kinds.flatMap((kind) =>
      this.#strides.map((stride) => ({ name: `${kind}_${stride}`, type: 'float32' })),
    );
  }

  /** The outputs of a run in which the model finds `facesOf(image)` in each image of the batch. */
  encode(input: Tensor, facesOf: (image: number) => readonly Face[]): Record<string, Tensor> {
    const [batch, , height, width] = input.dims as [number, number, number, number];
    const grids = this.#strides.map((stride): Grid => {
      return { stride, columns: Math.ceil(width / stride), rows: Math.ceil(height / stride) };
    });
    const result: Record<string, Tensor> = {};
    for (const kind of this.#kinds)
      for (const grid of grids) result[`${kind}_${grid.stride}`] = this.#emptyOutput(kind, grid, batch);
    for (let image = 0; image < batch; image++)
      for (const face of facesOf(image)) this.#encodeFace(face, image, grids, result);
    return result;
  }

  #emptyOutput(kind: Kind, { columns, rows }: Grid, batch: number): Tensor {
    const channels = KINDS[kind];
    const anchors = columns * rows * this.#anchors;
    const dims = {
      flat: [anchors, channels],
      batched: [batch, anchors, channels],
      heads: [batch, this.#anchors * channels, rows, columns],
    }[this.#layout];
    return { type: 'float32', data: new Float32Array(batch * anchors * channels), dims };
  }

  #encodeFace(face: Face, image: number, grids: readonly Grid[], outputs: Record<string, Tensor>): void {
    const { box, score, landmarks } = face;
    const side = Math.max(box.width, box.height);
    const grid = grids[Math.min(Math.max(Math.floor(Math.log2(Math.max(side, 1) / 32)), 0), grids.length - 1)]!;
    const { stride, columns, rows } = grid;
    const column = Math.min(Math.max(Math.round((box.x + box.width / 2) / stride), 0), columns - 1);
    const row = Math.min(Math.max(Math.round((box.y + box.height / 2) / stride), 0), rows - 1);
    const center = { x: column * stride, y: row * stride };
    const cell = row * columns + column;
    const write = (kind: Kind, values: readonly number[]) => {
      const { data } = outputs[`${kind}_${stride}`]!;
      values.forEach((value, channel) => (data[this.#indexOf({ kind, channel }, image, cell, grid)] = value));
    };
    write('score', [score]);
    write(
      'bbox',
      distances(box, center).map((d) => d / stride),
    );
    if (landmarks && this.#kinds.includes('kps'))
      write(
        'kps',
        landmarks.flatMap((p) => [(p.x - center.x) / stride, (p.y - center.y) / stride]),
      );
  }

  /** The index of a channel of the first anchor of a cell. */
  #indexOf(
    { kind, channel }: { kind: Kind; channel: number },
    image: number,
    cell: number,
    { columns, rows }: Grid,
  ): number {
    const channels = KINDS[kind];
    const start = image * columns * rows * this.#anchors * channels;
    return (
      start + (this.#layout === 'heads' ? channel * columns * rows + cell : cell * this.#anchors * channels + channel)
    );
  }
}

/** From the center to the left, top, right and bottom edges. */
function distances(box: Face['box'], { x, y }: Point): number[] {
  return [x - box.x, y - box.y, box.x + box.width - x, box.y + box.height - y];
}
