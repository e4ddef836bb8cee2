import { checkOptionNames, invalidArgument } from '@facedet/checks';
import { ORIGINAL, TIME_AWARE } from './compat.ts';
import { invalidArgumentText } from './errors.ts';
import type { Detection, TrackerPreset, TrackerOptions } from './types.ts';

type PresetOption =
  'highScoreThreshold' | 'lowScoreThreshold' | 'newTrackThreshold' | 'matchThreshold' | 'maxLostSeconds';

/**
 * The option values of each preset. `balanced` has the values of ByteTrack (ECCV 2022), except for a high-score
 * threshold of 0.5 instead of 0.6, which suits the calibration of face detectors.
 */
export const PRESETS: Readonly<Record<TrackerPreset, Readonly<Record<PresetOption, number>>>> = {
  conservative: {
    highScoreThreshold: 0.65,
    lowScoreThreshold: 0.2,
    newTrackThreshold: 0.75,
    matchThreshold: 0.7,
    maxLostSeconds: 0.5,
  },
  balanced: {
    highScoreThreshold: 0.5,
    lowScoreThreshold: 0.1,
    newTrackThreshold: 0.6,
    matchThreshold: 0.8,
    maxLostSeconds: 1,
  },
  aggressive: {
    highScoreThreshold: 0.3,
    lowScoreThreshold: 0.1,
    newTrackThreshold: 0.35,
    matchThreshold: 0.9,
    maxLostSeconds: 2,
  },
};

/**
 * A track found in the last update outlives this many intervals of the frame rate, also where `maxLostSeconds` is
 * shorter: half an interval for jitter.
 */
const MIN_GAP_INTERVALS = 1.5;

/**
 * Default of `minAffinity`. For (1 + cosine) / 2 of face embeddings, strangers have about 0.5 and rarely more than 0.6;
 * 0.7 is a cosine of 0.4, where ArcFace and similar models separate one person from another.
 */
const MIN_AFFINITY = 0.7;

/** Every option of `createTracker`; the type makes sure that none is missing. */
const OPTION_NAMES = Object.keys({
  preset: 0,
  highScoreThreshold: 0,
  lowScoreThreshold: 0,
  newTrackThreshold: 0,
  matchThreshold: 0,
  maxLostSeconds: 0,
  frameRate: 0,
  compat: 0,
  affinity: 0,
  minAffinity: 0,
} satisfies Record<keyof TrackerOptions, 0>);

/** The names of these options in the original ByteTrack, supervision, trackers and ultralytics. */
const NAMES_ELSEWHERE: Readonly<Record<string, string>> = {
  track_thresh: 'highScoreThreshold',
  track_high_thresh: 'highScoreThreshold',
  track_activation_threshold: 'highScoreThreshold',
  high_conf_det_threshold: 'highScoreThreshold',
  track_low_thresh: 'lowScoreThreshold',
  new_track_thresh: 'newTrackThreshold',
  det_thresh: 'newTrackThreshold',
  match_thresh: 'matchThreshold',
  minimum_matching_threshold: 'matchThreshold',
  track_buffer: 'maxLostSeconds',
  lost_track_buffer: 'maxLostSeconds',
  buffer_size: 'maxLostSeconds',
};

/** Options with their defaults. */
export type Settings<D extends Detection> = ReturnType<typeof resolveOptions<D>>;

/** The settings that do not depend on the type of detection. */
export type CommonSettings = Omit<Settings<Detection>, 'affinity'>;

/**
 * Checks the options and fills in the defaults; `undefined` means the default.
 *
 * @throws FaceDetError `INVALID_ARGUMENT`
 */
