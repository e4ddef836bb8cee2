/** Intersection over union of each of `a` with each of `b`, row-major; flat x, y, width, height. A box without area overlaps nothing. */
export function overlaps(a: Float64Array, b: Float64Array): Float64Array {
  const rows = a.length / 4;
  const cols = b.length / 4;
  const result = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const left = a[4 * i]!;
    const top = a[4 * i + 1]!;
    const right = left + a[4 * i + 2]!;
    const bottom = top + a[4 * i + 3]!;
    const area = (right - left) * (bottom - top);
    if (!(area > Number.EPSILON)) continue;
    for (let j = 0; j < cols; j++) {
      const x = b[4 * j]!;
      const y = b[4 * j + 1]!;
      const xEnd = x + b[4 * j + 2]!;
      const yEnd = y + b[4 * j + 3]!;
      const width = Math.min(right, xEnd) - Math.max(left, x);
      const height = Math.min(bottom, yEnd) - Math.max(top, y);
      if (!(width > 0 && height > 0)) continue;
      const other = (xEnd - x) * (yEnd - y);
      if (!(other > Number.EPSILON)) continue;
      const shared = width * height;
      result[i * cols + j] = shared / (area + other - shared);
    }
  }
  return result;
}
