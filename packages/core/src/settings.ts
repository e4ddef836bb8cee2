import { FaceDetError } from '@facedet/checks';
import { checkCanvasSize } from './geometry.ts';

/** `paper`: the SCRFD repository's evaluation on WIDER FACE. `runtime`: InsightFace's deployed pipeline, for everything else. */
export type Preset = 'paper' | 'runtime';

/**
 * The canvas that the model sees. `{ pixels }`: of all canvases of at most that area, the one that shows the image largest.
 * A number or `{ longSide }`: the scaled image's longer side, the shorter padded to the next multiple of 32.
 * `[width, height]`: that canvas, multiples of 32.
 */
export type CanvasSize = number | { readonly longSide: number } | readonly [width: number, height: number] | { readonly pixels: number };

/** One canvas size, or a list of them whose faces one NMS merges. Two plain numbers are a canvas; two longer sides are `[{ longSide: 320 }, { longSide: 640 }]`. */
export type InputSize = CanvasSize | readonly CanvasSize[];

/** Overlapping tiles beside the whole image, for tiny faces in large images. */
export interface TileOptions {
  /** Side of the square tiles in source pixels; by default such that a tile is shown at scale 1. */
  size?: number;
  /** Overlap of neighbours as a part of the side, in [0, .9); by default .25. A face smaller than the overlap is whole in some tile. */
  overlap?: number;
}

/** Contrast-limited adaptive histogram equalisation of the luma (Zuiderveld 1994), before detection. */
export interface ClaheOptions {
  /** Multiple of a flat histogram's height at which a bin is cut; by default 2. */
  clipLimit?: number;
  /** Tiles a side of the picture; by default 8. */
  grid?: number;
  /** Only pictures whose mean luma (0–255) is below this; by default 256, that is all. */
  belowLuma?: number;
}

/** How faces are looked for; all of it has defaults. */
export interface DetectionOptions {
  /** Thresholds and geometry of one of two published pipelines; by default `runtime`. */
  preset?: Preset;
  /** By default `{ pixels: 409_600 }`, or 640 × 640 with `paper`. A model with a fixed shape gets its own. */
  inputSize?: InputSize;
  /** In [0, 1]: the lowest score of a face; by default .5, or .02 (exclusive) with `paper`. In front of a tracker: .1. */
  scoreThreshold?: number;
  /** In [0, 1]: faces that overlap a better one by more are dropped; by default .4, or .45 with `paper`. */
  iouThreshold?: number;
  /** At most so many faces, the best; by default all. */
  maxFaces?: number;
  /** Tiles beside the whole image; by default none. */
  tiles?: boolean | TileOptions;
  /** Equalisation before detection; by default none. */
  clahe?: boolean | ClaheOptions;
}

/** Checked options with every default filled in; plain data, so that it can be sent to a worker. */
export interface DetectionSettings {
  readonly preset: Preset;
  readonly sizes: readonly CanvasSize[];
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly maxFaces: number;
  readonly tiles: Required<TileOptions> | null;
  readonly clahe: Required<ClaheOptions> | null;
}

/** Of both pipelines: `tools/test_widerface.py` of insightface/detection/scrfd, and `scrfd.py` of the insightface package. */
const PRESETS = {
  paper: { inputSize: [640, 640] as const, scoreThreshold: 0.02, iouThreshold: 0.45 },
  runtime: { inputSize: { pixels: 409_600 }, scoreThreshold: 0.5, iouThreshold: 0.4 },
};

/** Fills in defaults. Throws `INVALID_ARGUMENT` for a value out of range. */
export function detectionSettings(options: DetectionOptions = {}): DetectionSettings {
  const preset = options.preset ?? 'runtime';
  if (!Object.hasOwn(PRESETS, preset)) throw new FaceDetError('INVALID_ARGUMENT', `Expected paper or runtime for preset but received ${String(preset)}.`);
  const defaults = PRESETS[preset];
  const sizes = sizesOf(options.inputSize ?? defaults.inputSize);
  const { maxFaces = Infinity } = options;
  if (!(maxFaces === Infinity || (Number.isInteger(maxFaces) && maxFaces > 0))) throw new FaceDetError('INVALID_ARGUMENT', `Expected a positive integer for maxFaces but received ${String(maxFaces)}.`);
  const tiles = options.tiles ? { size: 0, overlap: 0.25, ...(options.tiles === true ? {} : options.tiles) } : null;
  if (tiles && !(Number.isFinite(tiles.size) && tiles.size >= 0)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a positive number of source pixels for tiles.size but received ${String(tiles.size)}.`);
  if (tiles && !(tiles.overlap >= 0 && tiles.overlap < 0.9)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a part in [0, .9) for tiles.overlap but received ${String(tiles.overlap)}.`);
  const clahe = options.clahe ? { clipLimit: 2, grid: 8, belowLuma: 256, ...(options.clahe === true ? {} : options.clahe) } : null;
  if (clahe && !(clahe.clipLimit >= 1 && Number.isInteger(clahe.grid) && clahe.grid >= 1 && clahe.belowLuma >= 0)) {
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a clipLimit of at least 1, a positive integer grid and a belowLuma of at least 0 for clahe but received ${JSON.stringify(clahe)}.`);
  }
  return { preset, sizes, scoreThreshold: part('scoreThreshold', options.scoreThreshold ?? defaults.scoreThreshold), iouThreshold: part('iouThreshold', options.iouThreshold ?? defaults.iouThreshold), maxFaces, tiles, clahe };
}

/** The settings of one call: the detector's own, with another canvas where the call wants one. Throws `INVALID_ARGUMENT` as `detectionSettings`. */
export function settingsForCall(settings: DetectionSettings, inputSize: InputSize | undefined): DetectionSettings {
  return inputSize === undefined ? settings : { ...settings, sizes: sizesOf(inputSize), tiles: null };
}

function sizesOf(size: InputSize): readonly CanvasSize[] {
  const sizes: readonly CanvasSize[] = isSizeList(size) ? size : [size as CanvasSize];
  if (sizes.length === 0) throw new FaceDetError('INVALID_ARGUMENT', 'Expected at least one size for inputSize but received an empty list.');
  sizes.forEach(checkCanvasSize);
  return sizes;
}

function isSizeList(size: InputSize): size is readonly CanvasSize[] {
  return Array.isArray(size) && !(size.length === 2 && size.every((v) => typeof v === 'number'));
}

function part(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a number in [0, 1] for ${name} but received ${String(value)}.`);
  return value;
}