export function resolveOptions<D extends Detection>(options: TrackerOptions<D>) {
  checkNames(options);
  const { preset = 'balanced', frameRate = 30, compat = false, affinity, minAffinity = MIN_AFFINITY } = options;
  if (typeof preset !== 'string' || !Object.hasOwn(PRESETS, preset))
    throw invalidArgument('conservative, balanced or aggressive for preset', preset, 'PRESETS has the values of each');
  const base = PRESETS[preset];
  const { matchThreshold = base.matchThreshold, maxLostSeconds = base.maxLostSeconds } = options;
  if (typeof compat !== 'boolean') throw invalidArgument('true or false for compat', compat, 'leave it out for false');
  const policy = compat ? ORIGINAL : TIME_AWARE;
  const thresholds = resolveScoreThresholds(options, base, policy);
  checkRange('matchThreshold', matchThreshold, POSITIVE_FRACTION, 'it is compared with 1 − IoU · score');
  checkRange('maxLostSeconds', maxLostSeconds, SECONDS, '1 is the default');
  checkRange('frameRate', frameRate, POSITIVE, 'give the updates per second');
  if (affinity !== undefined && typeof affinity !== 'function') {
    const next = 'it receives a track and a detection and returns a number in [0, 1]';
    throw invalidArgument('a function for affinity', affinity, next);
  }
  checkRange('minAffinity', minAffinity, between(0, 1), `${MIN_AFFINITY} is the default`);
  if (options.minAffinity !== undefined && !affinity)
    throw invalidArgumentText('affinity beside minAffinity', 'none', 'give both or neither');
  // With a slow frame rate, or a `maxLostSeconds` of 0, a track must still reach the next frame.
  const maxUnseenSeconds = Math.max(maxLostSeconds, MIN_GAP_INTERVALS / frameRate);
  return { ...thresholds, matchThreshold, maxLostSeconds, maxUnseenSeconds, frameRate, policy, affinity, minAffinity };
}

/** The three score thresholds; defaults adapt to those that are given. */
function resolveScoreThresholds(
  options: TrackerOptions<never>,
  base: Readonly<Record<PresetOption, number>>,
  policy: typeof ORIGINAL,
) {
  const { highScoreThreshold = base.highScoreThreshold } = options;
  checkRange('highScoreThreshold', highScoreThreshold, between(0, 1), 'scores are in [0, 1]');
  if (!policy.reaches(highScoreThreshold, 1)) {
    const next = 'in compat only scores above it start tracks';
    throw invalidArgument('a number in [0, 1) for highScoreThreshold', highScoreThreshold, next);
  }
  const { lowScoreThreshold = Math.min(base.lowScoreThreshold, highScoreThreshold) } = options;
  const lowNext = `it must not be above highScoreThreshold (${highScoreThreshold})`;
  checkRange('lowScoreThreshold', lowScoreThreshold, between(0, highScoreThreshold), lowNext);

  // Rounded, as 0.6 − 0.5 is a little less than the original's 0.1 and compat compares scores with the exact sum.
  const margin = Math.round(100 * (base.newTrackThreshold - base.highScoreThreshold)) / 100;
  const highest = policy.highestNewTrackThreshold(highScoreThreshold);
  const { newTrackThreshold = Math.min(highScoreThreshold + margin, highest) } = options;
  const newNext =
    newTrackThreshold > 1 ? 'no score is above 1' : `it must not be below highScoreThreshold (${highScoreThreshold})`;
  checkRange('newTrackThreshold', newTrackThreshold, between(highScoreThreshold, 1), newNext);
  return { highScoreThreshold, lowScoreThreshold, newTrackThreshold };
}

/** Refuses unknown names, and gives the name here of an option that other trackers have. */
function checkNames(options: unknown): void {
  const what = 'the options of createTracker';
  const elsewhere = Object.keys(options ?? {}).find((name) => Object.hasOwn(NAMES_ELSEWHERE, name));
  if (elsewhere === undefined) return checkOptionNames(options, OPTION_NAMES, '', what);
  const name = NAMES_ELSEWHERE[elsewhere]!;
  const unit = name === 'maxLostSeconds' ? ', in seconds: frames / frame rate' : '';
  throw invalidArgument(`a known name in ${what}`, elsewhere, `it is called ${name} here${unit}`);
}

interface Range {
  readonly low: number;
  readonly high: number;
  /** What is expected, for the message. */
  readonly text: string;
}

const between = (low: number, high: number): Range => ({ low, high, text: `a number in [${low}, ${high}]` });
const POSITIVE: Range = { low: Number.MIN_VALUE, high: Number.MAX_VALUE, text: 'a number above 0' };
const POSITIVE_FRACTION: Range = { low: Number.MIN_VALUE, high: 1, text: 'a number in (0, 1]' };
const SECONDS: Range = { low: 0, high: Number.MAX_VALUE, text: 'a number of seconds from 0' };

function checkRange(name: string, value: number, { low, high, text }: Range, next: string): void {
  if (typeof value === 'number' && value >= low && value <= high) return;
  throw invalidArgument(`${text} for ${name}`, value, next);
}
