/** Turns a source's times into seconds from its first frame that strictly rise, whatever the source says. */
export interface Clock {
  /** Seconds on the source's clock that are second 0 of the timestamps now; undefined while no time is known. */
  readonly origin: number | undefined;
  /**
   * The time of the next frame. `seconds` is the source's own clock, null where it has none; `frameTime` what a frame
   * lasts, in seconds.
   */
  stamp(seconds: number | null, frameTime: number): number;
  /** Makes the source's next time mean `timestamp`: after a seek, or a stream that came back. */
  restart(timestamp: number): void;
}

/** How a clock treats jumps. */
export interface ClockOptions {
  /**
   * Whether the source's clock may jump ahead (MPEG-TS, cameras): without it a long gap is a picture shown for long.
   */
  readonly discontinuous?: boolean;
  /** Seconds of wall-clock time, for live sources: a gap as long as the time that passed is no jump. */
  readonly now?: () => number;
}

// Frames out of order are up to three frame times, at least 0.1 s, late; a clock that jumps back by more began anew.
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

  /** Seconds after the last timestamp at which a frame is shown; begins a new origin where the clock jumped. */
  function stepTo(seconds: number, frameTime: number): number {
    const step = seconds - origin! - last;
    // One frame with a wrong time is no jump: the next one fits the former origin again.
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
        // Differences of floating-point seconds are noise below the nanosecond.
        time = Math.round((seconds - origin) * 1e9) / 1e9;
      }
      next = undefined;
      seen = now?.() ?? 0;
      // Late frames and those after them are half a frame time apart until the clock is caught up with: at 1 ms apart
      // the velocities of tracks would explode.
      const least = last + Math.max(LEAST_STEP, frameTime / 2);
      // Also where a source says so, or where a guessed time is followed by one that is known: a thousandth of a frame
      // time later is no later.
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
