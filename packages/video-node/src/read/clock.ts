/** Turns a source's times into seconds from its first frame that strictly rise, whatever the source says. */
export interface Clock {
  /** The time of the next frame. `seconds` is the source's own clock, null where it has none; `frameTime` what a frame lasts. */
  stamp(seconds: number | null, frameTime: number): number;
  /** Makes the source's next time mean `timestamp`: after a seek, or a stream that came back. */
  restart(timestamp: number): void;
}

// A clock that jumps back by more began anew (files put together, a stream restarted); by less, frames are out of order.
const BACK_JUMP = 1;
const LEAST_STEP = 0.001;

export function createClock(): Clock {
  let origin: number | undefined;
  let next: number | undefined;
  let last = -1;
  return {
    stamp(seconds, frameTime) {
      const following = last < 0 ? 0 : last + frameTime;
      let time = following;
      if (seconds !== null) {
        if (origin === undefined || seconds - origin < last - BACK_JUMP) origin = seconds - (next ?? following);
        // Differences of floating-point seconds are noise below the nanosecond.
        time = Math.round((seconds - origin) * 1e9) / 1e9;
      }
      next = undefined;
      last = time > last ? time : last + LEAST_STEP;
      return last;
    },
    restart(timestamp) {
      origin = undefined;
      next = timestamp;
    },
  };
}
