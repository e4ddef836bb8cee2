/** The current position of one audio or subtitle stream. */
export interface Position {
  /** Output time at which the stream's last packet ends, in seconds; undefined before the first. */
  end?: number;
  /** Index of the current origin. */
  origin: number;
  /** Origin of this stream only, if its clock jumped and that of the pictures did not. */
  own?: number | undefined;
}

/** Maps audio and subtitle times to the output, following jumps of the pictures' clock. Times are seconds. */
export interface SideClock {
  /** The pictures' clock jumped: after output time `at`, source time `origin` is second 0 of the output. */
  jump(at: number, origin: number): void;
  /**
   * The output time of a packet at `seconds` on the source's clock (null if it has no time). `reached` is the output
   * time of the pictures so far. Undefined if the packet's clock jumped and the pictures have not reached the point
   * that shows whether their clock jumped too. `sparse` marks subtitles, whose gaps are not jumps.
   */
  place(position: Position, seconds: number | null, reached: number, sparse: boolean): number | undefined;
}

// Audio that starts this long before the end of its last packet is a clock jump and not an overlap.
const OVERLAP = 0.5;
// A longer silence is a jump, if the clock can jump at all.
const SILENCE = 10;
// If the pictures get this far ahead without a jump, only the audio's clock jumped.
const ALONE = 2;

export function createSideClock(startTime: number, discontinuous: boolean): SideClock {
  const origins = [{ at: -Infinity, origin: startTime }];
  let furthest = 0;

  function placeText(position: Position, seconds: number, reached: number): number | undefined {
    const after = position.end ?? -Infinity;
    for (let i = Math.max(position.origin, 0); i < origins.length; i++) {
      const out = seconds - origins[i]!.origin;
      const last = i === origins.length - 1;
      if (out < after - OVERLAP || out < origins[i]!.at - 1 || (!last && out > origins[i + 1]!.at + 1)) continue;
      if (i < furthest && !last && seconds - origins[furthest]!.origin >= origins[furthest]!.at - 1) continue;
      position.origin = i;
      return out;
    }
    return reached === Infinity || reached > after + ALONE
      ? Math.max(after, seconds - origins.at(-1)!.origin)
      : undefined;
  }

  return {
    jump(at, origin) {
      // Rounding and single frames out of order do not move the audio.
      if (Math.abs(origin - origins.at(-1)!.origin) > 0.002) origins.push({ at, origin });
    },
    place(position, seconds, reached, sparse) {
      if (seconds === null) return position.end ?? 0;
      if (sparse) return placeText(position, seconds, reached);
      const current = position.own ?? origins[position.origin]!.origin;
      const out = seconds - current;
      if (position.end === undefined) {
        position.origin = furthest;
        return seconds - origins[furthest]!.origin;
      }
      const off = Math.abs(out - position.end);
      let best: number | undefined;
      let least = off - 0.25;
      for (let i = position.origin + 1; i < origins.length; i++) {
        const distance = Math.abs(seconds - origins[i]!.origin - position.end);
        if (distance < least && distance < SILENCE) [best, least] = [i, distance];
      }
      if (best !== undefined) {
        position.origin = best;
        position.own = undefined;
        furthest = Math.max(furthest, best);
        return seconds - origins[best]!.origin;
      }
      if (out >= position.end - OVERLAP && (!discontinuous || out - position.end <= SILENCE)) return out;
      if (reached < position.end + ALONE) return undefined;
      position.own = seconds - position.end;
      return position.end;
    },
  };
}
