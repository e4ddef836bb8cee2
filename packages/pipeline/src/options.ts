import type { Detector, Face, Rotate } from '@facedet/core';
import { checkOptionNames, invalidArgument } from '@facedet/core/engine';
import { createSmoother } from '@facedet/temporal';
import { createTracker, type Tracker } from '@facedet/tracker';
import type { ErrorPolicy, RefineOptions, VideoDetectorOptions, VideoSmoother } from './types.ts';

/** Options with their defaults, their parts made. */
export interface Settings {
  readonly detector: Detector;
  readonly tracker: Tracker<Face> | null;
  readonly smoother: VideoSmoother | null;
  readonly detectEvery: number | 'auto';
  readonly refine: RefineOptions | null;
  readonly lookAhead: number;
  readonly lookAheadBytes: number;
  readonly live: boolean;
  readonly onError: ErrorPolicy;
  readonly shotCuts: boolean;
  readonly rotate: Rotate;
  /** The lowest score that the detector is asked for; undefined leaves it to the detector. */
  readonly scoreThreshold: number | undefined;
  /** Whether tracker or smoother come from the caller: they may throw at any time, half-way through a frame too. */
  readonly foreignParts: boolean;
}

/** The names of all options of `createVideoDetector`, for functions that take them among their own. */
export const videoDetectorOptionNames: readonly (keyof VideoDetectorOptions)[] = [
  'detector',
  'tracker',
  'smoother',
  'detectEvery',
  'refine',
  'lookAhead',
  'lookAheadBytes',
  'live',
  'onError',
  'shotCuts',
  'displayThreshold',
  'rotate',
];

/** Checks the options and fills in the defaults. Throws `INVALID_ARGUMENT`. */
export function resolveOptions(options: VideoDetectorOptions): Settings {
  checkOptionNames(options ?? null, videoDetectorOptionNames);
  const {
    detector,
    detectEvery = 1,
    lookAhead = 0,
    lookAheadBytes = Infinity,
    live = false,
    onError = 'stop',
    shotCuts = true,
    refine = false,
    tracker,
    smoother,
    displayThreshold,
    rotate = (detector as Partial<Detector> | undefined)?.rotate ?? 'auto',
  } = options;
  checkDetector(detector);
  checkValues({ detectEvery, lookAhead, lookAheadBytes, live, onError, shotCuts, rotate });
  checkParts({ tracker, smoother, refine });
  checkCombinations({ ...options, detectEvery, lookAhead, live, refine });
  const instance = tracker && 'update' in tracker;
  const trackerInUse = tracker === false ? null : instance ? tracker : createTracker<Face>(tracker);
  return {
    detector,
    detectEvery,
    lookAhead,
    lookAheadBytes,
    live,
    onError,
    shotCuts,
    tracker: trackerInUse,
    smoother: smoother === false || !trackerInUse ? null : (smoother ?? createSmoother()),
    refine: refine === true ? {} : refine || null,
    rotate,
    scoreThreshold: trackerInUse ? trackerInUse.lowScoreThreshold : displayThreshold,
    foreignParts: Boolean(instance || smoother),
  };
}

/** Throws `INVALID_ARGUMENT` for something that is not a detector. */
function checkDetector(detector: Detector): void {
  expectThat(
    typeof detector?.detect === 'function' && typeof detector.detectBatch === 'function',
    'a detector with detect() and detectBatch() for detector',
    detector,
    'createDetector of a runtime makes one',
  );
  expectThat(
    isPositiveInteger(detector.concurrency),
    "a positive integer for the detector's concurrency",
    detector.concurrency,
    'give 1 where it detects in one image at a time',
  );
}

type Checked<K extends keyof VideoDetectorOptions> = { readonly [name in K]: VideoDetectorOptions[name] | undefined };

