import type { Tensor } from './backend.ts';
import { FaceDetError } from '@facedet/checks';
import { describe } from './model-shape.ts';

/** One kind of output of one stride, addressed as `data[start + anchorRow · rowStep + channel · channelStep]`. */
export interface Head {
  readonly data: Float32Array;
  /** First element of each image of the batch. */
  readonly batchStep: number;
  /** From an anchor to the next of the same cell. */
  readonly anchorStep: number;
  /** From a cell (in the order y, x) to the next. */
  readonly cellStep: number;
  /** From one number of an anchor to its next. */
  readonly channelStep: number;
}

/** The outputs of one stride. */
export interface Level {
  readonly stride: number;
  readonly columns: number;
  readonly rows: number;
  readonly anchors: number;
  readonly scores: Head;
  readonly boxes: Head;
  readonly points: Head | null;
}

const STRIDES: Record<number, readonly number[]> = { 3: [8, 16, 32], 5: [8, 16, 32, 64, 128] };
const KINDS = [1, 4, 10] as const; // numbers an anchor: score, box distances, five points

/**
 * Sorts a model's outputs by their shapes, never by their names: 6 or 9 tensors are three strides with two anchors a
 * cell, 10 or 15 are
 * five strides with one; each is [N, k], [batch, N, k] or a raw head [batch, anchors · k, rows, columns], with k = 1, 4
 * or 10.
 * Throws `MODEL_OUTPUTS_UNSUPPORTED` with what was found and what would fit.
 */
export function readLayout(
  outputs: Record<string, Tensor>,
  canvasWidth: number,
  canvasHeight: number,
  batch: number,
): Level[] {
  const entries = Object.entries(outputs);
  const count = entries.length;
  const strides = STRIDES[count === 6 || count === 9 ? 3 : count === 10 || count === 15 ? 5 : 0];
  const refuse = (why: string): FaceDetError => {
    const found = entries.map(([name, { type, dims }]) => describe({ name, type, dims })).join(', ');
    const cells = (strides ?? STRIDES[3]!).map(
      (s) => Math.ceil(canvasWidth / s) * Math.ceil(canvasHeight / s) * (strides?.length === 5 ? 1 : 2),
    );
    return new FaceDetError(
      'MODEL_OUTPUTS_UNSUPPORTED',
      `${why}: found ${count} outputs for a canvas of ${canvasWidth} × ${canvasHeight} and a batch of ${batch}: ${found}. What would fit: for each stride scores [N, 1], boxes [N, 4] and optionally landmarks [N, 10] with N = ${cells.join(', ')}, each also as [batch, N, k] or [batch, anchors · k, rows, columns].`,
    );
  };
  if (!strides) throw refuse('Expected 6, 9, 10 or 15 outputs');
  const anchors = strides.length === 3 ? 2 : 1;

  const heads = strides.map((): Partial<Record<1 | 4 | 10, Head>> => ({}));
  for (const [name, tensor] of entries) {
    const { dims } = tensor;
    if (!(tensor.data instanceof Float32Array) || tensor.type !== 'float32')
      throw refuse(`Expected float32 for output ${name}`);
    let placed = false;
    for (const [i, stride] of strides.entries()) {
      const columns = Math.ceil(canvasWidth / stride);
      const rows = Math.ceil(canvasHeight / stride);
      for (const k of KINDS) {
        const head = headOf(tensor.data, dims, k, anchors, columns, rows, batch);
        if (!head || heads[i]![k] || placed) continue;
        heads[i]![k] = head;
        placed = true;
      }
    }
    if (!placed) throw refuse(`Output ${name} fits no stride, or another output has its shape`);
  }
  return strides.map((stride, i) => {
    const { 1: scores, 4: boxes, 10: points } = heads[i]!;
    if (!scores || !boxes) throw refuse(`Stride ${stride} lacks ${scores ? 'boxes' : 'scores'}`);
    if (count % 3 === 0 && !points && count !== 6) throw refuse(`Stride ${stride} lacks landmarks`);
    return {
      stride,
      columns: Math.ceil(canvasWidth / stride),
      rows: Math.ceil(canvasHeight / stride),
      anchors,
      scores,
      boxes,
      points: points ?? null,
    };
  });
}

function headOf(
  data: Float32Array,
  dims: readonly number[],
  k: number,
  anchors: number,
  columns: number,
  rows: number,
  batch: number,
): Head | null {
  const cells = columns * rows;
  const total = cells * anchors * k;
  if (data.length !== total * batch) return null;
  if (dims.length === 4) {
    if (dims[0] !== batch || dims[1] !== anchors * k || dims[2] !== rows || dims[3] !== columns) return null;
    return { data, batchStep: total, anchorStep: k * cells, cellStep: 1, channelStep: cells };
  }
  const flat = dims.length === 2 && batch === 1 && dims[0] === cells * anchors && dims[1] === k;
  const batched = dims.length === 3 && dims[0] === batch && dims[1] === cells * anchors && dims[2] === k;
  if (!flat && !batched) return null;
  return { data, batchStep: total, anchorStep: k, cellStep: anchors * k, channelStep: 1 };
}
