import { FaceDetError } from '@facedet/checks';
import type { Tensor } from './backend.ts';
import { describeTensor } from './model-shape.ts';

/**
 * One output of one stride. Channel c of anchor a of cell k of image b is at b · batchStep + k · cellStep +
 * a · anchorStep + c · channelStep.
 */
export interface Head {
  readonly data: Float32Array;
  readonly batchStep: number;
  /** Cells are in the order y, x. */
  readonly cellStep: number;
  readonly anchorStep: number;
  readonly channelStep: number;
}

/** The outputs of one stride. */
export interface Level {
  readonly stride: number;
  readonly columns: number;
  readonly rows: number;
  /** Anchors per cell. */
  readonly anchors: number;
  readonly scores: Head;
  readonly boxes: Head;
  readonly landmarks: Head | null;
}

/** The input of the run that produced some outputs. */
export interface InputShape {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly batch: number;
}

/** The grid of one stride. */
type Grid = Pick<Level, 'stride' | 'columns' | 'rows' | 'anchors'>;

const STRIDES: Record<number, readonly number[]> = { 3: [8, 16, 32], 5: [8, 16, 32, 64, 128] };
/** Channels per anchor: a score, four box distances, five points. */
const CHANNELS = [1, 4, 10] as const;
type Heads = Partial<Record<(typeof CHANNELS)[number], Head>>;

/**
 * Sorts a model's outputs by their shapes, never by their names. 6 or 9 tensors are three strides with two anchors per
 * cell, 10 or 15 are five strides with one. Each tensor is [N, k], [batch, N, k] or a raw head [batch, anchors · k,
 * rows, columns], with k = 1, 4 or 10. Throws `MODEL_OUTPUTS_UNSUPPORTED` with the outputs found and those that would
 * fit.
 */
export function readOutputLayout(outputs: Record<string, Tensor>, input: InputShape): Level[] {
  const count = Object.keys(outputs).length;
  const strides = STRIDES[count === 6 || count === 9 ? 3 : count === 10 || count === 15 ? 5 : 0];
  if (!strides) throw unsupported('6, 9, 10 or 15 outputs', outputs, input, gridsOf(STRIDES[3]!, input));
  const grids = gridsOf(strides, input);
  const fail = (expected: string) => unsupported(expected, outputs, input, grids);

  const heads = grids.map((): Heads => ({}));
  for (const [name, tensor] of Object.entries(outputs)) {
    if (!(tensor.data instanceof Float32Array) || tensor.type !== 'float32') throw fail(`float32 for output ${name}`);
    if (!placeHead(tensor, grids, heads, input.batch))
      throw fail(`a shape that fits one stride, and only one output of that shape, for output ${name}`);
  }
  return grids.map((grid, i) => {
    const { 1: scores, 4: boxes, 10: landmarks } = heads[i]!;
    if (!scores || !boxes) throw fail(`${scores ? 'boxes' : 'scores'} of stride ${grid.stride}`);
    if (count % 3 === 0 && !landmarks && count !== 6) throw fail(`landmarks of stride ${grid.stride}`);
    return { ...grid, scores, boxes, landmarks: landmarks ?? null };
  });
}

function gridsOf(strides: readonly number[], { inputWidth, inputHeight }: InputShape): Grid[] {
  return strides.map((stride) => ({
    stride,
    columns: Math.ceil(inputWidth / stride),
    rows: Math.ceil(inputHeight / stride),
    anchors: strides.length === 3 ? 2 : 1,
  }));
}

/** Puts an output into the first free place that it fits; returns whether it fits one. */
function placeHead(tensor: Tensor, grids: readonly Grid[], heads: Heads[], batch: number): boolean {
  for (const [i, grid] of grids.entries()) {
    for (const channels of CHANNELS) {
      const head = headOf(tensor, channels, grid, batch);
      if (!head || heads[i]![channels]) continue;
      heads[i]![channels] = head;
      return true;
    }
  }
  return false;
}

function headOf(tensor: Tensor, channels: number, grid: Grid, batch: number): Head | null {
  const { dims } = tensor;
  const data = tensor.data as Float32Array;
  const { columns, rows, anchors } = grid;
  const cells = columns * rows;
  const batchStep = cells * anchors * channels;
  if (data.length !== batchStep * batch) return null;
  if (dims.length === 4) {
    if (dims[0] !== batch || dims[1] !== anchors * channels || dims[2] !== rows || dims[3] !== columns) return null;
    return { data, batchStep, anchorStep: channels * cells, cellStep: 1, channelStep: cells };
  }
  const isFlat = dims.length === 2 && batch === 1 && dims[0] === cells * anchors && dims[1] === channels;
  const isBatched = dims.length === 3 && dims[0] === batch && dims[1] === cells * anchors && dims[2] === channels;
  if (!isFlat && !isBatched) return null;
  return { data, batchStep, anchorStep: channels, cellStep: anchors * channels, channelStep: 1 };
}

function unsupported(
  expected: string,
  outputs: Record<string, Tensor>,
  { inputWidth, inputHeight, batch }: InputShape,
  grids: readonly Grid[],
): FaceDetError {
  const found = Object.entries(outputs).map(([name, { type, dims }]) => describeTensor({ name, type, dims }));
  const counts = grids.map(({ columns, rows, anchors }) => columns * rows * anchors);
  return new FaceDetError(
    'MODEL_OUTPUTS_UNSUPPORTED',
    `Expected ${expected} but received ${found.length} outputs for an input of ${inputWidth} × ${inputHeight} and a ` +
      `batch of ${batch}: ${found.join(', ')}; export the model with, for each stride, scores [N, 1], boxes [N, 4] ` +
      `and optionally landmarks [N, 10] with N = ${counts.join(', ')}, each also as [batch, N, k] or ` +
      '[batch, anchors · k, rows, columns].',
  );
}
