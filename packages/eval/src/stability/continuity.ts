/** When a track, or a face with a track on it, is present between its first and its last frame. */
export interface Presence {
  /** How often it is interrupted and comes back. */
  gaps: number;
  /** From its first frame to its last. */
  readonly seconds: number;
  /** How often it appears or disappears. */
  switches: number;
}

/** The presence of a track with boxes in these frames. */
export function presenceOf(frames: Int32Array, times: Float64Array): Presence {
  let gaps = 0;
  for (let k = 1; k < frames.length; k++) if (frames[k]! > frames[k - 1]! + 1) gaps++;
  return { gaps, seconds: times.at(-1)! - times[0]!, switches: 2 * gaps };
}

/** Fragmentation and flicker over all tracks or faces. */
export function continuityOf(presences: readonly Presence[]) {
  const sum = (name: keyof Presence): number => presences.reduce((total, presence) => total + presence[name], 0);
  const seconds = sum('seconds');
  return { fragmentations: sum('gaps'), flickerPerSecond: seconds > 0 ? sum('switches') / seconds : null };
}
