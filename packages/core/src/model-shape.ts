import type { InferenceSession, TensorInfo } from './backend.ts';
import { FaceDetError } from '@facedet/checks';

/** What a detection model takes, read from its only input [batch, 3, height, width]. */
export interface ModelShape {
  readonly input: string;
  /** Fixed width of the canvas in pixels, or null where the model takes any multiple of 32. */
  readonly width: number | null;
  /** Fixed height, or null likewise; a model may fix only one of the two. */
  readonly height: number | null;
  /** Fixed number of images a run, or null where the model takes any. */
  readonly batch: number | null;
}

const fixed = (dimension: number | string | undefined): number | null =>
  typeof dimension === 'number' && dimension > 0 ? dimension : null;
const SUFFIX = 'FaceDet reads SCRFD models: one float32 input [batch, 3, height, width] and 6, 9, 10 or 15 outputs.';

/**
 * Reads a model's input. Throws `MODEL_INPUT_UNSUPPORTED` or `MODEL_OUTPUTS_UNSUPPORTED` where it can't be an SCRFD
 * detector.
 * Declared output shapes are not looked at: exports are known to declare those of another canvas.
 */
export function readModelShape(session: Pick<InferenceSession, 'inputs' | 'outputs'>): ModelShape {
  const { inputs, outputs } = session;
  const wrongInput = (what: string) =>
    new FaceDetError(
      'MODEL_INPUT_UNSUPPORTED',
      `Expected ${what} but the model has ${inputs.map(describe).join(', ') || 'no input'}. ${SUFFIX}`,
    );
  const [input] = inputs;
  if (!input || inputs.length !== 1) throw wrongInput('one input');
  if (input.type !== 'float32') throw wrongInput('a float32 input');
  // ONNX Runtime gives an input without a declared shape as one of rank 0; no detector takes a scalar.
  const shape = input.shape?.length ? input.shape : undefined;
  if (shape && shape.length !== 4) throw wrongInput('an input of rank 4');
  const channels = fixed(shape?.[1]);
  if (channels !== null && channels !== 3) throw wrongInput('3 channels (planes of red, green, blue)');
  for (const side of [shape?.[2], shape?.[3]]) {
    const value = fixed(side);
    if (value !== null && value % 32) throw wrongInput('sides that are multiples of 32');
  }
  if (![6, 9, 10, 15].includes(outputs.length)) {
    throw new FaceDetError(
      'MODEL_OUTPUTS_UNSUPPORTED',
      `Expected 6 or 9 outputs (3 strides) or 10 or 15 (5 strides) but the model has ${outputs.length}: ${outputs.map(describe).join(', ')}. ${SUFFIX}`,
    );
  }
  return { input: input.name, width: fixed(shape?.[3]), height: fixed(shape?.[2]), batch: fixed(shape?.[0]) };
}

/** `name float32 [1, 3, ?, ?]`, for messages. */
export function describe(info: TensorInfo | { name: string; type: string; dims: readonly number[] }): string {
  const shape = 'dims' in info ? info.dims : info.shape;
  return `${info.name} ${info.type} ${shape?.length ? `[${shape.map((d) => (typeof d === 'number' && d > 0 ? d : '?')).join(', ')}]` : '(shape unknown)'}`;
}
