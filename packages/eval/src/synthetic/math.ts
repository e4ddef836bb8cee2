/**
 * A sine of elementary operations only, so that scenes are the same bytes in every engine: `Math.sin` may differ in the
 * last bit. `turns`: 1 is a full circle; error below 1e-4.
 */
export function sine(turns: number): number {
  let t = turns - Math.floor(turns + 0.5); // −½ … ½
  if (t > 0.25) t = 0.5 - t;
  else if (t < -0.25) t = -0.5 - t;
  const x = t * 6.283185307179586;
  const x2 = x * x;
  return x * (1 - x2 * (0.16666666666 - x2 * (0.00833333333 - x2 * (0.000198412698 - x2 * 0.00000275573))));
}

/** A cosine; see `sine`. */
export function cosine(turns: number): number {
  return sine(turns + 0.25);
}

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

export function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

/** 0 up to `from`, 1 at `to` and above, smooth between. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from), 0, 1);
  return t * t * (3 - 2 * t);
}

/** Fraction of a pixel inside an edge, from its distance (negative inside) and the width of the pixel. */
export function pixelCoverage(distance: number, width: number): number {
  return clamp(0.5 - distance / width, 0, 1);
}
