import type { Face, Rotate, Rotation } from '@facedet/core';

/** State of the choice of orientations, as plain data. */
export interface OrientationSnapshot {
  /** When the detector was last asked to find the orientation itself, in seconds; null before the first time. */
  readonly probed: number | null;
  readonly verdicts: readonly Verdict[];
}

/** State of a shot's orientation after a frame. */
interface Verdict {
  readonly index: number;
  readonly rotation: Rotation;
  /** Start of the shot, in seconds; null for the first one. */
  readonly since: number | null;
  /** When a sure face confirmed the rotation, in seconds; null: not in this shot. */
  readonly sureAt: number | null;
  /** When `retry` last had all orientations tried and no sure face was found, in seconds; null: never in this shot. */
  readonly failedAt: number | null;
}

/** Decides in which orientation the detector runs on each key frame. */
export interface Orientation {
  /** Asked once for each key frame, in order, up to `lag` frames ahead of the results. */
  choose(frame: { index: number; timestamp: number }): Rotate;
  /**
   * Asked for each key frame in order, when all frames before it were tracked: another orientation in which the
   * detector should run on it, or null. `rotate` is what `choose` said, which knew nothing of the last `lag` frames;
   * `isCut` returns whether the frame starts a shot.
   */
  retry(
    frame: { index: number; timestamp: number },
    rotate: Rotate,
    faces: readonly Face[],
    isCut: () => boolean,
  ): Rotate | null;
  /** The rotation for crops of the frame that is tracked next. */
  readonly current: Rotate;
  /** The state that `choose` changed last, to keep beside its frame. */
  capture(): number | null;
  /** Called after each frame with what the detector found in it (null where it did not run). */
  after(frame: { index: number; timestamp: number }, faces: readonly Face[] | null, cut: boolean): void;
  snapshot(probed: number | null): OrientationSnapshot;
  restore(snapshot: OrientationSnapshot): void;
}

/** A face of this score confirms the orientation in which it was found. */
const SURE_SCORE = 0.6;
/** A face of this score is read the right way up: one that is read the wrong way seldom has it (core's `'auto'`). */
const UPRIGHT_SCORE = 0.82;
/** Seconds without a sure face after which the detector is asked to find the orientation. */
const DOUBT_SECONDS = 1;
/** Seconds between two such requests. */
const PROBE_SECONDS = 2;
/** Seconds after which the detector searches all orientations for confirmed faces that disappeared. */
const RETRY_SECONDS = 0.5;
/** Seconds after which an orientation other than upright is checked again. */
const RECHECK_SECONDS = 5;

/**
 * A video keeps its orientation for a shot: the detector finds it in the shot's first frames (`rotate: 'auto'`, which
 * takes no longer than the upright run where that shows a sure face), and is then asked for that one alone. The
 * detector finds it again where no sure face is found, and every few seconds in a shot that is not upright. What is
 * decided for a frame depends on the results up to `lag` frames before, so that a run is repeatable.
 *
 * The frames on their way when the orientation changes were decided for too early. The detector runs on them again
 * (`retry`): without that, the faces of the first `2 · lag` frames of a shot that is turned otherwise would be missed.
 */
export function createOrientation(rotate: Rotate, lag: number): Orientation {
  let probed: number | null = null;
  let verdicts: readonly Verdict[] = [];
  /** Index of the frame for which `retry` last had all orientations tried. */
  let retried = -1;

  if (rotate !== 'auto') {
    return {
      choose: () => rotate,
      retry: () => null,
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
      const latest = verdicts.findLast((verdict) => verdict.index <= index - lag);
      if (latest && !isDue(latest, timestamp)) return latest.rotation;
      probed = timestamp;
      return 'auto';
    },
    retry({ index, timestamp }, chosen, faces, isCut) {
      const last = verdicts.at(-1);
      if (chosen === 'auto' || !last) return null;
      const best = faces.reduce((most, { score }) => Math.max(most, score), 0);
      if (best >= UPRIGHT_SCORE) return null;
      const { sureAt, failedAt } = last;
      // Sure faces that are gone all at once: the camera was turned, or a cut was not noticed.
      const isGone =
        best < SURE_SCORE &&
        sureAt !== null &&
        (failedAt === null || (timestamp - failedAt >= RETRY_SECONDS && timestamp - sureAt <= DOUBT_SECONDS));
      if (isCut() || (isGone && last.rotation === chosen)) {
        retried = index;
        return 'auto';
      }
      return last.rotation === chosen ? null : last.rotation;
    },
    get current() {
      return verdicts.at(-1)?.rotation ?? 0;
    },
    capture: () => probed,
    after({ index, timestamp }, faces, cut) {
      const last = verdicts.at(-1);
      const before: Verdict = { index, rotation: 0, since: null, sureAt: null, failedAt: null, ...last };
      const rotation = faces ? rotationOf(faces) : null;
      const found: Verdict = {
        ...before,
        ...(cut ? { since: timestamp, sureAt: null, failedAt: null } : {}),
        ...(retried === index && rotation === null ? { failedAt: timestamp } : {}),
      };
      // After skipped frames only, nothing is known yet.
      if (!last && !faces && !cut) return;
      const next: Verdict =
        rotation === null ? { ...found, index } : { ...found, index, rotation, sureAt: cut ? null : timestamp };
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
  for (const { score, rotation = 0 } of faces)
    if (score >= SURE_SCORE) strength.set(rotation, (strength.get(rotation) ?? 0) + score ** 3);
  let best: Rotation | null = null;
  for (const [rotation, sum] of strength) if (best === null || sum > strength.get(best)!) best = rotation;
  return best;
}

/** Whether faces are better read in `others` than in `faces`: one sure face counts for more than many doubtful ones. */
export function isReadBetter(others: readonly Face[], faces: readonly Face[]): boolean {
  const strength = (list: readonly Face[]) => list.reduce((sum, { score }) => sum + score ** 3, 0);
  return strength(others) > strength(faces);
}

/** Whether a value is a snapshot of `createOrientation`. */
export function isOrientationSnapshot(
  value: Partial<OrientationSnapshot> | null | undefined,
): value is OrientationSnapshot {
  const isTime = (time: unknown) => time === null || Number.isFinite(time);
  return (
    isTime(value?.probed) &&
    Array.isArray(value?.verdicts) &&
    value.verdicts.every(
      (verdict) =>
        Number.isInteger(verdict?.index) &&
        Number.isInteger(verdict.rotation) &&
        isTime(verdict.since) &&
        isTime(verdict.sureAt) &&
        isTime(verdict.failedAt),
    )
  );
}
