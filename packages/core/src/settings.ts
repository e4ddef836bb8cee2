import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import { claheSettings } from './clahe.ts';
import { checkCanvasSize } from './geometry.ts';
import type { DetectOptions } from './types.ts';

/**
 * `paper`: the SCRFD repository's evaluation on WIDER FACE. `runtime`: InsightFace's deployed pipeline, for everything
 * else.
 */
export type Preset = 'paper' | 'runtime';

/**
 * The canvas that the model sees. `{ pixels }`: of all canvases of at most that area, the one that shows the image
 * largest.
 * A number or `{ longSide }`: the scaled image's longer side, the shorter padded to the next multiple of 32.
 * `[width, height]`: that canvas, multiples of 32.
 */
export type CanvasSize =
  number | { readonly longSide: number } | readonly [width: number, height: number] | { readonly pixels: number };

/**
 * One canvas size, or a list of them whose faces one NMS merges. Two plain numbers are a canvas; two longer sides are
 * `[{ longSide: 320 }, { longSide: 640 }]`.
 */
export type InputSize = CanvasSize | readonly CanvasSize[];

/** Degrees by which a picture is turned clockwise before the model sees it. */
export type Rotation = 0 | 45 | 90 | 135 | 180 | 225 | 270 | 315;

/**
 * Orientations in which the detector runs. A number or a list: each of these, with one NMS over all. `'auto'`: upright,
 * and where that finds no sure face or one that is turned, also in the orientation that a quick run at a quarter of the
 * pixels finds best.
 */
export type Rotate = 'auto' | Rotation | readonly Rotation[];

/** Overlapping tiles beside the whole image, for tiny faces in large images. */
export interface TileOptions {
  /**
   * Side of the square tiles in source pixels, at least 32; by default such that a tile is shown at scale 1. Smaller
   * finds smaller faces, in more runs.
   */
  size?: number;
  /**
   * Overlap of neighbours as a fraction of the side, in [0, 0.9); by default 0.25. A face smaller than the overlap is
   * whole in some tile.
   */
  overlap?: number;
}

/** Contrast-limited adaptive histogram equalisation of the luma (Zuiderveld 1994), before detection. */
export interface ClaheOptions {
  /**
   * Multiple of a flat histogram's height at which a bin is cut, at least 1; by default 2. Higher raises contrast, and
   * noise with it.
   */
  clipLimit?: number;
  /**
   * Tiles a side of the picture, an integer from 1 to 256; by default 8. Higher adapts to smaller parts of the picture.
   */
  grid?: number;
  /**
   * Only pictures whose mean luma (0–255) is below this are changed; by default 256, that is all. Lower spares bright
   * pictures.
   */
  belowLuma?: number;
}

/** Options of detection; each has a default. */
export interface DetectionOptions {
  /** Thresholds and geometry of one of two published pipelines; by default `runtime`. */
  preset?: Preset;
  /**
   * By default `{ pixels: 409_600 }` and, beside it, small canvases for faces that fill the picture; 640 × 640 alone
   * with `paper`. What is given here means exactly these canvases. Larger finds smaller faces and takes longer. A side
   * that the model fixes stays as it is.
   */
  inputSize?: InputSize;
  /**
   * By default `'auto'`, or 0 with `paper`. More orientations find faces in pictures that lie on their side, each at
   * the cost of another run. With a model that has no landmark outputs, `'auto'` judges by scores alone.
   */
  rotate?: Rotate;
  /**
   * In [0, 1]: the lowest score of a face; by default 0.5, or 0.02 (exclusive) with `paper`. Higher drops doubtful
   * faces, and real ones that are small, blurred or half hidden. In front of a tracker, `createVideoDetector` asks for
   * the tracker's own lower threshold.
   */
  scoreThreshold?: number;
  /**
   * In [0, 1]: faces whose IoU with a better one is higher are dropped; by default 0.4, or 0.45 with `paper`. Higher
   * keeps faces that overlap, and duplicates.
   */
  iouThreshold?: number;
  /** At most so many faces, the best; by default all. */
  maxFaces?: number;
  /** Tiles beside the whole image; by default none. */
  tiles?: boolean | TileOptions;
  /** Equalisation before detection; by default none. */
  clahe?: boolean | ClaheOptions;
}

/** A pass for faces that fill the picture: they are larger than the largest anchors of the usual canvas. */
export interface LargeFacePass {
  /** At most the area of its canvas. */
  readonly pixels: number;
  readonly when: PassCondition;
}

/**
 * When a pass runs: always, where the passes before found no sure face, or where they found something but no sure face.
 */
export type PassCondition = 'always' | 'unsure' | 'doubtful';

/** Checked options with every default filled in; plain data, so that it can be sent to a worker. */
export interface DetectionSettings {
  readonly preset: Preset;
  readonly sizes: readonly CanvasSize[];
  /** The passes for faces that fill the picture, by the pixels of their canvas. */
  readonly largeFaces: readonly LargeFacePass[];
  readonly rotate: 'auto' | readonly Rotation[];
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly maxFaces: number;
  /** `size` 0: such that a tile is shown at scale 1. */
  readonly tiles: Required<TileOptions> | null;
  readonly clahe: Required<ClaheOptions> | null;
}

/**
 * One small pass always, which costs 4 % of the first, and one four times as large where parts of a face were found but
 * no sure face: measured on close-ups with three models (apps/bench, `close-ups`).
 */
const LARGE_FACES: readonly LargeFacePass[] = [
  { pixels: 16_384, when: 'always' },
  { pixels: 65_536, when: 'doubtful' },
];

