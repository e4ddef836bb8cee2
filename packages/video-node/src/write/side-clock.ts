/** How far one stream beside the pictures has come. */
export interface Position {
  /** Output seconds at which the stream's last packet ends; undefined before the first. */
  end?: number;
  /** Index of the origin in use. */
  origin: number;
  /** Origin of this stream alone, where its clock jumped and that of the pictures did not. */
  own?: number | undefined;
}

/** Moves sound and subtitles with the pictures' clock. Times are seconds. */
export interface SideClock {
  /** From output time `at` on, source time `origin` is second 0 of the output: the pictures' clock jumped. */
  jump(at: number, origin: number): void;
  /**
   * The output time of a packet at `seconds` of the source's clock (null where it has none). Undefined: its clock
   * jumped, and whether that of the pictures does too is known when they have come further than `reached`.
   */
  place(position: Position, seconds: number | null, reached: number, sparse: boolean): number | undefined;
}

// Sound before its last packet's end by more than this is no overlap but a jump of the clock.
const OVERLAP = 0.5;
// A silence longer than this is a jump where a clock may jump at all.
const SILENCE = 10;
// Pictures that are ahead by this much without a jump of their own show that sound jumped alone.
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
      // Rounding and single frames out of order move no sound.
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
