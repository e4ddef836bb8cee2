import type { InferenceBackend, InferenceSession, Tensor, TensorInfo } from '../backend.ts';
import { FaceDetError } from '@facedet/checks';
import type { Face } from '../types.ts';

/** The forms that exports of SCRFD give their outputs. */
export type FakeLayout = 'flat' | 'batched' | 'heads';

/** Options of `fakeBackend`. */
export interface FakeBackendOptions {
  /**
   * The faces that the model "finds", in canvas pixels: the same each time, or a function of the input [batch, 3,
   * height, width], the image's place in the batch, and the run's number from 0.
   */
  faces: readonly Face[] | ((input: Tensor, image: number, run: number) => readonly Face[]);
  /** `flat` [N, k], `batched` [batch, N, k] (the default) or `heads` [batch, anchors · k, rows, columns]. */
  layout?: FakeLayout;
  /** 3 strides with two anchors a cell (the default), or 5 with one. */
  strides?: 3 | 5;
  /** Whether there are landmark outputs; by default true. */
  landmarks?: boolean;
  /** The declared input shape; by default all but the channels free. */
  inputShape?: readonly (number | string)[];
  /** Called before each run resolves, for delays and failures. */
  onRun?: (run: number) => void | Promise<void>;
}

/**
 * A backend that needs no engine: its model has SCRFD's outputs and encodes given faces into them, so that everything
 * around the model
 * can be tested. A face with centre c lies at the anchor nearest to c, on the stride that fits its size.
 */
export function fakeBackend(options: FakeBackendOptions): InferenceBackend {
  const {
    layout = 'batched',
    strides: levels = 3,
    landmarks = true,
    inputShape = [layout === 'flat' ? 1 : 'batch', 3, 'height', 'width'],
  } = options;
  const strides = levels === 3 ? [8, 16, 32] : [8, 16, 32, 64, 128];
  const anchors = levels === 3 ? 2 : 1;
  const kinds = landmarks ? [1, 4, 10] : [1, 4];
  const name = (k: number, stride: number) => `${k === 1 ? 'score' : k === 4 ? 'bbox' : 'kps'}_${stride}`;
  const outputs: TensorInfo[] = kinds.flatMap((k) => strides.map((s) => ({ name: name(k, s), type: 'float32' })));

  function encode(input: Tensor, run: number): Record<string, Tensor> {
    const [batch, , height, width] = input.dims as [number, number, number, number];
    const result: Record<string, Tensor> = {};
    const cells = strides.map((s) => [Math.ceil(width / s), Math.ceil(height / s)] as const);
    for (const k of kinds) {
      for (const [i, s] of strides.entries()) {
        const [columns, rows] = cells[i]!;
        const dims =
          layout === 'heads'
            ? [batch, anchors * k, rows, columns]
            : layout === 'batched'
              ? [batch, columns * rows * anchors, k]
              : [columns * rows * anchors, k];
        result[name(k, s)] = { type: 'float32', data: new Float32Array(batch * columns * rows * anchors * k), dims };
      }
    }
    for (let image = 0; image < batch; image++) {
      const faces = typeof options.faces === 'function' ? options.faces(input, image, run) : options.faces;
      for (const { box, score, landmarks: points } of faces) {
        const side = Math.max(box.width, box.height);
        const i = Math.min(Math.max(Math.floor(Math.log2(Math.max(side, 1) / 32)), 0), strides.length - 1);
        const stride = strides[i]!;
        const [columns, rows] = cells[i]!;
        const column = Math.min(Math.max(Math.round((box.x + box.width / 2) / stride), 0), columns - 1);
        const row = Math.min(Math.max(Math.round((box.y + box.height / 2) / stride), 0), rows - 1);
        const [cx, cy] = [column * stride, row * stride];
        const anchor = 0;
        const set = (k: number, channel: number, value: number) => {
          const { data } = result[name(k, stride)]!;
          const cell = row * columns + column;
          const base = image * columns * rows * anchors * k;
          data[
            base +
              (layout === 'heads'
                ? (anchor * k + channel) * columns * rows + cell
                : (cell * anchors + anchor) * k + channel)
          ] = value;
        };
        set(1, 0, score);
        [cx - box.x, cy - box.y, box.x + box.width - cx, box.y + box.height - cy].forEach((d, c) =>
          set(4, c, d / stride),
        );
        if (landmarks && points)
          points.forEach((p, n) => [(p.x - cx) / stride, (p.y - cy) / stride].forEach((d, c) => set(10, 2 * n + c, d)));
      }
    }
    return result;
  }

  return {
    name: 'fake',
    async createSession(_model, { signal } = {}): Promise<InferenceSession> {
      signal?.throwIfAborted();
      let runs = 0;
      let busy = false;
      let disposed = false;
      return {
        inputs: [{ name: 'input', type: 'float32', shape: inputShape }],
        outputs,
        async run(feeds, { signal: runSignal } = {}) {
          runSignal?.throwIfAborted();
          if (disposed) throw new FaceDetError('DISPOSED', 'Expected a session in use but it was disposed.');
          // The contract is one run at a time; a caller that breaks it is a bug that tests should see.
          if (busy) throw new FaceDetError('BUSY', 'Expected one run at a time but another is in flight.');
          const input = feeds['input'];
          if (!input)
            throw new FaceDetError(
              'INVALID_ARGUMENT',
              `Expected a tensor for input but received ${Object.keys(feeds).join(', ') || 'none'}.`,
            );
          busy = true;
          try {
            const run = runs++;
            await options.onRun?.(run);
            runSignal?.throwIfAborted();
            return encode(input, run);
          } finally {
            busy = false;
          }
        },
        async dispose() {
          disposed = true;
        },
      };
    },
  };
}
