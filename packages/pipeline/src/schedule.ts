import type { ImageSource } from '@facedet/core';
import type { Track } from '@facedet/tracker';
import { initialShotState, isBlank, nextShotState, type ShotState } from './shot-cut.ts';
import { differenceOf } from './shot-difference.ts';
import { bytesOf, restoreShots, snapshotShots, textOf, type ShotSnapshot } from './shot-snapshot.ts';
import { CELLS, COLUMNS, ROWS, thumbnailOfCells, thumbnailOfSource, type Thumbnail } from './shot-thumbnail.ts';

/** What the choice of key frames remembers; plain data. */
export interface ScheduleSnapshot {
  /** Index of the last key frame, or null before the first. */
  readonly last: number | null;
  /** The wish after each of the latest results: frames until the next look. */
  readonly wishes: readonly (readonly [index: number, wish: number])[];
  /** Cell means of the last key frame in base64, or null. */
  readonly thumbnail: string | null;
  /** The memory of the test for shot cuts, where the schedule makes it. */
  readonly shots: ShotSnapshot | null;
}

/** What a choice changes. */
export interface ScheduleState {
  readonly last: number | null;
  readonly thumbnail: Thumbnail | null;
  /** The test for shot cuts after this frame; null where the schedule does not make it. */
  readonly shots: ShotState | null;
}

/** Chooses the frames that the detector looks at whole. */
export interface Schedule {
  /**
   * Asked once for each frame, in order, `lag` frames at most ahead of the results. With `'auto'`, a picture that
   * cannot be scaled is a key frame.
   */
  isKey(frame: ImageSource & { index: number; timestamp: number }): Promise<boolean> | boolean;
  /** Told after each frame's result; null where its look failed. */
  after(index: number, tracks: readonly Track[] | null): void;
  /** The state right after the last `isKey`, to keep beside its frame. */
  capture(): ScheduleState;
  /** Plain data of a captured state and the wishes so far. */
  snapshot(state: ScheduleState): ScheduleSnapshot;
  restore(snapshot: ScheduleSnapshot): void;
}

/**
 * Frames from one look to the next where all is sure, and where nobody is there: an empty scene is asked now and then
 * who came.
 */
const LONGEST = 10;
const EMPTY = 5;
/** Share of the structure since the last look that is neither where it was nor moved: another shot, or near it. */
const CHANGED = 0.3;
/** Mean change, of 255, along the borders since the last look. */
const BORDER_CHANGED = 10;

/**
 * Every n-th frame; or, with `'auto'`, as soon as tracks are unsure (a prediction that was off, a low score, an
 * identity that was just found or lost), a shot ends, or something moves at the picture's borders, where new faces come
 * from; at most ten frames are predicted in a row. What is decided for a frame rests on the results up to `lag` frames
 * before, however fast they come: a run is repeatable.
 *
 * With `shotCuts`, every frame is tested for a shot cut unless all of them are key frames anyway, and a frame that
 * starts a shot, or may, is a key frame.
 */
export function createSchedule(every: number | 'auto', lag: number, shotCuts = true): Schedule {
  const tested = shotCuts && every !== 1;
  let last: number | null = null;
  let wishes: [number, number][] = [];
  let thumbnail: Thumbnail | null = null;
  let shots = tested ? initialShotState() : null;

  /** The frame's thumbnail, once the test for shot cuts has seen it; null for a picture that cannot be scaled. */
  async function look(frame: ImageSource & { timestamp: number }): Promise<Thumbnail | null> {
    let now: Thumbnail | null = null;
    try {
      now = await thumbnailOfSource(frame);
    } catch {
      // The detector meets the same picture: what it throws is reported.
    }
    if (shots) shots = now ? nextShotState(shots, now, frame.timestamp) : { ...shots, cut: false, suspected: false };
    return now;
  }

  const mayStartShot = () => shots !== null && (shots.cut || shots.suspected);

  /** Whether `'auto'` wants to see a frame. */
  function isWanted(index: number, now: Thumbnail): boolean {
    if (last === null || !thumbnail || mayStartShot()) return true;
    const wish = wishes.findLast(([of]) => of <= index - lag)?.[1] ?? 1;
    if (index - last >= Math.min(wish, LONGEST)) return true;
    return (
      borderMotion(thumbnail.rgb, now.rgb) > BORDER_CHANGED ||
      (!isBlank(thumbnail) && differenceOf(now, thumbnail).structure > CHANGED)
    );
  }

  return {
    isKey(frame) {
      const { index } = frame;
      // By the frame's own index: a run that goes on in the middle looks at the same frames.
      if (every !== 'auto' && !tested) return index % every === 0;
      return look(frame).then((now) => {
        if (every !== 'auto') return index % every === 0 || mayStartShot();
        if (now && !isWanted(index, now)) return false;
        last = index;
        if (now) thumbnail = now;
        return true;
      });
    },
    after(index, tracks) {
      if (every !== 'auto') return;
      wishes.push([index, tracks ? wishOf(tracks) : 1]);
      if (wishes.length > lag + 2) wishes = wishes.slice(-lag - 2);
    },
    capture: () => ({ last, thumbnail, shots }),
    snapshot: (state) => ({
      last: state.last,
      wishes: [...wishes],
      thumbnail: state.thumbnail && textOf(state.thumbnail.rgb),
      shots: state.shots && snapshotShots(state.shots),
    }),
    restore(snapshot) {
      last = snapshot.last ?? null;
      wishes = snapshot.wishes.map(([index, wish]) => [index, wish]);
      thumbnail = snapshot.thumbnail === null ? null : thumbnailOfCells(bytesOf(snapshot.thumbnail, 3 * CELLS));
      if (tested) shots = snapshot.shots ? restoreShots(snapshot.shots) : initialShotState();
    },
  };
}

/** Frames until the next look, by the least sure identity. */
function wishOf(tracks: readonly Track[]): number {
  let wish = tracks.length ? LONGEST : EMPTY;
  for (const { state, innovation, score, hits } of tracks) {
    if (state === 'tentative' || hits < 3) return 1;
    if (state === 'lost') wish = Math.min(wish, 2);
    wish = Math.min(wish, innovation > 0.12 ? 1 : innovation > 0.06 ? 2 : innovation > 0.03 ? 4 : LONGEST);
    if (score < 0.5) wish = Math.min(wish, 2);
  }
  return wish;
}

/** Mean change (0–255) in the outer eighth of a thumbnail since another, both packed RGB. */
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
