import { expect, it } from 'vitest';
import { alignFace } from './align.ts';
import { resizeBilinear } from './resize.ts';
import type { ImageSource, Landmarks, PixelBuffer } from './types.ts';

const TEMPLATE = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]] as const;

/** A picture with a bright dot of radius `r` at each landmark. */
function dots(landmarks: Landmarks, side: number, r: number): PixelBuffer {
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) if (landmarks.some((p) => Math.hypot(x + 0.5 - p.x, y + 0.5 - p.y) < r)) data.fill(255, 3 * (y * side + x), 3 * (y * side + x) + 3);
  return { data, width: side, height: side, format: 'rgb' };
}

/** A rotated, scaled and moved template. */
const moved = (angle: number, scale: number, dx: number, dy: number) => TEMPLATE.map(([x, y]) => ({ x: scale * (Math.cos(angle) * x - Math.sin(angle) * y) + dx, y: scale * (Math.sin(angle) * x + Math.cos(angle) * y) + dy })) as Landmarks;

it.each([[0, 1, 20, 30], [0.5, 2, 150, 20], [-2, 1.4, 100, 260], [Math.PI, 0.9, 250, 250]])('brings landmarks turned by %d, scaled by %d, to the template', async (angle, scale, dx, dy) => {
  const landmarks = moved(angle, scale, dx, dy);
  const picture = dots(landmarks, 420, 3 * scale);
  const source: ImageSource = { width: 420, height: 420, rasterize: (w, h, o) => resizeBilinear(picture, w, h, o?.region) };
  for (const image of [picture, source]) {
    const crop = await alignFace(image, landmarks);
    expect([crop.width, crop.height]).toEqual([112, 112]);
    for (const [x, y] of TEMPLATE) expect(crop.data[3 * (Math.floor(y) * 112 + Math.floor(x))]).toBeGreaterThan(200);
    expect(crop.data[3 * (20 * 112 + 20)]).toBe(0);
  }
});

it('refuses landmarks that coincide', async () => {
  const same = Array.from({ length: 5 }, () => ({ x: 4, y: 4 })) as Landmarks;
  await expect(alignFace({ width: 8, height: 8, format: 'gray', data: new Uint8Array(64) }, same)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
