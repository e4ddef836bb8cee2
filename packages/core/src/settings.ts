import { checkOptionNames, invalidArgument } from '@facedet/checks';
import { claheSettings } from './clahe.ts';
import { INPUT_STEP, inputSizesOf } from './input-size.ts';
import type {
  ClaheOptions,
  DetectionOptions,
  DetectionPreset,
  DetectOptions,
  InputSize,
  Rotate,
  Rotation,
  TileOptions,
} from './options.ts';

/** A pass for faces that fill the image: they are larger than the largest anchors at the usual input size. */
export interface LargeFacePass {
  /** The largest area of the pass's input in pixels. */
  readonly pixels: number;
  readonly when: PassCondition;
}

/**
 * When a pass runs: always, if earlier passes found no confident face, or if they found only faces of low confidence.
 */
export type PassCondition = 'always' | 'no-confident-face' | 'low-confidence-only';

/** The options of a detector, checked and with all defaults filled in; plain data that can be posted to a worker. */
export interface DetectionSettings {
  readonly preset: DetectionPreset;
  /** One pass over the whole image each. */
  readonly sizes: readonly InputSize[];
  readonly largeFaces: readonly LargeFacePass[];
  readonly rotate: 'auto' | readonly Rotation[];
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly maxFaces: number;
  /** A `size` of 0 means the size at which a tile is not scaled. */
  readonly tiles: Required<TileOptions> | null;
  readonly clahe: Required<ClaheOptions> | null;
}

/**
 * One small pass always, which costs 4 % of the first, and one four times as large if only parts of a face, of low
 * confidence, were found: measured on close-ups with three models (apps/bench, `close-ups`).
 */
const LARGE_FACE_PASSES: readonly LargeFacePass[] = [
  { pixels: 16_384, when: 'always' },
  { pixels: 65_536, when: 'low-confidence-only' },
];

/** From `tools/test_widerface.py` of insightface/detection/scrfd, and `scrfd.py` of the insightface package. */
const PRESETS = {
  paper: {
    inputSize: { width: 640, height: 640 },
    largeFaces: [],
    rotate: [0] as const,
    scoreThreshold: 0.02,
    iouThreshold: 0.45,
  },
  runtime: {
    inputSize: { pixels: 409_600 },
    largeFaces: LARGE_FACE_PASSES,
    rotate: 'auto' as const,
    scoreThreshold: 0.5,
    iouThreshold: 0.4,
  },
};

/** The option names of `detectionSettings`. */
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

/** The option names of one detection call. */
export const DETECT_OPTIONS = ['inputSize', 'scoreThreshold', 'rotate', 'signal'] as const;

/**
 * Checks detection options and fills in the defaults. Throws `INVALID_ARGUMENT` for a value out of range; unknown names
 * are left to the caller, who may have options of its own.
 */
export function detectionSettings(options: DetectionOptions = {}): DetectionSettings {
  const preset = options.preset ?? 'runtime';
  if (typeof preset !== 'string' || !Object.hasOwn(PRESETS, preset))
    throw invalidArgument('paper or runtime for preset', preset, 'the default is runtime');
  const defaults = PRESETS[preset];
  const { maxFaces = Infinity } = options;
  if (!(maxFaces === Infinity || (Number.isInteger(maxFaces) && maxFaces > 0)))
    throw invalidArgument('a positive integer for maxFaces', maxFaces, 'leave it out to keep all faces');
  return {
    preset,
    sizes: inputSizesOf(options.inputSize ?? defaults.inputSize),
    largeFaces: options.inputSize === undefined ? defaults.largeFaces : [],
    rotate: checkRotate(options.rotate ?? defaults.rotate),
    scoreThreshold: checkFraction('scoreThreshold', options.scoreThreshold ?? defaults.scoreThreshold),
    iouThreshold: checkFraction('iouThreshold', options.iouThreshold ?? defaults.iouThreshold),
    maxFaces,
    tiles: tileSettings(options.tiles),
    clahe: options.clahe ? claheSettings(options.clahe === true ? {} : options.clahe) : null,
  };
}

/**
 * The settings of one call: the detector's own, with the options of the call in their place. Throws `INVALID_ARGUMENT`
 * as `detectionSettings` does.
 */
export function settingsForCall(
  settings: DetectionSettings,
  call: Pick<DetectOptions, 'inputSize' | 'scoreThreshold' | 'rotate'>,
): DetectionSettings {
  const { inputSize, scoreThreshold, rotate } = call;
  if (inputSize === undefined && scoreThreshold === undefined && rotate === undefined) return settings;
  return {
    ...settings,
    ...(inputSize === undefined ? {} : { sizes: inputSizesOf(inputSize), largeFaces: [], tiles: null }),
    ...(scoreThreshold === undefined ? {} : { scoreThreshold: checkFraction('scoreThreshold', scoreThreshold) }),
    ...(rotate === undefined ? {} : { rotate: checkRotate(rotate) }),
  };
}

/** The smallest tile: a network's input has at least this side. */
const MIN_TILE = INPUT_STEP;

function tileSettings(tiles: DetectionOptions['tiles']): DetectionSettings['tiles'] {
  if (!tiles) return null;
  const options: TileOptions = tiles === true ? {} : tiles;
  checkOptionNames(options, ['size', 'overlap'], 'tiles.');
  const { size, overlap = 0.25 } = options;
  if (size !== undefined && !(Number.isFinite(size) && size >= MIN_TILE))
    throw invalidArgument(
      `a number of at least ${MIN_TILE} (source pixels) for tiles.size`,
      size,
      'leave it out for tiles that are not scaled',
    );
  if (!(overlap >= 0 && overlap < 0.9))
    throw invalidArgument('a fraction in [0, 0.9) for tiles.overlap', overlap, 'the default is 0.25');
  return { size: size ?? 0, overlap };
}

const ROTATIONS: readonly unknown[] = [0, 45, 90, 135, 180, 225, 270, 315];

function checkRotate(rotate: Rotate): DetectionSettings['rotate'] {
  if (rotate === 'auto') return rotate;
  // Spread: `every` would skip the holes of a sparse array.
  const list: readonly unknown[] = Array.isArray(rotate) ? [...(rotate as unknown[])] : [rotate];
  if (list.length === 0 || !list.every((each) => ROTATIONS.includes(each)))
    throw invalidArgument(
      "'auto', 0, 90, 180, 270 (or another multiple of 45 below 360) or a list of these numbers for rotate",
      rotate,
      "the default is 'auto'",
    );
  return [...new Set(list)] as Rotation[];
}

function checkFraction(name: string, value: number): number {
  if (!(typeof value === 'number' && value >= 0 && value <= 1))
    throw invalidArgument(`a number in [0, 1] for ${name}`, value, 'leave it out for the default');
  return value;
}
