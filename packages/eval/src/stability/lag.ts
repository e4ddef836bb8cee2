/** Consecutive frames in which one track matches one ground-truth face. */
export interface TrackSegment {
  /** Seconds. */
  readonly times: Float64Array;
  /** Center of the track in pixels. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Center of the ground-truth face in pixels. */
  readonly trueX: Float64Array;
  readonly trueY: Float64Array;
}

/** How far boxes are behind the motion, in seconds; positive is behind. */
export interface Lag {
  /**
   * The shift with the largest cross-correlation of the track's and the face's velocity. Null where there is too little
   * or too uniform motion.
   */
  readonly lagSeconds: number | null;
  /** The correlation at this shift, in [−1, 1]. */
  readonly lagCorrelation: number | null;
  /**
   * The component of the position error along the velocity, divided by the velocity (least squares): works for uniform
   * motion too, but mistakes a constant offset for a lag.
   */
  readonly positionLagSeconds: number | null;
}

/** Longest lag that is searched for, in seconds. */
const MAX_LAG_SECONDS = 0.5;
/** The same in frames, half a second at 1,000 frames per second: bounds the search for timestamps in a wrong unit. */
const MAX_LAG_FRAMES = 500;
/** Minimum height of the correlation's peak over its values at the ends of the search. */
const MIN_PROMINENCE = 0.02;

/** The lag over several segments together. */
export function lagOf(segments: readonly TrackSegment[]): Lag {
  const intervals = segments
    .flatMap(({ times }) => Array.from(times.subarray(1), (time, k) => time - times[k]!))
    .sort((a, b) => a - b);
  const interval = intervals[intervals.length >> 1];
  if (interval === undefined) return { lagSeconds: null, lagCorrelation: null, positionLagSeconds: null };
  return { ...correlationLag(segments, interval), positionLagSeconds: positionLag(segments) };
}

/** @param interval the median time between frames, in seconds. */
function correlationLag(
  segments: readonly TrackSegment[],
  interval: number,
): Pick<Lag, 'lagSeconds' | 'lagCorrelation'> {
  const maxShift = Math.min(MAX_LAG_FRAMES, Math.max(1, Math.round(MAX_LAG_SECONDS / interval)));
  // Correlations are comparable only over the same frames of the track: those with `maxShift` frames on both sides.
  const velocities = segments.filter(({ times }) => times.length > 2 * maxShift + 2).map(velocitiesOf);
  if (velocities.length === 0) return { lagSeconds: null, lagCorrelation: null };
  const correlations = Array.from({ length: 2 * maxShift + 1 }, (_, k) =>
    correlationAt(velocities, k - maxShift, maxShift),
  );
  const peak = correlations.indexOf(Math.max(...correlations));
  const isInside = peak > 0 && peak < 2 * maxShift;
  if (!isInside || correlations[peak]! - Math.max(correlations[0]!, correlations[2 * maxShift]!) < MIN_PROMINENCE)
    return { lagSeconds: null, lagCorrelation: null };
  // A parabola through the peak and its neighbors locates it to a fraction of a frame.
  const [before, top, after] = [correlations[peak - 1]!, correlations[peak]!, correlations[peak + 1]!];
  const curvature = before - 2 * top + after;
  const fraction = curvature < 0 ? (before - after) / (2 * curvature) : 0;
  return { lagSeconds: (peak - maxShift + fraction) * interval, lagCorrelation: top };
}

type Velocities = ReturnType<typeof velocitiesOf>;

/** Normalized correlation of the track's velocity and the face's velocity `shift` frames earlier. */
function correlationAt(velocities: readonly Velocities[], shift: number, margin: number): number {
  let product = 0;
  let trackEnergy = 0;
  let trueEnergy = 0;
  for (const { vx, vy, trueVx, trueVy } of velocities) {
    for (let k = margin; k + margin < vx.length; k++) {
      const tx = trueVx[k - shift]!;
      const ty = trueVy[k - shift]!;
      product += vx[k]! * tx + vy[k]! * ty;
      trackEnergy += vx[k]! ** 2 + vy[k]! ** 2;
      trueEnergy += tx ** 2 + ty ** 2;
    }
  }
  return product / Math.sqrt(trackEnergy * trueEnergy || 1);
}

function velocitiesOf({ times, x, y, trueX, trueY }: TrackSegment) {
  const slope = (values: Float64Array): Float64Array =>
    Float64Array.from(
      { length: times.length - 1 },
      (_, k) => (values[k + 1]! - values[k]!) / (times[k + 1]! - times[k]!),
    );
  return { vx: slope(x), vy: slope(y), trueVx: slope(trueX), trueVy: slope(trueY) };
}

function positionLag(segments: readonly TrackSegment[]): number | null {
  let along = 0;
  let squares = 0;
  for (const { times, x, y, trueX, trueY } of segments) {
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
