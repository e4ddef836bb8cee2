/** Converts a source's times, whatever they are, into strictly increasing seconds from its first frame. */
export interface Clock {
  /** The time on the source's clock that is currently timestamp 0, in seconds; undefined while no time is known. */
  readonly origin: number | undefined;
  /**
   * The timestamp of the next frame. `seconds` is its time on the source's clock, null if it has none; `frameTime` is
   * the duration of a frame in seconds.
   */
  stamp(seconds: number | null, frameTime: number): number;
  /** Maps the source's next time to `timestamp`: after a seek or a reconnection. */
  restart(timestamp: number): void;
}

/** How a clock treats jumps. */
export interface ClockOptions {
  /** Whether the source's clock may jump ahead (MPEG-TS, cameras); otherwise a long gap is a long frame. */
  readonly discontinuous?: boolean;
  /** Wall-clock time in seconds, for live sources: a gap as long as the time that passed is not a jump. */
  readonly now?: () => number;
}

// Frames out of order are late by up to three frame times or 0.1 s; a clock that jumps back by more has started over.
const LEAST_BACK_JUMP = 0.1;
// FFmpeg's own limit for a discontinuity.
const FORWARD_JUMP = 10;
const LEAST_STEP = 0.001;

export function createClock({ discontinuous = false, now }: ClockOptions = {}): Clock {
  let origin: number | undefined;
  let former: { readonly origin: number; readonly until: number } | undefined;
  let next: number | undefined;
  let last = -1;
  let seen = 0;
  let crowded = false;

  /** Seconds from the last timestamp to this frame; sets a new origin if the clock jumped. */
  function stepTo(seconds: number, frameTime: number): number {
    const step = seconds - origin! - last;
    // One frame with a wrong time is not a jump: the next one fits the former origin again.
    if (former && last <= former.until && step > 2 * frameTime) {
      const back = seconds - former.origin - last;
      if (back > 0 && back <= 2 * frameTime) {
        origin = former.origin;
        former = undefined;
        return back;
      }
    }
    const passed = now ? Math.max(0, now() - seen) : 0;
    const ahead = discontinuous && step > frameTime + FORWARD_JUMP && Math.abs(step - passed) > FORWARD_JUMP / 2;
    if (!ahead && step >= -Math.max(LEAST_BACK_JUMP, 3 * frameTime)) return step;
    const following = Math.max(frameTime, passed > FORWARD_JUMP / 2 ? passed : 0);
    former = { origin: origin!, until: last + 1 };
    origin = seconds - last - following;
    return following;
  }

  return {
    get origin() {
      return origin;
    },
    stamp(seconds, frameTime) {
      const following = last < 0 ? 0 : last + frameTime;
      let time = next ?? following;
      if (seconds !== null) {
        if (origin === undefined) origin = seconds - time;
        else stepTo(seconds, frameTime);
        // Digits below a nanosecond are floating-point noise.
        time = Math.round((seconds - origin) * 1e9) / 1e9;
      }
      next = undefined;
      seen = now?.() ?? 0;
      // Late frames and those after them are half a frame time apart until the clock catches up: 1 ms apart, the
      // velocities of tracks would explode.
      const least = last + Math.max(LEAST_STEP, frameTime / 2);
      // Also if the source itself states such times, or if a known time follows a guessed one: a thousandth of a frame
      // time does not count as later.
      if (time <= last || time < last + Math.min(LEAST_STEP, frameTime / 2)) crowded = true;
      else if (time >= least) crowded = false;
      last = last >= 0 && crowded ? least : time;
      return last;
    },
    restart(timestamp) {
      origin = undefined;
      former = undefined;
      crowded = false;
      next = timestamp;
    },
  };
}
