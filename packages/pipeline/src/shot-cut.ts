import { differenceOf, lightChange, type Difference, type LightChange } from './shot-difference.ts';
import { dissolveLogit, KEPT_SECONDS, NO_DISSOLVE, SPACING, type PastPicture } from './shot-dissolve.ts';
import type { Thumbnail } from './shot-thumbnail.ts';

/** State of the test for shot cuts after a frame. Immutable: each frame creates a new one. */
export interface ShotState {
  /** Whether a shot ended right before this frame, or within a dissolve around it. */
  readonly cut: boolean;
  /**
   * Whether the frame may be the first of another shot, too uncertain to report a cut. Tracks end there too: the same
   * person with a second ID is a smaller error than two persons with one.
   */
  readonly suspected: boolean;
  /** The last picture that showed something; null before the first. */
  readonly last: Thumbnail | null;
  /** Time of the last frame, and of the last that was not a copy of the one before. */
  readonly time: number;
  readonly changed: number;
  /** Mean seconds from one changed frame to the next. */
  readonly interval: number;
  /** Running mean and decaying maximum of the structural difference between neighbors. */
  readonly usual: number;
  readonly peak: number;
  /** Like `usual`, but 0 at the start of a shot: motion seen, not assumed. */
  readonly motion: number;
  /** Pictures of the current shot, oldest first. */
  readonly past: readonly PastPicture[];
  /** Running mean of the logits for a dissolve. */
  readonly evidence: number;
  /** Since when pictures have been blank, faded or overexposed; null where the last one was not. */
  readonly heldSince: number | null;
  /** Until when no cut, and until when no dissolve is reported. */
  readonly cutFrom: number;
  readonly dissolveFrom: number;
}

/** Result of the test for one frame. */
export type ShotVerdict = Pick<ShotState, 'cut' | 'suspected'>;

/** Features of a frame and the one before, in the order of the weights. */
export type CutFeatures = readonly [
  /** Share of the structure that motion does not explain. */
  structure: number,
  /** 1 where only the light changed. */
  likeness: number,
  usual: number,
  peak: number,
  /** Motion × the logarithm of how many usual intervals the last changed picture is away. */
  gap: number,
  /** Likeness beyond that of any two pictures. */
  relit: number,
];

// Logistic regression, fitted on films of another set than those reported (docs/video.md).
const BIAS = 4.2;
const WEIGHTS: CutFeatures = [26.4, -9.39, -21.2, -41.5, -66.2, -41.5];

/** Logit from which tracks end without a cut being reported. */
const SUSPECTED = -2;

/** Expectations at the start of a shot. */
const START = { usual: 0.08, peak: 0.1, motion: 0, past: [], evidence: NO_DISSOLVE } as const;
const INITIAL: ShotState = {
  cut: false,
  suspected: false,
  last: null,
  time: 0,
  changed: 0,
  interval: 0.04,
  ...START,
  heldSince: null,
  cutFrom: -Infinity,
  dissolveFrom: -Infinity,
};

/** Below this change without motion a picture is a copy of the last one. */
const COPY = 0.004;
/** Luma deviation, of 255, and share of cells that are not plain, below which a picture is blank. */
const BLANK = { deviation: 3, texture: 0.08 };
/** Share of the last picture's texture below which a picture is taken for part of a fade, and for how many seconds. */
const FADED = { share: 0.35, seconds: 0.4 };
/**
 * A flash brightens everything, and the brightest cells burn out first unless all is white: rise of the overexposed
 * share with which it begins, lasts, and is white; of the changed cells the share that may be darker.
 */
const FLASH = { begins: 0.25, lasts: 0.08, white: 0.8, brightFirst: 25, mixed: 0.15 };
/** For how long an overexposed picture is taken for a flash, seconds. */
const FLASH_SECONDS = 0.14;
/** Longest time, in seconds, after which a picture that returns is not a cut. */
const RETURN_SECONDS = 0.6;
/** Seconds without another cut after one: what is left of a whip pan. */
const SHORTEST_SHOT = 0.18;
/** Seconds without a dissolve after a cut, and after a dissolve, whose second half would be found again. */
const REST_AFTER_CUT = 0.6;
const REST_AFTER_DISSOLVE = 1.6;
/** Mean logit from which a dissolve is reported. */
const EVIDENCE = 0.6;
/** Time constants of the running means, seconds. */
const USUAL_SECONDS = 0.25;
const PEAK_SECONDS = 0.4;
const EVIDENCE_SECONDS = 0.14;

/** Before the first frame. */
export function initialShotState(): ShotState {
  return INITIAL;
}

/**
 * The state after a frame; its `cut` is true if a shot ended. A hard cut is reported at the first frame of the new
 * shot, one through black or white at the first frame that shows something else than before, a dissolve once within it.
 * A picture counts as another shot if much of its structure is neither where it was nor moved, far more than usual in
 * this shot, unless only the light changed.
 */
