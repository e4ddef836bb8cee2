import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import type { Detection, Preset, TrackerOptions } from './types.ts';

type Numbers = 'scoreThreshold' | 'lowScoreThreshold' | 'newTrackThreshold' | 'matchThreshold' | 'maxLostSeconds';

/**
 * The numbers behind each preset. `balanced` is ByteTrack's (ECCV 2022) with 0.5 for 0.6 as the high score, as face
 * detectors are calibrated.
 */
export const PRESETS: Readonly<Record<Preset, Readonly<Record<Numbers, number>>>> = {
  conservative: {
    scoreThreshold: 0.65,
    lowScoreThreshold: 0.2,
    newTrackThreshold: 0.75,
    matchThreshold: 0.7,
    maxLostSeconds: 0.5,
  },
  balanced: {
    scoreThreshold: 0.5,
    lowScoreThreshold: 0.1,
    newTrackThreshold: 0.6,
    matchThreshold: 0.8,
    maxLostSeconds: 1,
  },
  aggressive: {
    scoreThreshold: 0.3,
    lowScoreThreshold: 0.1,
    newTrackThreshold: 0.35,
    matchThreshold: 0.9,
    maxLostSeconds: 2,
  },
};

/**
 * Limits that ByteTrack fixes: IoU distance of low scores, fused distance of tentative tracks, and below which two
 * tracks are one.
 */
export const LOW_MATCH_THRESHOLD = 0.5;
export const TENTATIVE_MATCH_THRESHOLD = 0.7;
export const DUPLICATE_THRESHOLD = 0.15;

/**
 * How much wider than usual a low score's box is taken to spread around the truth; 1 in the original. Such faces are
 * half hidden or blurred; on MOT17-val MOTA is higher with 2, 3 and 4 than with 1 (.6625, .6617, .6625 and .6594),
 * and identities hold best at 2.
 */
export const LOW_SCORE_SPREAD = 2;

/**
 * After a gap, faces are farther from their predictions: the similarity (IoU · score) that a high-score pair needs is
 * divided by the steps of the gap to this power (boxes part in x and in y), that of a tentative track by the steps
 * alone. Low-score detections get no relaxation; in a crowd they usually belong to another track.
 */
export const GAP_EXPONENT = 1.5;

/**
 * A gap of more steps than this relaxes no further, so that some overlap is always needed, however large
 * `maxLostSeconds` is. Of real face tracks with every 8th to 28th frame, a bound of 30 steps leaves IDF1 as it is
 * without a bound (.1534 at every 28th); 20 and 10 give .1515 and .1483 there.
 */
export const MAX_GAP_STEPS = 30;

/**
 * A track found in the last update outlives this many intervals of the frame rate, also where `maxLostSeconds` is
 * shorter: half an interval for jitter.
 */
const MIN_GAP_INTERVALS = 1.5;

/**
 * Least size similarity (lesser over greater width × lesser over greater height) of pairs that match only because a gap
 * relaxed the threshold, or by their affinity. Boxes of one face are of one size; those of two people who stand behind
 * each other mostly are not. On MOT17-val every third frame gives IDF1 .625 without both rules and .662 with them, on
 * real face tracks .467 and .465.
 */
export const SIMILAR_SIZE = 0.7;

/**
 * Lowest affinity of a pair that matches without the overlap that it would need otherwise. For (1 + cosine) / 2 of face
 * embeddings strangers are at 0.5 and rarely above 0.6; 0.7 is a cosine of 0.4, where ArcFace and its relatives put the
 * border between two people and one.
 */
export const MIN_AFFINITY = 0.7;

/** The frames a second for which ByteTrack's noise is given: one step of the filter is 1/30 s. */
export const REFERENCE_RATE = 30;

/** Every option of `createTracker`; the type makes sure that none is missing. */
const NAMES = Object.keys({
  preset: 0,
  scoreThreshold: 0,
  lowScoreThreshold: 0,
  newTrackThreshold: 0,
  matchThreshold: 0,
  maxLostSeconds: 0,
  frameRate: 0,
  compat: 0,
  affinity: 0,
  minAffinity: 0,
} satisfies Record<keyof TrackerOptions, 0>);

/** What the original ByteTrack, supervision, trackers and ultralytics call these options. */
const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  track_thresh: 'scoreThreshold',
  track_high_thresh: 'scoreThreshold',
  track_activation_threshold: 'scoreThreshold',
  high_conf_det_threshold: 'scoreThreshold',
  track_low_thresh: 'lowScoreThreshold',
  new_track_thresh: 'newTrackThreshold',
  det_thresh: 'newTrackThreshold',
  match_thresh: 'matchThreshold',
  minimum_matching_threshold: 'matchThreshold',
  track_buffer: 'maxLostSeconds',
  lost_track_buffer: 'maxLostSeconds',
  buffer_size: 'maxLostSeconds',
};

/**
 * Checks the options and fills in the defaults; `undefined` means the default.
 *
 * @throws FaceDetError `INVALID_ARGUMENT`
 */
