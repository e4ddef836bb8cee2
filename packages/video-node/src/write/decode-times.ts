/** Decoding times of pictures that are stored out of order. */
export interface DecodeTimes {
  /** Tells the time and duration of a picture, in the order they are shown. */
  shown(pts: bigint, duration: bigint): void;
  /** The decoding time of the next packet, in the order they are stored. */
  next(): bigint;
}

/**
 * Gives packet n the time of the picture shown `delay` pictures before the n-th, `delay` being the most that a picture
 * is stored ahead: decoding times then rise and none is later than its picture. x265 gives such times too, but reads
 * memory that it never wrote where a film is shorter than the delay.
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
