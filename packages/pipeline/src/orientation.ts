import type { Face, Rotate, Rotation } from '@facedet/core';

/** What the decision about orientations remembers; plain data. */
export interface OrientationSnapshot {
  /** When the detector was last asked to find the orientation itself, in seconds; null before the first time. */
  readonly probed: number | null;
  readonly verdicts: readonly Verdict[];
}

/** What is known of a shot's orientation after a frame. */
interface Verdict {
  readonly index: number;
  readonly rotation: Rotation;
  /** Start of the shot, in seconds; null for the first one. */
  readonly since: number | null;
  /** When a sure face confirmed the rotation, in seconds; null: not in this shot. */
  readonly sureAt: number | null;
}

/** Decides in which orientation the detector runs on each key frame. */
export interface Orientation {
  /** Asked once for each key frame, in order, up to `lag` frames ahead of the results. */
  choose(frame: { index: number; timestamp: number }): Rotate;
  /** The rotation for crops of the frame that is next to be followed. */
  readonly current: Rotate;
  /** What `choose` changed last, to keep beside its frame. */
  capture(): number | null;
  /** Told after each frame: what the detector found in it (null where it did not run), and whether a shot cut is before it. */
  after(frame: { index: number; timestamp: number }, faces: readonly Face[] | null, cut: boolean): void;
  snapshot(probed: number | null): OrientationSnapshot;
  restore(snapshot: OrientationSnapshot): void;
}

/** A face of this score confirms the orientation in which it was found. */
const SURE_SCORE = 0.6;
/** Seconds without a sure face after which the detector is asked to find the orientation, and between two such requests. */
const DOUBT_SECONDS = 1;
const PROBE_SECONDS = 2;
/** Seconds after which an orientation other than upright is checked again. */
const RECHECK_SECONDS = 5;

/**
 * A video keeps its orientation for a shot: the detector finds it in the shot's first frames (`rotate: 'auto'`, which takes no longer than the
 * upright run where that shows a sure face), and is then asked for that one alone. It finds it anew where no sure face is found, and now and then
 * in a turned shot. What is decided for a frame rests on the results up to `lag` frames before: a run is repeatable.
 */
export function createOrientation(rotate: Rotate, lag: number): Orientation {
  let probed: number | null = null;
  let verdicts: readonly Verdict[] = [];

  if (rotate !== 'auto') {
    return {
      choose: () => rotate,
      current: rotate,
      capture: () => null,
      after() {},
      snapshot: () => ({ probed: null, verdicts: [] }),
      restore() {},
    };
  }

  function isDue({ rotation, since, sureAt }: Verdict, now: number): boolean {
    if (probed === null || (since !== null && probed < since)) return true;
    if (sureAt === null || now - sureAt > DOUBT_SECONDS) return now - probed >= PROBE_SECONDS;
    return rotation !== 0 && now - probed >= RECHECK_SECONDS;
  }

  return {
    choose({ index, timestamp }) {
      const known = verdicts.findLast((verdict) => verdict.index <= index - lag);
      if (known && !isDue(known, timestamp)) return known.rotation;
      probed = timestamp;
      return 'auto';
    },
    get current() {
      return verdicts.at(-1)?.rotation ?? 0;
    },
    capture: () => probed,
    after({ index, timestamp }, faces, cut) {
      const last = verdicts.at(-1);
      const before: Verdict = { index, rotation: 0, since: null, sureAt: null, ...last };
      const found = cut ? { ...before, since: timestamp, sureAt: null } : before;
      const rotation = faces ? rotationOf(faces) : null;
      // Who has seen only skipped frames knows nothing yet.
      if (!last && !faces && !cut) return;
      const next: Verdict = rotation === null ? { ...found, index } : { ...found, index, rotation, sureAt: cut ? null : timestamp };
      verdicts = [...verdicts.slice(-lag - 1), next];
    },
    snapshot: (captured) => ({ probed: captured, verdicts }),
    restore(snapshot) {
      probed = snapshot.probed;
      verdicts = snapshot.verdicts.map((verdict) => ({ ...verdict }));
    },
  };
}

/** The rotation in which the sure faces were found, those with higher scores counting for more; null without any. */
function rotationOf(faces: readonly Face[]): Rotation | null {
  const strength = new Map<Rotation, number>();
  for (const { score, rotation = 0 } of faces) if (score >= SURE_SCORE) strength.set(rotation, (strength.get(rotation) ?? 0) + score ** 3);
  let best: Rotation | null = null;
  for (const [rotation, sum] of strength) if (best === null || sum > strength.get(best)!) best = rotation;
  return best;
}

/** Whether a value is a snapshot of `createOrientation`. */
export function isOrientationSnapshot(value: Partial<OrientationSnapshot> | null | undefined): value is OrientationSnapshot {
  const isTime = (time: unknown) => time === null || Number.isFinite(time);
  return (
    isTime(value?.probed) &&
    Array.isArray(value?.verdicts) &&
    value.verdicts.every((verdict) => Number.isInteger(verdict?.index) && Number.isInteger(verdict.rotation) && isTime(verdict.since) && isTime(verdict.sureAt))
  );
}
