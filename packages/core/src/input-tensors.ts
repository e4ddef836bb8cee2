import type { Tensor } from './backend.ts';
import type { Size } from './letterbox.ts';
import type { ResizeTables } from './tensor.ts';

/** The largest number of tensors kept; images of many shapes evict the least recently used one. */
const MAX_TENSORS = 8;

/** An input tensor that is reused for all runs of its shape. */
export interface InputTensor {
  readonly tensor: Tensor;
  readonly data: Float32Array;
  /**
   * The size of the scaled image that each slot of the batch held last: its padding is valid as long as that is the
   * same.
   */
  readonly imageSizes: Size[];
  tables: ResizeTables | undefined;
}

/** A cache of input tensors by shape. */
export class InputTensors {
  readonly #tensors = new Map<string, InputTensor>();

  /** The tensor of shape [batch, 3, height, width], with its last contents. */
  get(batch: number, width: number, height: number): InputTensor {
    const key = `${batch},${width},${height}`;
    const input = this.#tensors.get(key) ?? createInput(batch, width, height);
    // A map keeps the order of insertion: the least recently used tensor is the first.
    if (!this.#tensors.delete(key) && this.#tensors.size >= MAX_TENSORS)
      this.#tensors.delete(this.#tensors.keys().next().value!);
    this.#tensors.set(key, input);
    return input;
  }
}

function createInput(batch: number, width: number, height: number): InputTensor {
  const data = new Float32Array(batch * 3 * width * height);
  return {
    tensor: { type: 'float32', data, dims: [batch, 3, height, width] },
    data,
    imageSizes: Array.from({ length: batch }, () => ({ width: -1, height: -1 })),
    tables: undefined,
  };
}
