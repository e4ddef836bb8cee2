import { FaceDetError } from '@facedet/checks';
import type { InferenceSession, TensorInfo } from './backend.ts';

/** The only input of a detection model, [batch, 3, height, width]. */
export interface ModelShape {
  /** The input's name. */
  readonly input: string;
  /** Fixed width of the input in pixels, or null if it can be any multiple of 32. */
  readonly width: number | null;
  /** Fixed height of the input, or null; a model may fix only one of the two. */
  readonly height: number | null;
  /** Fixed number of images per run, or null if it can be any. */
  readonly batch: number | null;
}

const SUPPORTED =
  'FaceDet supports SCRFD models: one float32 input [batch, 3, height, width] and 6, 9, 10 or 15 outputs';

/**
 * Reads the input of a model. Throws `MODEL_INPUT_UNSUPPORTED` or `MODEL_OUTPUTS_UNSUPPORTED` if it can't be an SCRFD
 * detector. Declared output shapes are ignored: some exports declare those of another input size.
 */
export function readModelShape({ inputs, outputs }: Pick<InferenceSession, 'inputs' | 'outputs'>): ModelShape {
  const unsupportedInput = (expected: string) =>
    new FaceDetError(
      'MODEL_INPUT_UNSUPPORTED',
      `Expected ${expected} but received a model with ${inputs.map(describeTensor).join(', ') || 'no input'}; ` +
        `${SUPPORTED}.`,
    );
  const [input] = inputs;
  if (!input || inputs.length !== 1) throw unsupportedInput('one input');
  if (input.type !== 'float32') throw unsupportedInput('a float32 input');
  // ONNX Runtime reports an input without a declared shape as one of rank 0; no detector takes a scalar.
  const shape = input.shape?.length ? input.shape : undefined;
  if (shape && shape.length !== 4) throw unsupportedInput('an input of rank 4');
  const channels = fixedOrNull(shape?.[1]);
  if (channels !== null && channels !== 3) throw unsupportedInput('3 channels (planes of red, green, blue)');
  for (const side of [shape?.[2], shape?.[3]]) {
    const value = fixedOrNull(side);
    if (value !== null && value % 32) throw unsupportedInput('sides that are multiples of 32');
  }
  if (![6, 9, 10, 15].includes(outputs.length)) {
    throw new FaceDetError(
      'MODEL_OUTPUTS_UNSUPPORTED',
      `Expected 6 or 9 outputs (3 strides) or 10 or 15 (5 strides) but received a model with ${outputs.length}: ` +
        `${outputs.map(describeTensor).join(', ')}; ${SUPPORTED}.`,
    );
  }
  return {
    input: input.name,
    width: fixedOrNull(shape?.[3]),
    height: fixedOrNull(shape?.[2]),
    batch: fixedOrNull(shape?.[0]),
  };
}

function fixedOrNull(dimension: number | string | undefined): number | null {
  return typeof dimension === 'number' && dimension > 0 ? dimension : null;
}

/** Describes a tensor in messages: `name float32 [1, 3, ?, ?]`. */
export function describeTensor(info: TensorInfo | { name: string; type: string; dims: readonly number[] }): string {
  const shape = 'dims' in info ? info.dims : info.shape;
  if (!shape?.length) return `${info.name} ${info.type} (shape unknown)`;
  return `${info.name} ${info.type} [${shape.map((d) => (typeof d === 'number' && d > 0 ? d : '?')).join(', ')}]`;
}
