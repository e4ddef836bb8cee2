/**
 * The Kalman filter of ByteTrack (as in DeepSORT, Wojke et al. 2017) over center x and y, aspect ratio (width / height)
 * and height of a box, and the velocity of each.
 *
 * Each quantity depends on its own velocity alone and all noise is diagonal, so the 8 × 8 covariance always consists of
 * four 2 × 2 blocks. Three numbers are kept of each: variance, covariance with the velocity, variance of the velocity.
 */
export interface KalmanStates {
  /** By slot: 8 numbers, four positions and four velocities. */
  readonly mean: Float64Array;
  /** By slot: 12 numbers, three for each of the four quantities. */
  readonly covariance: Float64Array;
}

/** A measured box. */
export type Measurement = readonly [centerX: number, centerY: number, aspectRatio: number, height: number];

/** Numbers per slot. */
export const MEAN = 8;
export const COVARIANCE = 12;

/** Filter steps per second for which ByteTrack's noise is given: one step is 1/30 s. */
export const STEPS_PER_SECOND = 30;

// Standard deviations of positions and velocities, as fractions of the height.
const POSITION_WEIGHT = 1 / 20;
const VELOCITY_WEIGHT = 1 / 160;
/** The one quantity whose noise does not scale with the height. */
const ASPECT = 2;
const ASPECT_STD = 1e-2;
const ASPECT_VELOCITY_STD = 1e-5;
const ASPECT_MEASUREMENT_STD = 1e-1;

/** What the filter measures of a box. */
export function measurementOf(box: { x: number; y: number; width: number; height: number }): Measurement {
  const { x, y, width, height } = box;
  return [x + width / 2, y + height / 2, width / height, height];
}

/** Starts a state at a measurement, without motion. */
export function initiate({ mean, covariance }: KalmanStates, slot: number, measured: Measurement): void {
  const height = measured[3];
  const m = slot * MEAN;
  for (let q = 0; q < 4; q++) mean[m + q] = measured[q]!;
  mean.fill(0, m + 4, m + 8);
  for (let q = 0; q < 4; q++) {
    const p = slot * COVARIANCE + q * 3;
    covariance[p] = (q === ASPECT ? ASPECT_STD : 2 * POSITION_WEIGHT * height) ** 2;
    covariance[p + 1] = 0;
    covariance[p + 2] = (q === ASPECT ? ASPECT_VELOCITY_STD : 10 * VELOCITY_WEIGHT * height) ** 2;
  }
}

/**
 * Moves a state `steps` steps forward, a real number from 0.
 *
 * The covariance is that of as many single steps, Σ FᵏQFᵏᵀ for k < `steps`, in closed form. The polynomials hold
 * between whole numbers too, so a gap gives the same result however it is divided (with Q of the height at its start).
 */
export function predict({ mean, covariance }: KalmanStates, slot: number, steps: number): void {
  const m = slot * MEAN;
  const height = mean[m + 3]!;
  const sum = (steps * (steps - 1)) / 2; // Σ k
  const squares = (sum * (2 * steps - 1)) / 3; // Σ k²
  for (let q = 0; q < 4; q++) {
    mean[m + q]! += steps * mean[m + 4 + q]!;
    const position = (q === ASPECT ? ASPECT_STD : POSITION_WEIGHT * height) ** 2;
    const velocity = (q === ASPECT ? ASPECT_VELOCITY_STD : VELOCITY_WEIGHT * height) ** 2;
    const p = slot * COVARIANCE + q * 3;
    const cross = covariance[p + 1]!;
    const speed = covariance[p + 2]!;
    covariance[p]! += steps * (2 * cross + steps * speed + position) + squares * velocity;
    covariance[p + 1] = cross + steps * speed + sum * velocity;
    covariance[p + 2] = speed + steps * velocity;
  }
}

/** Corrects a state by a measurement, whose standard deviation is `noiseScale` times the usual one. */
export function correct(states: KalmanStates, slot: number, measured: Measurement, noiseScale = 1): void {
  const { mean, covariance } = states;
  const m = slot * MEAN;
  const height = mean[m + 3]!;
  for (let q = 0; q < 4; q++) {
    const noise = (noiseScale * (q === ASPECT ? ASPECT_MEASUREMENT_STD : POSITION_WEIGHT * height)) ** 2;
    const p = slot * COVARIANCE + q * 3;
    const variance = covariance[p]!;
    const cross = covariance[p + 1]!;
    const total = variance + noise;
    const residual = measured[q]! - mean[m + q]!;
    mean[m + q]! += (variance / total) * residual;
    mean[m + 4 + q]! += (cross / total) * residual;
    covariance[p] = variance - (variance * variance) / total;
    covariance[p + 1] = cross - (variance * cross) / total;
    covariance[p + 2]! -= (cross * cross) / total;
  }
}

/**
 * Moves a state with the camera, by the affine `x ↦ ax + by + tx, y ↦ cx + dy + ty`.
 *
 * Height and uncertainty scale with the square root of its area factor, which is exact for translations, rotations and
 * zooms, as x and y always have the same covariance.
 */
export function warp({ mean, covariance }: KalmanStates, slot: number, motion: ArrayLike<number>): void {
  const [a, b, tx, c, d, ty] = motion as unknown as [number, number, number, number, number, number];
  const m = slot * MEAN;
  const x = mean[m]!;
  const y = mean[m + 1]!;
  const vx = mean[m + 4]!;
  const vy = mean[m + 5]!;
  const area = Math.abs(a * d - b * c);
  const scale = Math.sqrt(area);
  mean[m] = a * x + b * y + tx;
  mean[m + 1] = c * x + d * y + ty;
  mean[m + 4] = a * vx + b * vy;
  mean[m + 5] = c * vx + d * vy;
  mean[m + 3]! *= scale;
  mean[m + 7]! *= scale;
  for (let q = 0; q < 4; q++) {
    if (q === ASPECT) continue;
    const p = slot * COVARIANCE + q * 3;
    for (let k = 0; k < 3; k++) covariance[p + k]! *= area;
  }
}
