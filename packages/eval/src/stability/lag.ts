/** A stretch of frames in which one track follows one true face, every frame seen. */
export interface Follow {
  readonly times: Float64Array;
  /** Centre of the track in pixels. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Centre of the true face in pixels. */
  readonly trueX: Float64Array;
  readonly trueY: Float64Array;
}

/** How far boxes come behind the motion, in seconds; positive is behind. */
export interface Lag {
  /**
   * Where the cross-correlation of the track's and the face's velocity is largest. Null where the motion is too uniform
   * to tell, or there is none.
   */
  readonly lagSeconds: number | null;
  /** The correlation there, in [−1, 1]. */
  readonly lagCorrelation: number | null;
  /**
   * The part of the position's error that lies along the velocity, divided by the velocity (least squares): also tells
   * with uniform motion, but takes a constant offset for a lag.
   */
  readonly trailSeconds: number | null;
}

/** Longest lag that is searched for, in seconds. */
const longest = 0.5;
/**
 * The same in frames, half a second at 1,000 frames per second: of times in a wrong unit the search must not take for
 * ever.
 */
const longestFrames = 500;
/** A peak must stand out by so much over the correlation at the ends of the search. */
const distinct = 0.02;

/** The lag of several stretches together. */
export function lagOf(stretches: readonly Follow[]): Lag {
  const steps = stretches
    .flatMap(({ times }) => Array.from(times.subarray(1), (time, k) => time - times[k]!))
    .sort((a, b) => a - b);
  const step = steps[steps.length >> 1];
  if (step === undefined) return { lagSeconds: null, lagCorrelation: null, trailSeconds: null };
  return { ...correlationLag(stretches, step), trailSeconds: trail(stretches) };
}

function correlationLag(stretches: readonly Follow[], step: number): Pick<Lag, 'lagSeconds' | 'lagCorrelation'> {
  const reach = Math.min(longestFrames, Math.max(1, Math.round(longest / step)));
  // Every shift sees the same frames of the track, so that correlations compare: those with room on both sides.
  const moves = stretches.filter(({ times }) => times.length > 2 * reach + 2).map(velocities);
  if (moves.length === 0) return { lagSeconds: null, lagCorrelation: null };
  const at = (shift: number): number => {
    let product = 0;
    let own = 0;
    let real = 0;
    for (const { vx, vy, trueVx, trueVy } of moves) {
      for (let k = reach; k + reach < vx.length; k++) {
        const tx = trueVx[k - shift]!;
        const ty = trueVy[k - shift]!;
        product += vx[k]! * tx + vy[k]! * ty;
        own += vx[k]! ** 2 + vy[k]! ** 2;
        real += tx ** 2 + ty ** 2;
      }
    }
    return product / Math.sqrt(own * real || 1);
  };
  const correlations = Array.from({ length: 2 * reach + 1 }, (_, k) => at(k - reach));
  const peak = correlations.indexOf(Math.max(...correlations));
  const isInside = peak > 0 && peak < 2 * reach;
  if (!isInside || correlations[peak]! - Math.max(correlations[0]!, correlations[2 * reach]!) < distinct)
    return { lagSeconds: null, lagCorrelation: null };
  // A parabola through the peak and its neighbours places it more finely than a frame.
  const [before, top, after] = [correlations[peak - 1]!, correlations[peak]!, correlations[peak + 1]!];
  const bend = before - 2 * top + after;
  const fine = bend < 0 ? (before - after) / (2 * bend) : 0;
  return { lagSeconds: (peak - reach + fine) * step, lagCorrelation: top };
}

function velocities({ times, x, y, trueX, trueY }: Follow) {
  const slope = (values: Float64Array): Float64Array =>
    Float64Array.from(
      { length: times.length - 1 },
      (_, k) => (values[k + 1]! - values[k]!) / (times[k + 1]! - times[k]!),
    );
  return { vx: slope(x), vy: slope(y), trueVx: slope(trueX), trueVy: slope(trueY) };
}

function trail(stretches: readonly Follow[]): number | null {
  let along = 0;
  let squares = 0;
  for (const { times, x, y, trueX, trueY } of stretches) {
    for (let k = 1; k + 1 < times.length; k++) {
      const span = times[k + 1]! - times[k - 1]!;
      const vx = (trueX[k + 1]! - trueX[k - 1]!) / span;
      const vy = (trueY[k + 1]! - trueY[k - 1]!) / span;
      along += (trueX[k]! - x[k]!) * vx + (trueY[k]! - y[k]!) * vy;
      squares += vx * vx + vy * vy;
    }
  }
  return squares > 0 ? along / squares : null;
}