export function nextShotState(state: ShotState, now: Thumbnail, timestamp: number): ShotState {
  const { last } = state;
  // Nothing can go on from a film's black beginning.
  if (!last || isBlank(last))
    return { ...INITIAL, last: now, time: timestamp, changed: timestamp, past: [pastOf(now, timestamp)] };
  const step = Math.max(1e-3, timestamp - state.time);
  const light = lightChange(now, last);
  if (isHeld(state, now, light, timestamp))
    return { ...state, cut: false, suspected: false, time: timestamp, heldSince: state.heldSince ?? timestamp };
  const difference = differenceOf(now, last);
  if (difference.still < COPY)
    return { ...state, cut: false, suspected: false, last: now, time: timestamp, heldSince: null };

  // After a flash or a fade the last picture is old, but nothing has moved on since that one could have seen.
  const gap = state.heldSince === null ? Math.max(1e-3, timestamp - state.changed) : state.interval;
  const compared = {
    suspected: false,
    last: now,
    time: timestamp,
    changed: timestamp,
    interval: state.interval + 0.2 * (Math.min(gap, 0.5) - state.interval),
    heldSince: null,
  };
  const features = cutFeatures(state, difference, light, gap);
  const logit = timestamp >= state.cutFrom ? cutLogit(features) : -Infinity;
  const isOther = logit > SUSPECTED && !hasReturned(now, timestamp, state.past, difference);
  if (isOther && logit > 0) {
    return {
      ...state,
      ...START,
      ...compared,
      cut: true,
      past: [pastOf(now, timestamp)],
      cutFrom: timestamp + SHORTEST_SHOT,
      dissolveFrom: Math.max(state.dissolveFrom, timestamp + REST_AFTER_CUT),
    };
  }
  const level = Math.min(0.3, difference.structure);
  const usual = approach(state.usual, level, step, USUAL_SECONDS);
  const motion = approach(state.motion, level, step, USUAL_SECONDS);
  const peak = Math.max(level, state.peak * Math.exp(-step / PEAK_SECONDS));
  const evidence = approach(
    state.evidence,
    Math.min(6, dissolveLogit(now, timestamp, state.past, usual)),
    step,
    EVIDENCE_SECONDS,
  );
  if (evidence > EVIDENCE && timestamp >= state.dissolveFrom) {
    return {
      ...state,
      ...compared,
      cut: true,
      usual,
      motion,
      peak,
      past: [],
      evidence: NO_DISSOLVE,
      dissolveFrom: timestamp + REST_AFTER_DISSOLVE,
    };
  }
  const past = keep(state.past, now, timestamp);
  return { ...state, ...compared, cut: false, suspected: isOther, usual, motion, peak, evidence, past };
}

/**
 * Whether a picture shows too little to be compared: blank, a step of a fade, or a flash. The last picture stays what
 * the next is compared with.
 */
function isHeld({ last, heldSince }: ShotState, now: Thumbnail, light: LightChange, timestamp: number): boolean {
  const seconds = heldSince === null ? 0 : timestamp - heldSince;
  if (isBlank(now)) return true;
  if (now.texture < FADED.share * last!.texture && seconds <= FADED.seconds) return true;
  if (light.mixed > FLASH.mixed || light.overexposed < (heldSince === null ? FLASH.begins : FLASH.lasts)) return false;
  return (light.brightFirst > FLASH.brightFirst || light.overexposed > FLASH.white) && seconds <= FLASH_SECONDS;
}

/** Whether a picture shows nothing. */
export function isBlank({ deviation, texture }: Thumbnail): boolean {
  return deviation < BLANK.deviation || texture < BLANK.texture;
}

function cutFeatures(state: ShotState, { structure }: Difference, { likeness }: LightChange, gap: number): CutFeatures {
  const away = Math.min(2, Math.max(0, Math.log(gap / state.interval)));
  return [structure, likeness, state.usual, state.peak, state.motion * away, Math.max(0, likeness - 0.85)];
}

function cutLogit(features: CutFeatures): number {
  return features.reduce<number>((sum, value, k) => sum + value * WEIGHTS[k]!, BIAS);
}

/**
 * Whether the picture is that of some moments ago again: what was between was a flash, or something close to the
 * camera.
 */
function hasReturned(
  now: Thumbnail,
  timestamp: number,
  past: readonly PastPicture[],
  { structure }: Difference,
): boolean {
  return past.some((picture) => {
    if (timestamp - picture.timestamp > RETURN_SECONDS) return false;
    const back = differenceOf(now, picture);
    return back.structure < Math.min(0.2, 0.5 * structure) && back.unmatched < 0.2;
  });
}

const pastOf = ({ structure, luma }: Thumbnail, timestamp: number): PastPicture => ({ timestamp, structure, luma });

function keep(past: readonly PastPicture[], now: Thumbnail, timestamp: number): readonly PastPicture[] {
  const newest = past.at(-1);
  if (newest && timestamp - newest.timestamp < SPACING) return past;
  return [...past.filter((picture) => timestamp - picture.timestamp < KEPT_SECONDS), pastOf(now, timestamp)];
}

const approach = (value: number, target: number, step: number, seconds: number) =>
  value + (1 - Math.exp(-step / seconds)) * (target - value);
