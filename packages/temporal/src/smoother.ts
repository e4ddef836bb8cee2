import { FaceDetError } from './errors.ts';
import type { Point, Smoother, SmoothInput } from './types.ts';

/** Options of `createSmoother`. */
export interface SmootherOptions {
  /** Weight of a new box while the face stands still, in (0, 1], at 30 frames a second. Default .3. */
  minAlpha?: number;
  /** Weight of a new box while the face moves fast. Default .9. */
  maxAlpha?: number;
  /** Distance from the smoothed box, in face sizes, from which on a motion is fast. Default .15. */
  fastMotion?: number;
  /** Weight of a new score at 30 frames a second, in (0, 1]. Default .3. */
  scoreAlpha?: number;
  /** A face that was away for longer begins anew, seconds. Default .5. */
  maxGapSeconds?: number;
}

/** One identity's smoothed state: x, y, width, height, then landmarks' x and y. */
interface Smoothed {
  readonly id: number;
  readonly time: number;
  readonly score: number;
  readonly values: readonly number[];
}

/** The rate that the weights are given for. */
const REFERENCE_RATE = 30;

/** Of the distance below `fastMotion`, this part counts as noise of the detector: the face stands still. */
const STILL = 0.15;

/**
 * Adaptive exponential moving average: the weight of a new box grows from `minAlpha` to `maxAlpha` with its distance from the smoothed one in
 * face sizes (√(width · height)), and with the time that passed: over n reference steps it is 1 − (1 − α)ⁿ.
 * Throws `INVALID_ARGUMENT` for options out of range.
 */
export function createSmoother(options: SmootherOptions = {}): Smoother {
  const { minAlpha = 0.3, maxAlpha = 0.9, fastMotion = 0.15, scoreAlpha = 0.3, maxGapSeconds = 0.5 } = options;
  for (const [name, value] of Object.entries({ minAlpha, maxAlpha, scoreAlpha })) {
    if (!(value > 0 && value <= 1)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a number in (0, 1] for ${name} but received ${String(value)}.`);
  }
  if (!(fastMotion > 0)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a positive number of face sizes for fastMotion but received ${String(fastMotion)}.`);
  if (!(maxGapSeconds >= 0)) throw new FaceDetError('INVALID_ARGUMENT', `Expected seconds of at least 0 for maxGapSeconds but received ${String(maxGapSeconds)}.`);
  let states = new Map<number, Smoothed>();
  let time: number | null = null;

  function next(face: SmoothInput, timestamp: number): Smoothed {
    const { x, y, width, height } = face.box;
    const values = [x, y, width, height, ...(face.landmarks ?? []).flatMap((p) => [p.x, p.y])];
    const old = states.get(face.id);
    if (!old || timestamp - old.time > maxGapSeconds) return { id: face.id, time: timestamp, score: face.score, values };
    const [ox, oy, ow, oh] = old.values as [number, number, number, number];
    const size = Math.sqrt(Math.max(ow * oh, 1e-9));
    const distance = Math.max(Math.hypot(x + width / 2 - ox - ow / 2, y + height / 2 - oy - oh / 2), Math.abs(width - ow), Math.abs(height - oh)) / size;
    const fast = Math.min(Math.max((distance / fastMotion - STILL) / (1 - STILL), 0), 1);
    const steps = Math.max((timestamp - old.time) * REFERENCE_RATE, 0);
    const over = (alpha: number) => 1 - (1 - alpha) ** steps;
    const alpha = over(minAlpha + (maxAlpha - minAlpha) * fast);
    return { id: face.id, time: timestamp, score: old.score + (face.score - old.score) * over(scoreAlpha), values: values.map((v, i) => (i < old.values.length ? old.values[i]! + (v - old.values[i]!) * alpha : v)) };
  }

  return {
    smooth<T extends SmoothInput>(faces: readonly T[], timestamp: number): T[] {
      if (time !== null && !(timestamp >= time)) throw new FaceDetError('TIME_NOT_RISING', `Expected a timestamp of at least ${time} s but received ${String(timestamp)}; reset() before another video.`);
      time = timestamp;
      const result = faces.map((face) => {
        const state = next(face, timestamp);
        states.set(face.id, state);
        return withValues(face, state);
      });
      if (states.size > 2 * faces.length + 16) states = new Map([...states].filter(([, s]) => timestamp - s.time <= maxGapSeconds));
      return result;
    },
    reset(id) {
      if (id !== undefined) {
        states.delete(id);
        return;
      }
      states.clear();
      time = null;
    },
    snapshot: () => ({ version: 1, time, faces: [...states.values()] }),
    restore(snapshot) {
      if (snapshot?.version !== 1 || !Array.isArray(snapshot.faces)) throw new FaceDetError('INVALID_SNAPSHOT', `Expected what snapshot() gave but received ${JSON.stringify(snapshot)?.slice(0, 80)}.`);
      time = snapshot.time;
      states = new Map((snapshot.faces as Smoothed[]).map((s) => [s.id, s]));
    },
  };
}

function withValues<T extends SmoothInput>(face: T, { values, score }: Smoothed): T {
  const [x, y, width, height, ...rest] = values as [number, number, number, number, ...number[]];
  const landmarks = face.landmarks?.map((_, i): Point => ({ x: rest[2 * i]!, y: rest[2 * i + 1]! }));
  return { ...face, box: { x, y, width, height }, score, ...(landmarks ? { landmarks } : {}) };
}
