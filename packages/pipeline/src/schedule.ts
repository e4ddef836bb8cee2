import type { ImageSource } from '@facedet/core';
import type { Track } from '@facedet/tracker';
import { initialShotState, isBlank, nextShotState, type ShotState } from './shot-cut.ts';
import { differenceOf } from './shot-difference.ts';
import { bytesOf, restoreShots, snapshotShots, textOf, type ShotSnapshot } from './shot-snapshot.ts';
import { CELLS, COLUMNS, ROWS, thumbnailOfCells, thumbnailOfSource, type Thumbnail } from './shot-thumbnail.ts';

/** State of the choice of key frames, as plain data. */
export interface ScheduleSnapshot {
  /** Index of the last key frame, or null before the first. */
  readonly last: number | null;
  /** Frames until the next key frame, as requested after each of the latest results. */
  readonly intervals: readonly (readonly [index: number, interval: number])[];
  /** Cell means of the last key frame in base64, or null. */
  readonly thumbnail: string | null;
  /** State of the test for shot cuts, if the schedule runs it. */
  readonly shots: ShotSnapshot | null;
}

/** The state that a choice changes. */
export interface ScheduleState {
  readonly last: number | null;
  readonly thumbnail: Thumbnail | null;
  /** State of the test for shot cuts after this frame; null if the schedule does not run it. */
  readonly shots: ShotState | null;
}

/** Chooses the key frames: those on which the detector runs on the whole picture. */
export interface Schedule {
  /**
   * Asked once for each frame, in order, `lag` frames at most ahead of the results. With `'auto'`, a picture that
   * cannot be scaled is a key frame.
   */
  isKey(frame: ImageSource & { index: number; timestamp: number }): Promise<boolean> | boolean;
  /** Called after each frame's result, with null if its detection failed. */
  after(index: number, tracks: readonly Track[] | null): void;
  /** The state right after the last `isKey`, to keep beside its frame. */
  capture(): ScheduleState;
  /** Plain data of a captured state and the intervals so far. */
  snapshot(state: ScheduleState): ScheduleSnapshot;
  restore(snapshot: ScheduleSnapshot): void;
}

/** Frames between two key frames if all tracks are certain, and if the scene is empty, where new faces may appear. */
const MAX_INTERVAL = 10;
const EMPTY_SCENE_INTERVAL = 5;
/** Share of the structure that changed since the last key frame other than by motion: another shot, or nearly so. */
const CHANGED = 0.3;
/** Mean change (0–255) along the borders since the last key frame. */
const BORDER_CHANGED = 10;

/**
 * Every n-th frame is a key frame. With `'auto'`, key frames come sooner if tracks are uncertain (a wrong prediction, a
 * low score, a track just started or lost), a shot ends, or something moves at the picture's borders, where new faces
 * appear; otherwise at every tenth frame, or every fifth of an empty scene. The decision for a frame depends on results
 * at least `lag` frames before it, regardless of speed, so that runs are repeatable.
 *
 * With `shotCuts`, every frame is tested for a shot cut, unless all frames are key frames anyway. A frame that starts a
 * shot, or may start one, is a key frame.
 */
export function createSchedule(every: number | 'auto', lag: number, shotCuts = true): Schedule {
  const tested = shotCuts && every !== 1;
  let last: number | null = null;
  let intervals: [number, number][] = [];
  let thumbnail: Thumbnail | null = null;
  let shots = tested ? initialShotState() : null;

  /** Tests a frame for a shot cut and returns its thumbnail; null for a picture that cannot be scaled. */
  async function testForCut(frame: ImageSource & { timestamp: number }): Promise<Thumbnail | null> {
    let now: Thumbnail | null = null;
    try {
      now = await thumbnailOfSource(frame);
    } catch {
      // The detector gets the same picture, and its error is reported.
    }
    if (shots) shots = now ? nextShotState(shots, now, frame.timestamp) : { ...shots, cut: false, suspected: false };
    return now;
  }

  const mayStartShot = () => shots !== null && (shots.cut || shots.suspected);

  /** Whether `'auto'` makes a frame a key frame. */
  function isKeyNeeded(index: number, now: Thumbnail): boolean {
    if (last === null || !thumbnail || mayStartShot()) return true;
    const interval = intervals.findLast(([of]) => of <= index - lag)?.[1] ?? 1;
    if (index - last >= Math.min(interval, MAX_INTERVAL)) return true;
    return (
      borderMotion(thumbnail.rgb, now.rgb) > BORDER_CHANGED ||
      (!isBlank(thumbnail) && differenceOf(now, thumbnail).structure > CHANGED)
    );
  }

  return {
    isKey(frame) {
      const { index } = frame;
      // By the frame's own index, so that a resumed run has the same key frames.
      if (every !== 'auto' && !tested) return index % every === 0;
      return testForCut(frame).then((now) => {
        if (every !== 'auto') return index % every === 0 || mayStartShot();
        if (now && !isKeyNeeded(index, now)) return false;
        last = index;
        if (now) thumbnail = now;
        return true;
      });
    },
    after(index, tracks) {
      if (every !== 'auto') return;
      intervals.push([index, tracks ? nextInterval(tracks) : 1]);
      if (intervals.length > lag + 2) intervals = intervals.slice(-lag - 2);
    },
    capture: () => ({ last, thumbnail, shots }),
    snapshot: (state) => ({
      last: state.last,
      intervals: [...intervals],
      thumbnail: state.thumbnail && textOf(state.thumbnail.rgb),
      shots: state.shots && snapshotShots(state.shots),
    }),
    restore(snapshot) {
      last = snapshot.last ?? null;
      intervals = snapshot.intervals.map(([index, interval]) => [index, interval]);
      thumbnail = snapshot.thumbnail === null ? null : thumbnailOfCells(bytesOf(snapshot.thumbnail, 3 * CELLS));
      if (tested) shots = snapshot.shots ? restoreShots(snapshot.shots) : initialShotState();
    },
  };
}

/** Frames until the next key frame, by the least certain track. */
function nextInterval(tracks: readonly Track[]): number {
  let interval = tracks.length ? MAX_INTERVAL : EMPTY_SCENE_INTERVAL;
  for (const { state, innovation, score, hits } of tracks) {
    if (state === 'tentative' || hits < 3) return 1;
    if (state === 'lost') interval = Math.min(interval, 2);
    interval = Math.min(interval, innovation > 0.12 ? 1 : innovation > 0.06 ? 2 : innovation > 0.03 ? 4 : MAX_INTERVAL);
    if (score < 0.5) interval = Math.min(interval, 2);
  }
  return interval;
}

/** Mean difference (0–255) of two thumbnails in their outer eighth, both packed RGB. */
function borderMotion(a: Uint8Array, b: Uint8Array): number {
  const [mx, my] = [COLUMNS >> 3, ROWS >> 3];
  let sum = 0;
  let count = 0;
  for (let y = 0; y < ROWS; y++) {
    for (let x = 0; x < COLUMNS; x++) {
      if (x >= mx && x < COLUMNS - mx && y >= my && y < ROWS - my) continue;
      const at = 3 * (y * COLUMNS + x);
      for (let c = at; c < at + 3; c++) sum += Math.abs(a[c]! - b[c]!);
      count += 3;
    }
  }
  return sum / count;
}
