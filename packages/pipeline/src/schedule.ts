import { isRasterSource, resizeBilinear, type ImageSource, type PixelBuffer } from '@facedet/core';
import type { Track } from '@facedet/tracker';
import { signatureDistance, signatureOf, type Signature } from './shot-cut.ts';

/** What `'auto'` remembers; plain data. */
export interface ScheduleSnapshot {
  /** Index of the last key frame, or null before the first. */
  readonly last: number | null;
  /** The wish after each of the latest results: frames until the next look. */
  readonly wishes: readonly (readonly [index: number, wish: number])[];
  readonly thumbnail: readonly number[] | null;
  readonly signature: Signature | null;
}

/** What a choice changes. */
export interface ScheduleState {
  readonly last: number | null;
  readonly thumbnail: PixelBuffer | null;
  readonly signature: Signature | null;
}

/** Chooses the frames that the detector looks at whole. */
export interface Schedule {
  /**
   * Asked once for each frame, in order, `lag` frames at most ahead of the results. A picture that cannot be scaled is
   * a key frame.
   */
  isKey(frame: ImageSource & { index: number }): Promise<boolean> | boolean;
  /** Told after each frame's result; null where its look failed. */
  after(index: number, tracks: readonly Track[] | null): void;
  /** The state right after the last `isKey`, to keep beside its frame. */
  capture(): ScheduleState;
  /** Plain data of a captured state and the wishes so far. */
  snapshot(state: ScheduleState): ScheduleSnapshot;
  restore(snapshot: ScheduleSnapshot): void;
}

const THUMBNAIL = { width: 64, height: 36 };
/**
 * Frames from one look to the next where all is sure, and where nobody is there: an empty scene is asked now and then
 * who came.
 */
const LONGEST = 10;
const EMPTY = 5;
/** Share of a thumbnail whose colour class changed since the last look: another shot, or near it. */
const CHANGED = 0.35;
/** Mean change, of 255, along the borders since the last look. */
const BORDER_CHANGED = 10;

/**
 * Every n-th frame; or, with `'auto'`, as soon as tracks are unsure (a prediction that was off, a low score, an
 * identity that was just found or lost), a shot ends, or something moves at the picture's borders, where new faces come
 * from; at most ten frames are predicted in a row. What is decided for a frame rests on the results up to `lag` frames
 * before, however fast they come: a run is repeatable.
 */
export function createSchedule(every: number | 'auto', lag: number): Schedule {
  let last: number | null = null;
  let wishes: [number, number][] = [];
  let thumbnail: PixelBuffer | null = null;
  let signature: Signature | null = null;

  if (every !== 'auto') {
    return {
      isKey(frame) {
        // By the frame's own index: a run that goes on in the middle looks at the same frames.
        return frame.index % every === 0;
      },
      after() {},
      capture: () => ({ last: null, thumbnail: null, signature: null }),
      snapshot: () => ({ last: null, wishes: [], thumbnail: null, signature: null }),
      restore() {},
    };
  }
  return {
    async isKey(frame) {
      let now: PixelBuffer;
      try {
        now = await thumbnailOf(frame);
      } catch {
        // The look meets the same picture: what it throws, the caller hears of.
        last = frame.index;
        return true;
      }
      const colours = signatureOf(now);
      const wish = wishes.findLast(([index]) => index <= frame.index - lag)?.[1] ?? 1;
      const key =
        last === null ||
        frame.index - last >= Math.min(wish, LONGEST) ||
        !thumbnail ||
        signatureDistance(signature!, colours) > CHANGED ||
        borderMotion(thumbnail, now) > BORDER_CHANGED;
      if (!key) return false;
      last = frame.index;
      thumbnail = now;
      signature = colours;
      return true;
    },
    after(index, tracks) {
      wishes.push([index, tracks ? wishOf(tracks) : 1]);
      if (wishes.length > lag + 2) wishes = wishes.slice(-lag - 2);
    },
    capture: () => ({ last, thumbnail, signature }),
    snapshot: (state) => ({
      last: state.last,
      wishes: [...wishes],
      thumbnail: state.thumbnail && Array.from(state.thumbnail.data),
      signature: state.signature,
    }),
    restore(snapshot) {
      last = snapshot.last ?? null;
      wishes = snapshot.wishes.map(([index, wish]) => [index, wish]);
      thumbnail = snapshot.thumbnail && { ...THUMBNAIL, format: 'rgb', data: Uint8Array.from(snapshot.thumbnail) };
      signature = snapshot.signature;
    },
  };
}

/** A small copy of a picture, packed RGB whatever format its source has. */
async function thumbnailOf(image: ImageSource): Promise<PixelBuffer> {
  const { width, height } = THUMBNAIL;
  return resizeBilinear(isRasterSource(image) ? await image.rasterize(width, height) : image, width, height);
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
function borderMotion(a: PixelBuffer, b: PixelBuffer): number {
  const { width, height } = THUMBNAIL;
  const [mx, my] = [width >> 3, height >> 3];
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x >= mx && x < width - mx && y >= my && y < height - my) continue;
      const at = 3 * (y * width + x);
      for (let c = at; c < at + 3; c++) sum += Math.abs(a.data[c]! - b.data[c]!);
      count += 3;
    }
  }
  return sum / count;
}