export function resolveOptions<D extends Detection>(options: TrackerOptions<D>) {
  checkNames(options);
  const { preset = 'balanced', frameRate = 30, compat = false, affinity, minAffinity = MIN_AFFINITY } = options;
  if (typeof preset !== 'string' || !Object.hasOwn(PRESETS, preset))
    throw invalid('conservative, balanced or aggressive for preset', preset, 'PRESETS has their numbers');
  const base = PRESETS[preset];
  const {
    scoreThreshold = base.scoreThreshold,
    matchThreshold = base.matchThreshold,
    maxLostSeconds = base.maxLostSeconds,
  } = options;
  if (typeof compat !== 'boolean') throw invalid('true or false for compat', compat, 'leave it out for false');
  within('scoreThreshold', scoreThreshold, 0, 1, 'scores lie in [0, 1]');
  if (compat && scoreThreshold === 1)
    throw invalid('a number in [0, 1) for scoreThreshold', 1, 'in compat only scores above it start tracks');

  // Defaults adapt to the thresholds that are given.
  const { lowScoreThreshold = Math.min(base.lowScoreThreshold, scoreThreshold) } = options;
  within(
    'lowScoreThreshold',
    lowScoreThreshold,
    0,
    scoreThreshold,
    `it must not be above scoreThreshold (${scoreThreshold})`,
  );
  // 0.6 - 0.5 is a little less than the original's 0.1, and compat compares scores with the exact sum.
  const margin = Math.round(100 * (base.newTrackThreshold - base.scoreThreshold)) / 100;
  const highest = compat ? 1 : (1 + scoreThreshold) / 2;
  const { newTrackThreshold = Math.min(scoreThreshold + margin, highest) } = options;
  const bound =
    newTrackThreshold > 1 ? 'no score is above 1' : `it must not be below scoreThreshold (${scoreThreshold})`;
  within('newTrackThreshold', newTrackThreshold, scoreThreshold, 1, bound);

  within('matchThreshold', matchThreshold, Number.MIN_VALUE, 1, 'it is compared with 1 − IoU · score');
  within('maxLostSeconds', maxLostSeconds, 0, Number.MAX_VALUE, '1 is the default', 'a number of seconds');
  within('frameRate', frameRate, Number.MIN_VALUE, Number.MAX_VALUE, 'give the updates per second');
  if (affinity !== undefined && typeof affinity !== 'function') {
    throw invalid(
      'a function for affinity',
      affinity,
      'it gets a track and a detection and returns a number in [0, 1]',
    );
  }
  within('minAffinity', minAffinity, 0, 1, `${MIN_AFFINITY} is the default`);
  if (options.minAffinity !== undefined && !affinity)
    throw invalid('affinity beside minAffinity', 'none', 'give both or neither', true);
  // With a slow frame rate, or no waiting at all, a track must still reach the next frame.
  const maxUnseenSeconds = Math.max(maxLostSeconds, MIN_GAP_INTERVALS / frameRate);
  return {
    scoreThreshold,
    lowScoreThreshold,
    newTrackThreshold,
    matchThreshold,
    maxLostSeconds,
    maxUnseenSeconds,
    frameRate,
    compat,
    affinity,
    minAffinity,
  };
}

/** Options with their defaults. */
export type Settings<D extends Detection> = ReturnType<typeof resolveOptions<D>>;

/** Those that don't depend on the kind of detection. */
export type Limits = Omit<Settings<Detection>, 'affinity'>;

/** Whether a score is of the high band; at the threshold itself it belongs to neither band of the original. */
export const isHigh = ({ compat, scoreThreshold }: Limits, score: number) =>
  compat ? score > scoreThreshold : score >= scoreThreshold;

/** Whether a score is of the low band. */
export const isLow = ({ compat, scoreThreshold, lowScoreThreshold }: Limits, score: number) =>
  score < scoreThreshold && (compat ? score > lowScoreThreshold : score >= lowScoreThreshold);

/** Refuses unknown names; those of other trackers with what they are called here. */
function checkNames(options: unknown): void {
  const what = 'the options of createTracker';
  const foreign = Object.keys(options ?? {}).find((name) => Object.hasOwn(FOREIGN_NAMES, name));
  if (foreign === undefined) return checkOptionNames(options, NAMES, '', what);
  const name = FOREIGN_NAMES[foreign]!;
  throw invalid(
    `a known name in ${what}`,
    foreign,
    `it is called ${name} here${name === 'maxLostSeconds' ? ', in seconds: frames / frame rate' : ''}`,
  );
}

function within(name: string, value: number, low: number, high: number, next: string, what = 'a number'): void {
  if (typeof value === 'number' && value >= low && value <= high) return;
  const range =
    low === Number.MIN_VALUE
      ? high === 1
        ? 'in (0, 1]'
        : 'above 0'
      : high === Number.MAX_VALUE
        ? `from ${low}`
        : `in [${low}, ${high}]`;
  throw invalid(`${what} ${range} for ${name}`, value, next);
}

/** The one form of this package's messages; `plain` leaves what was received without quotes. */
function invalid(expected: string, value: unknown, next: string, plain = false): FaceDetError {
  return new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected ${expected} but received ${plain ? String(value) : received(value)}; ${next}.`,
  );
}
