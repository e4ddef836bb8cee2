/** What makes a picture upright: mirroring left to right first, then a clockwise rotation. */
export interface Orientation {
  readonly mirrored: boolean;
  readonly rotation: 0 | 90 | 180 | 270;
}

export const upright: Orientation = { mirrored: false, rotation: 0 };

/**
 * The orientation of a display matrix: nine 32-bit integers whose upper left four, `[a b; c d]` (16.16), map the
 * picture's `(x, y)` to `(a x + c y, b x + d y)` (ISO/IEC 14496-12, 8.3.2). Other angles are rounded to the nearest
 * quarter turn.
 */
export function orientationOf(matrix: Uint8Array | null): Orientation {
  if (!matrix || matrix.byteLength < 36) return upright;
  const view = new DataView(matrix.buffer, matrix.byteOffset, matrix.byteLength);
  const [a, b, c, d] = [0, 1, 3, 4].map((i) => view.getInt32(4 * i, true)) as [number, number, number, number];
  const mirrored = a * d - b * c < 0;
  // Direction of the picture's x axis after the rotation; in a mirrored picture it pointed left before.
  const [x, y] = mirrored ? [-a, -b] : [a, b];
  if (x === 0 && y === 0) return upright;
  const rotation = Math.abs(x) >= Math.abs(y) ? (x > 0 ? 0 : 180) : y > 0 ? 90 : 270;
  return { mirrored, rotation };
}

/** Whether width and height are swapped. */
export function turnsSideways({ rotation }: Orientation): boolean {
  return rotation === 90 || rotation === 270;
}

/** The FFmpeg filters that apply an orientation, in order. */
export function orientationFilters({ mirrored, rotation }: Orientation): string[] {
  const turn = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] }[rotation];
  return mirrored ? ['hflip', ...turn] : turn;
}
