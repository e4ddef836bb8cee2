import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector } from './detector.ts';
import type { Rotation } from './options.ts';
import { resizeBilinear } from './resize.ts';
import { uprightRotation } from './rotation.ts';
import { imageOfFace, brightBoxBackend, type InputSeen } from './testing/bright-box-backend.fixture.ts';
import type { Box, Face, Landmarks, PixelBuffer } from './types.ts';

const model = new Uint8Array(1);
/** The rotation that makes a face upright whose top points in this direction. */
const UPRIGHT = { up: 0, left: 90, down: 180, right: 270 } as const;
type Up = keyof typeof UPRIGHT;

/** The position in the image of a point of the upright face (0 to 1 from left to right, top to bottom). */
function positionIn(box: Box, up: Up, u: number, v: number): { x: number; y: number } {
  const [a, b] = { up: [u, v], left: [v, 1 - u], down: [1 - u, 1 - v], right: [1 - v, u] }[up] as [number, number];
  return { x: box.x + a * box.width, y: box.y + b * box.height };
}

function expectFace(face: Face | undefined, box: Box, up: Up, tolerance: number): void {
  expect(face).toBeDefined();
  for (const key of ['x', 'y', 'width', 'height'] as const)
    expect(Math.abs(face!.box[key] - box[key])).toBeLessThanOrEqual(tolerance);
  const eye = positionIn(box, up, 0.3, 0.35);
  const mouth = positionIn(box, up, 0.65, 0.8);
  expect(Math.hypot(face!.landmarks![0].x - eye.x, face!.landmarks![0].y - eye.y)).toBeLessThanOrEqual(1.5 * tolerance);
  expect(Math.hypot(face!.landmarks![4].x - mouth.x, face!.landmarks![4].y - mouth.y)).toBeLessThanOrEqual(
    1.5 * tolerance,
  );
  expect(face!.rotation ?? 0).toBe(UPRIGHT[up]);
}

const scenes = fc.record({
  width: fc.integer({ min: 200, max: 1200 }),
  height: fc.integer({ min: 200, max: 1200 }),
  up: fc.constantFrom<Up>('up', 'left', 'down', 'right'),
  left: fc.double({ min: 0.05, max: 0.5, noNaN: true }),
  top: fc.double({ min: 0.05, max: 0.5, noNaN: true }),
  raster: fc.boolean(),
});

