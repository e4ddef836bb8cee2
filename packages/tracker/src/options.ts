import { FaceDetError } from '@facedet/checks';
import type { Detection, Preset, TrackerOptions } from './types.ts';

type Numbers = 'scoreThreshold' | 'lowScoreThreshold' | 'newTrackThreshold' | 'matchThreshold' | 'maxLostSeconds';

/** The numbers behind each preset. `balanced` is ByteTrack's (ECCV 2022) with .5 for .6 as the high score, as face detectors are calibrated. */
export const PRESETS: Readonly<Record<Preset, Readonly<Record<Numbers, number>>>> = {
  conservative: { scoreThreshold: 0.65, lowScoreThreshold: 0.2, newTrackThreshold: 0.75, matchThreshold: 0.7, maxLostSeconds: 0.5 },
  balanced: { scoreThreshold: 0.5, lowScoreThreshold: 0.1, newTrackThreshold: 0.6, matchThreshold: 0.8, maxLostSeconds: 1 },
  aggressive: { scoreThreshold: 0.3, lowScoreThreshold: 0.1, newTrackThreshold: 0.35, matchThreshold: 0.9, maxLostSeconds: 2 },
};

/** Limits that ByteTrack fixes: IoU distance of low scores, fused distance of tentative tracks, and below which two tracks are one. */
export const LOW_MATCH_THRESHOLD = 0.5;
export const TENTATIVE_MATCH_THRESHOLD = 0.7;
export const DUPLICATE_THRESHOLD = 0.15;

/**
 * How much wider than usual a low score's box is taken to spread around the truth; 1 in the original. Such faces are half hidden or blurred; on MOT17-val
 * MOTA is higher with 2, 3 and 4 than with 1 (.6625, .6617, .6625 and .6594), and identities hold best at 2.
 */
export const LOW_SCORE_SPREAD = 2;

/**
 * The longer nobody looked, the farther faces are from where they were expected: the similarity (IoU · score) asked of a high score is divided by the steps of the gap to
 * this power (boxes part in x and in y), of a tentative track's by the steps alone. Low scores are not helped so: in a crowd they would be somebody else's.
 */
export const GAP_EXPONENT = 1.5;

/**
 * A gap of more steps than this relaxes no further, so that some overlap is always needed, however large `maxLostSeconds` is. Of real face tracks with every
 * 8th to 28th frame, a bound of 30 steps leaves IDF1 as it is without a bound (.1534 at every 28th); 20 and 10 give .1515 and .1483 there.
 */
export const MAX_GAP_STEPS = 30;

/** A track found in the last update outlives this many intervals of the frame rate, also where `maxLostSeconds` is shorter: half an interval for jitter. */
const MIN_GAP_INTERVALS = 1.5;

/**
 * Narrower over wider times lower over higher: a pair must have at least this whose overlap would not do without a gap. Boxes that overlap little by motion alone are of one size; those of two who
 * stand behind each other mostly aren't. On MOT17-val every third frame gives IDF1 .625 without both rules and .662 with them, on real face tracks .467 and .465.
 */
export const SIMILAR_SIZE = 0.7;

/** The frames a second for which ByteTrack's noise is given: one step of the filter is 1/30 s. */
export const REFERENCE_RATE = 30;

/** Checks the options and fills in the defaults. */
export function resolveOptions<D extends Detection>(options: TrackerOptions<D>) {
  const { preset = 'balanced', frameRate = 30, compat = false, affinity } = options;
  if (!Object.hasOwn(PRESETS, preset)) {
    throw new FaceDetError('INVALID_ARGUMENT', `Expected one of ${Object.keys(PRESETS).join(', ')} for preset but received ${String(preset)}`);
  }
  const base = PRESETS[preset];
  const { scoreThreshold = base.scoreThreshold, matchThreshold = base.matchThreshold, maxLostSeconds = base.maxLostSeconds } = options;
  // A bound that wasn't given gives way to one that was.
  const lowScoreThreshold = options.lowScoreThreshold ?? Math.min(base.lowScoreThreshold, scoreThreshold);
  // 0.6 - 0.5 is a little less than the original's 0.1, and compat compares scores with the exact sum.
  const margin = Math.round(100 * (base.newTrackThreshold - base.scoreThreshold)) / 100;
  const newTrackThreshold = options.newTrackThreshold ?? scoreThreshold + margin;
  within('scoreThreshold', scoreThreshold, 0, 1);
  within('lowScoreThreshold', lowScoreThreshold, 0, scoreThreshold);
  within('newTrackThreshold', newTrackThreshold, scoreThreshold, 2);
  within('matchThreshold', matchThreshold, Number.MIN_VALUE, 1);
  within('maxLostSeconds', maxLostSeconds, 0, Number.MAX_VALUE);
  within('frameRate', frameRate, Number.MIN_VALUE, Number.MAX_VALUE);
  if (affinity !== undefined && typeof affinity !== 'function') throw new FaceDetError('INVALID_ARGUMENT', `Expected a function for affinity but received ${typeof affinity}`);
  return { scoreThreshold, lowScoreThreshold, newTrackThreshold, matchThreshold, maxLostSeconds, maxUnseenSeconds: Math.max(maxLostSeconds, MIN_GAP_INTERVALS / frameRate), frameRate, compat, affinity };
}

function within(name: string, value: number, low: number, high: number): void {
  if (typeof value === 'number' && value >= low && value <= high) return;
  const range = low === Number.MIN_VALUE ? (high === 1 ? 'in (0, 1]' : 'above 0') : high === Number.MAX_VALUE ? `from ${low}` : `in [${low}, ${high}]`;
  throw new FaceDetError('INVALID_ARGUMENT', `Expected a number ${range} for ${name} but received ${value} of type ${typeof value}`);
}
