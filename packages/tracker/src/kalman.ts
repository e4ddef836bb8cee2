/**
 * The Kalman filter of ByteTrack (as in DeepSORT, Wojke et al. 2017) over centre x, y, aspect (width / height), height
 * and the velocity of each, for
 * states in flat arrays: 8 numbers of mean (four positions, four velocities) and 12 of covariance a track.
 *
 * Its transition couples each quantity with its own velocity alone and all its noises are diagonal. So the 8 × 8
 * covariance stays four 2 × 2 blocks
 * for ever, of which three numbers each are kept: variance, covariance with the velocity, variance of the velocity.
 */
export const MEAN = 8;
export const COVARIANCE = 12;

const POSITION_WEIGHT = 1 / 20; // of the height
const VELOCITY_WEIGHT = 1 / 160;
const ASPECT = 2; // index of the one quantity whose noise doesn't follow the height
const ASPECT_STD = 1e-2;
const ASPECT_VELOCITY_STD = 1e-5;
const ASPECT_MEASUREMENT_STD = 1e-1;

/** Begins a state at `(cx, cy, aspect, height)` without motion. */
export function initiate(
  mean: Float64Array,
  covariance: Float64Array,
  slot: number,
  cx: number,
  cy: number,
  aspect: number,
  height: number,
): void {
  const m = slot * MEAN;
  mean[m] = cx;
  mean[m + 1] = cy;
  mean[m + 2] = aspect;
  mean[m + 3] = height;
  mean.fill(0, m + 4, m + 8);
  for (let q = 0; q < 4; q++) {
    const p = slot * COVARIANCE + q * 3;
    covariance[p] = (q === ASPECT ? ASPECT_STD : 2 * POSITION_WEIGHT * height) ** 2;
    covariance[p + 1] = 0;
    covariance[p + 2] = (q === ASPECT ? ASPECT_VELOCITY_STD : 10 * VELOCITY_WEIGHT * height) ** 2;
  }
}

/**
 * Moves a state `steps` steps on, a real number from 0. Covariances are those of that many single steps, Σ FᵏQFᵏᵀ for k
 * < `steps`, in closed form; the
 * polynomials hold between whole numbers too, so that a gap gives the same however it is cut into pieces (with Q of the
 * height at its start).
 */
export function predict(mean: Float64Array, covariance: Float64Array, slot: number, steps: number): void {
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

/** Corrects a state by a measurement, whose noise has `spread` times the usual standard deviation. */
export function correct(
  mean: Float64Array,
  covariance: Float64Array,
  slot: number,
  cx: number,
  cy: number,
  aspect: number,
  height: number,
  spread = 1,
): void {
  const m = slot * MEAN;
  const expected = mean[m + 3]!;
  for (let q = 0; q < 4; q++) {
    const measured = q === 0 ? cx : q === 1 ? cy : q === ASPECT ? aspect : height;
    const noise = (spread * (q === ASPECT ? ASPECT_MEASUREMENT_STD : POSITION_WEIGHT * expected)) ** 2;
    const p = slot * COVARIANCE + q * 3;
    const variance = covariance[p]!;
    const cross = covariance[p + 1]!;
    const total = variance + noise;
    const residual = measured - mean[m + q]!;
    mean[m + q]! += (variance / total) * residual;
    mean[m + 4 + q]! += (cross / total) * residual;
    covariance[p] = variance - (variance * variance) / total;
    covariance[p + 1] = cross - (variance * cross) / total;
    covariance[p + 2]! -= (cross * cross) / total;
  }
}

/**
 * Moves a state with the camera, by the affine `x ↦ ax + by + tx, y ↦ cx + dy + ty`. Height and uncertainty grow with
 * the square root of its area factor,
 * which is exact for shifts, turns and zooms, as x and y always have the same covariance.
 */
export function warp(mean: Float64Array, covariance: Float64Array, slot: number, motion: ArrayLike<number>): void {
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