/**
 * Of both pipelines: `tools/test_widerface.py` of insightface/detection/scrfd, and `scrfd.py` of the insightface
 * package.
 */
const PRESETS = {
  paper: {
    inputSize: [640, 640] as const,
    largeFaces: [],
    rotate: [0] as const,
    scoreThreshold: 0.02,
    iouThreshold: 0.45,
  },
  runtime: {
    inputSize: { pixels: 409_600 },
    largeFaces: LARGE_FACES,
    rotate: 'auto' as const,
    scoreThreshold: 0.5,
    iouThreshold: 0.4,
  },
};

/** The smallest tile: a canvas has at least this side. */
const MIN_TILE = 32;

/** Options of `detectionSettings`, by name. */
export const DETECTION_OPTIONS = [
  'preset',
  'inputSize',
  'rotate',
  'scoreThreshold',
  'iouThreshold',
  'maxFaces',
  'tiles',
  'clahe',
] as const;

/** Options of one call, by name. */
export const DETECT_OPTIONS = ['inputSize', 'scoreThreshold', 'rotate', 'signal'] as const;

/**
 * Fills in defaults. Throws `INVALID_ARGUMENT` for a value out of range. Other names than its own are left to the
 * caller.
 */
export function detectionSettings(options: DetectionOptions = {}): DetectionSettings {
  const preset = options.preset ?? 'runtime';
  if (typeof preset !== 'string' || !Object.hasOwn(PRESETS, preset))
    throw invalid('paper or runtime for preset', preset);
  const defaults = PRESETS[preset];
  const { maxFaces = Infinity } = options;
  if (!(maxFaces === Infinity || (Number.isInteger(maxFaces) && maxFaces > 0)))
    throw invalid('a positive integer for maxFaces', maxFaces);
  return {
    preset,
    sizes: sizesOf(options.inputSize ?? defaults.inputSize),
    largeFaces: options.inputSize === undefined ? defaults.largeFaces : [],
    rotate: rotationsOf(options.rotate ?? defaults.rotate),
    scoreThreshold: checkFraction('scoreThreshold', options.scoreThreshold ?? defaults.scoreThreshold),
    iouThreshold: checkFraction('iouThreshold', options.iouThreshold ?? defaults.iouThreshold),
    maxFaces,
    tiles: tilesOf(options.tiles),
    clahe: options.clahe ? claheSettings(options.clahe === true ? {} : options.clahe) : null,
  };
}

/**
 * The settings of one call: the detector's own, with what the call asks for instead. Throws `INVALID_ARGUMENT` as
 * `detectionSettings`.
 */
export function settingsForCall(
  settings: DetectionSettings,
  call: Pick<DetectOptions, 'inputSize' | 'scoreThreshold' | 'rotate'>,
): DetectionSettings {
  const { inputSize, scoreThreshold, rotate } = call;
  if (inputSize === undefined && scoreThreshold === undefined && rotate === undefined) return settings;
  return {
    ...settings,
    ...(inputSize === undefined ? {} : { sizes: sizesOf(inputSize), largeFaces: [], tiles: null }),
    ...(scoreThreshold === undefined ? {} : { scoreThreshold: checkFraction('scoreThreshold', scoreThreshold) }),
    ...(rotate === undefined ? {} : { rotate: rotationsOf(rotate) }),
  };
}

function tilesOf(tiles: DetectionOptions['tiles']): DetectionSettings['tiles'] {
  if (!tiles) return null;
  const { size, overlap = 0.25 } = nested('tiles', tiles, ['size', 'overlap']);
  if (size !== undefined && !(Number.isFinite(size) && size >= MIN_TILE))
    throw invalid(`a number of at least ${MIN_TILE} (source pixels) for tiles.size`, size);
  if (!(overlap >= 0 && overlap < 0.9)) throw invalid('a fraction in [0, 0.9) for tiles.overlap', overlap);
  return { size: size ?? 0, overlap };
}

/** An option that is `true` or an object of its own; undefined inside it means the default. */
function nested<T extends object>(name: string, value: boolean | T, known: readonly string[]): T {
  if (value === true) return {} as T;
  checkOptionNames(value, known, `${name}.`);
  return value as T;
}

const ROTATIONS: readonly unknown[] = [0, 45, 90, 135, 180, 225, 270, 315];

function rotationsOf(rotate: Rotate): DetectionSettings['rotate'] {
  if (rotate === 'auto') return rotate;
  // Spread: `every` would pass over holes.
  const list: readonly unknown[] = Array.isArray(rotate) ? [...(rotate as unknown[])] : [rotate];
  if (list.length === 0 || !list.every((each) => ROTATIONS.includes(each)))
    throw invalid(
      "'auto', 0, 90, 180, 270 (or another multiple of 45 below 360) or a list of these numbers for rotate",
      rotate,
    );
  return [...new Set(list)] as Rotation[];
}

function sizesOf(size: InputSize): readonly CanvasSize[] {
  const sizes: readonly CanvasSize[] = isSizeList(size) ? size : [size as CanvasSize];
  if (sizes.length === 0)
    throw new FaceDetError('INVALID_ARGUMENT', 'Expected at least one size for inputSize but received an empty list.');
  sizes.forEach(checkCanvasSize);
  return sizes;
}

function isSizeList(size: InputSize): size is readonly CanvasSize[] {
  return Array.isArray(size) && !(size.length === 2 && size.every((v) => typeof v === 'number'));
}

function checkFraction(name: string, value: number): number {
  if (!(typeof value === 'number' && value >= 0 && value <= 1)) throw invalid(`a number in [0, 1] for ${name}`, value);
  return value;
}

function invalid(expected: string, value: unknown): FaceDetError {
  return new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${received(value)}.`);
}
