/** Decoding times for pictures that are stored out of display order. */
export interface DecodeTimes {
  /** Announces the time and duration of the next picture in display order. */
  shown(pts: bigint, duration: bigint): void;
  /** The decoding time of the next packet in storage order. */
  next(): bigint;
}

/**
 * Gives packet n the time of the picture shown `delay` pictures before the n-th. `delay` is the maximum number of
 * pictures by which one is stored early, so decoding times increase and never exceed the picture's own time. x265
 * computes the same times, but reads uninitialized memory if a video is shorter than the delay.
 */
export function createDecodeTimes(delay: number): DecodeTimes {
  const times: bigint[] = [];
  let packets = 0;
  return {
    shown(pts, duration) {
      if (times.length === 0 && packets === 0) {
        const step = duration > 0n ? duration : 1n;
        for (let i = delay; i > 0; i--) times.push(pts - BigInt(i) * step);
      }
      times.push(pts);
    },
    next() {
      packets++;
      return times.shift()!;
    },
  };
}