describe('rotate', () => {
  it('returns boxes and landmarks in image coordinates, for any size, source and orientation', async () => {
    await fc.assert(
      fc.asyncProperty(
        scenes,
        fc.constantFrom('auto' as const, 'list' as const, 'one' as const),
        async ({ width, height, up, left, top, raster }, how) => {
          const side = 0.3 * Math.min(width, height);
          const [w, h] = up === 'up' || up === 'down' ? [side, side * 1.3] : [side * 1.3, side];
          const box = {
            x: Math.round(left * width),
            y: Math.round(top * height),
            width: Math.round(w),
            height: Math.round(h),
          };
          const pixels = imageOfFace(width, height, box, up);
          const image = raster
            ? { width, height, rasterize: (a: number, b: number) => resizeBilinear(pixels, a, b) }
            : pixels;
          const rotate = how === 'auto' ? 'auto' : how === 'one' ? UPRIGHT[up] : ([0, 90, 180, 270] as const);
          const detector = await createDetector({
            backend: brightBoxBackend(),
            model,
            rotate,
            inputSize: { pixels: 160_000 },
          });
          const faces = await detector.detect(image);
          expect(faces).toHaveLength(1);
          expectFace(faces[0], box, up, 4 + Math.max(width, height) / 150);
        },
      ),
      { numRuns: 40 },
    );
  }, 240_000);

  it("'auto' adds no run if the upright image shows a confident face", async () => {
    const seen: InputSeen[] = [];
    const detector = await createDetector({ backend: brightBoxBackend({}, seen), model });
    await detector.detect(imageOfFace(1280, 720, { x: 500, y: 200, width: 160, height: 200 }));
    expect(seen).toHaveLength(2);
  });

  it("'auto' makes quick runs in the other quarter turns, then a full run in the best of them", async () => {
    const seen: InputSeen[] = [];
    const detector = await createDetector({
      backend: brightBoxBackend({}, seen),
      model,
      inputSize: { pixels: 409_600 },
    });
    const [face] = await detector.detect(imageOfFace(1280, 720, { x: 500, y: 200, width: 200, height: 160 }, 'right'));
    expect(face?.rotation).toBe(270);
    expect(seen).toHaveLength(5);
    expect(seen.at(-1)).toEqual({ width: 480, height: 832 });
  });

  it('drops low scores of the upright image if a rotation shows a confident face', async () => {
    const box = { x: 500, y: 200, width: 200, height: 160 };
    const detector = await createDetector({ backend: brightBoxBackend({ tiltedScore: 0.6 }), model });
    const faces = await detector.detect(imageOfFace(1280, 720, box, 'left'));
    expect(faces).toHaveLength(1);
    expectFace(faces[0], box, 'left', 12);
  });

  it('can be set per call', async () => {
    const picture = imageOfFace(640, 480, { x: 200, y: 200, width: 130, height: 100 }, 'left');
    const detector = await createDetector({ backend: brightBoxBackend(), model, rotate: 0 });
    expect(await detector.detect(picture)).toHaveLength(0);
    expect(await detector.detect(picture, { rotate: 'auto' })).toHaveLength(1);
    expect(await detector.detect(picture, { rotate: [180, 90] })).toHaveLength(1);
    await expect(detector.detect(picture, { rotate: 91 as Rotation })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('91'),
    });
    await expect(detector.detect(picture, { rotate: new Array(2) as Rotation[] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(detector.detect(picture, { rotate: [] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('works with tiles and several sizes', async () => {
    const box = { x: 700, y: 90, width: 52, height: 40 };
    const detector = await createDetector({
      backend: brightBoxBackend(),
      model,
      inputSize: [320, 640],
      tiles: { size: 480 },
    });
    const faces = await detector.detect(imageOfFace(1280, 720, box, 'left'));
    expect(faces).toHaveLength(1);
    expectFace(faces[0], box, 'left', 8);
  });

  it('maps diagonal views back to about the box of the face', async () => {
    // A face tilted by 45°: a square on its corner is upright only in a diagonal view.
    const [width, height, cx, cy, side] = [800, 600, 430, 280, 150];
    const pixels: PixelBuffer = { width, height, format: 'rgb', data: new Uint8Array(width * height * 3).fill(60) };
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        // Rotated by 45° clockwise, the face is upright.
        const u = (x - cx - (y - cy)) * Math.SQRT1_2;
        const v = (x - cx + (y - cy)) * Math.SQRT1_2;
        if (Math.abs(u) < side / 2 && Math.abs(v) < side / 2)
          (pixels.data as Uint8Array).fill(v < 0 ? 255 : 180, 3 * (y * width + x), 3 * (y * width + x) + 3);
      }
    }
    const detector = await createDetector({ backend: brightBoxBackend(), model, rotate: [45] });
    const [face] = await detector.detect(pixels);
    expect(face?.rotation).toBe(45);
    expect(Math.abs(face!.box.x + face!.box.width / 2 - cx)).toBeLessThan(8);
    expect(Math.abs(face!.box.y + face!.box.height / 2 - cy)).toBeLessThan(8);
    expect(Math.abs(face!.box.width - side)).toBeLessThan(16);
    expect(Math.abs(uprightRotation(face!.landmarks!) - 45)).toBeLessThan(8);
    const auto = await createDetector({ backend: brightBoxBackend(), model });
    expect((await auto.detect(pixels))[0]?.rotation).toBe(45);
  });
});

describe('uprightRotation', () => {
  it('undoes a rotation of the landmarks by any angle', () => {
    const upright = [
      [30, 40],
      [70, 40],
      [50, 60],
      [35, 80],
      [65, 80],
    ];
    fc.assert(
      fc.property(fc.double({ min: 0, max: 359.9, noNaN: true }), (degrees) => {
        // Rotated counterclockwise, so that a clockwise rotation by the same angle undoes it.
        const angle = (-degrees * Math.PI) / 180;
        const rotated = upright.map(([x, y]) => ({
          x: x! * Math.cos(angle) - y! * Math.sin(angle),
          y: x! * Math.sin(angle) + y! * Math.cos(angle),
        })) as Landmarks;
        const difference = Math.abs(uprightRotation(rotated) - degrees);
        expect(Math.min(difference, 360 - difference)).toBeLessThan(1e-6);
      }),
    );
  });
});