/** Throws `INVALID_ARGUMENT` for values of the wrong type or out of range. */
function checkValues({
  detectEvery,
  lookAhead,
  lookAheadBytes,
  live,
  onError,
  shotCuts,
  rotate,
}: Checked<'detectEvery' | 'lookAhead' | 'lookAheadBytes' | 'live' | 'onError' | 'shotCuts' | 'rotate'>): void {
  expectThat(
    detectEvery === 'auto' || isPositiveInteger(detectEvery),
    "a positive integer or 'auto' for detectEvery",
    detectEvery,
    '1 detects in every frame',
  );
  expectThat(
    typeof lookAhead === 'number' && lookAhead >= 0 && lookAhead <= 60,
    '0 to 60 seconds for lookAhead',
    lookAhead,
    'frames are kept open for that long',
  );
  expectThat(
    typeof lookAheadBytes === 'number' && lookAheadBytes >= 0,
    'a number of bytes from 0 for lookAheadBytes',
    lookAheadBytes,
    'leave it out for no limit',
  );
  expectThat(typeof live === 'boolean', 'true or false for live', live, 'true drops frames that wait');
  expectThat(
    typeof shotCuts === 'boolean',
    'true or false for shotCuts',
    shotCuts,
    'false follows tracks over shot cuts',
  );
  expectThat(
    onError === 'stop' || onError === 'skip' || typeof onError === 'function',
    "'stop', 'skip' or a function for onError",
    onError,
    "'skip' goes on after a frame that failed",
  );
  const rotations = Array.isArray(rotate) ? rotate : [rotate];
  expectThat(
    rotate === 'auto' || (rotations.length > 0 && [...rotations].every(isRotation)),
    "'auto', 0, 90, 180, 270 (or another multiple of 45) or a list of these for rotate",
    rotate,
    "'auto' finds the orientation of each shot",
  );
}

/** Throws `INVALID_ARGUMENT` for a tracker, a smoother or refine options that cannot be used. */
function checkParts({ tracker, smoother, refine }: Checked<'tracker' | 'smoother' | 'refine'>): void {
  expectThat(
    typeof refine === 'boolean' || isObject(refine),
    'true, false or an object for refine',
    refine,
    'true takes the defaults',
  );
  expectThat(
    tracker === undefined || tracker === false || isObject(tracker),
    'a tracker, its options or false for tracker',
    tracker,
    'leave it out for the default tracker',
  );
  expectThat(
    smoother === undefined || smoother === false || (isObject(smoother) && isSmoother(smoother)),
    'a smoother with smooth(), reset(), snapshot() and restore(), or false, for smoother',
    smoother,
    'createSmoother of @facedet/temporal makes one',
  );
  if (typeof refine === 'object') checkRefine(refine);
  if (tracker && 'update' in tracker) {
    const isTracker = TRACKER_METHODS.every((name) => typeof tracker[name] === 'function');
    expectThat(isTracker, `a tracker with ${TRACKER_METHODS.join('(), ')}()`, tracker, 'createTracker makes one');
  }
}

/** Throws `INVALID_ARGUMENT` for options that contradict each other. */
function checkCombinations({
  detectEvery,
  refine,
  lookAhead,
  live,
  tracker,
  smoother,
  displayThreshold,
}: Partial<VideoDetectorOptions>): void {
  if (displayThreshold !== undefined) {
    expectThat(
      typeof displayThreshold === 'number' && displayThreshold >= 0 && displayThreshold <= 1,
      'a number in [0, 1] for displayThreshold',
      displayThreshold,
      'lower shows more faces',
    );
    expectThat(
      tracker === false,
      'displayThreshold only with tracker: false',
      displayThreshold,
      'a tracker has thresholds of its own: give tracker: { highScoreThreshold, lowScoreThreshold }',
    );
  }
  expectThat(!(live && lookAhead), 'either live or lookAhead', 'both', 'live results are not held back');
  if (tracker === false)
    expectThat(
      detectEvery === 1 && !refine && !lookAhead && !smoother,
      'a tracker for detectEvery, refine, lookAhead and smoother',
      'tracker: false',
      'without track IDs there is nothing to predict',
    );
}

/** Checks `RefineOptions`. Throws `INVALID_ARGUMENT`. */
export function checkRefine(refine: RefineOptions): void {
  checkOptionNames(refine, ['inputSize', 'scale'], 'refine.');
  const { scale = 1 } = refine;
  expectThat(
    typeof scale === 'number' && scale >= 1 && scale < Infinity,
    'a number of at least 1 for refine.scale',
    scale,
    'larger crops show more around a face',
  );
}

const TRACKER_METHODS = ['update', 'predict', 'cut', 'reset', 'snapshot', 'restore'] as const;

function expectThat(holds: boolean, what: string, value: unknown, next: string): void {
  if (!holds) throw invalidArgument(what, value, next);
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Whether a value is one of core's rotations; numbers as text are not. */
const isRotation = (value: unknown) =>
  Number.isInteger(value) && (value as number) % 45 === 0 && (value as number) >= 0 && (value as number) < 360;
const isPositiveInteger = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;
const isSmoother = (value: object) =>
  (['smooth', 'reset', 'snapshot', 'restore'] as const).every(
    (name) => typeof (value as Partial<VideoSmoother>)[name] === 'function',
  );
