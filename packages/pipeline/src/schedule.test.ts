import type { ImageSource, PixelFormat } from '@facedet/core';
import type { Track } from '@facedet/tracker';
import { describe, expect, it } from 'vitest';
import { createSchedule } from './schedule.ts';

const LAG = 2;
const [WIDTH, HEIGHT] = [64, 36];
type Painter = (x: number, y: number) => number;

const sure: Track = {
  id: 1,
  box: { x: 20, y: 10, width: 8, height: 10 },
  score: 0.9,
  state: 'tracked',
  detection: null,
  detectionIndex: -1,
  startTime: 0,
  lastSeen: 0,
  hits: 20,
  innovation: 0.01,
};
const gray: Painter = () => 100;

/** A source of one gray a pixel, painted in 64 × 36; alpha and the ends of rows hold values that mean nothing. */
function picture(paint: Painter, format: PixelFormat, extra: number): ImageSource {
  const step = format === 'gray' ? 1 : format.length;
  return {
    width: 640,
    height: 360,
    rasterize(width, height) {
      const stride = width * step + extra;
      const data = new Uint8Array(stride * height).fill(7);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const gray = paint(Math.floor((x * WIDTH) / width), Math.floor((y * HEIGHT) / height));
          data.fill(gray, y * stride + x * step, y * stride + x * step + Math.min(step, 3));
        }
      }
      return { data, width, height, format, stride };
    },
  };
}

/** Indices of the key frames among `length` frames with these `tracks` and pictures. */
async function keys(
  length: number,
  {
    tracks = [sure] as readonly Track[],
    paint = (_: number): Painter => gray,
    format = 'rgb' as PixelFormat,
    extra = 0,
  } = {},
): Promise<number[]> {
  const schedule = createSchedule('auto', LAG);
  const chosen: number[] = [];
  for (let index = 0; index < length; index++) {
    if (await schedule.isKey({ ...picture(paint(index), format, extra), index, timestamp: index / 25 }))
      chosen.push(index);
    schedule.after(index, tracks);
  }
  return chosen;
}

/** Frames between two key frames, once the first results count. */
async function interval(tracks: readonly Track[]): Promise<number> {
  const chosen = await keys(60, { tracks });
  return chosen.at(-1)! - chosen.at(-2)!;
}

describe("detectEvery: 'auto'", () => {
  it('chooses every tenth frame without motion and uncertain tracks, every fifth of an empty scene', async () => {
    expect(await interval([sure])).toBe(10);
    expect(await interval([])).toBe(5);
  });

  it.each([
    ['the last detection was off by a thirtieth of the height', { innovation: 0.04 }, 4],
    ['… by a tenth', { innovation: 0.1 }, 2],
    ['… by more', { innovation: 0.2 }, 1],
    ['its score is low', { score: 0.3 }, 2],
    ['a track was just lost', { state: 'lost' as const }, 2],
    ['a face is detected for the first time', { state: 'tentative' as const }, 1],
    ['a track is new', { hits: 2 }, 1],
  ])('has the next key frame sooner if %s', async (_, unsure, frames) => {
    expect(await interval([sure, { ...sure, id: 2, ...unsure }])).toBe(frames);
  });

  it('chooses the first frame after a shot cut', async () => {
    const cut =
      (index: number): Painter =>
      (x) =>
        index < 26 ? 100 : x < 32 ? 20 : 220;
    const chosen = await keys(40, { paint: cut });
    expect(chosen).not.toContain(25);
    expect(chosen).toContain(26);
  });

  // Who comes in at the left: 1 / 8 of the border changes by 120. Neither in the middle, nor there, is it half of the
  // picture.
  const enters =
    (from: number) =>
    (index: number): Painter =>
    (x, y) =>
      index >= 26 && x >= from && x < from + 8 && y >= 12 && y < 34 ? 220 : 100;

  it.each([
    ['rgb', 0],
    ['rgba', 0],
    ['bgra', 0],
    ['gray', 0],
    ['rgb', 12],
  ] as const)(
    'chooses a frame with motion at the borders, not in the middle: %s, %i bytes between rows',
    async (format, extra) => {
      const quiet = await keys(40, { format, extra });
      expect(quiet).not.toContain(26);
      expect(await keys(40, { format, extra, paint: enters(0) })).toContain(26);
      expect(await keys(40, { format, extra, paint: enters(28) })).toEqual(quiet);
    },
  );

  it('goes on from a snapshot as if nothing had been between', async () => {
    for (const format of ['rgb', 'rgba'] as const) {
      const whole = await keys(40, { format, paint: enters(0) });
      const first = createSchedule('auto', LAG);
      const second = createSchedule('auto', LAG);
      const chosen: number[] = [];
      for (let index = 0; index < 40; index++) {
        const schedule = index < 20 ? first : second;
        if (await schedule.isKey({ ...picture(enters(0)(index), format, 0), index, timestamp: index / 25 }))
          chosen.push(index);
        schedule.after(index, [sure]);
        if (index === 19) second.restore(JSON.parse(JSON.stringify(first.snapshot(first.capture()))));
      }
      expect(chosen).toEqual(whole);
    }
  });

  it('chooses a frame that cannot be scaled, so that the detector reports why', async () => {
    const schedule = createSchedule('auto', LAG);
    const broken: ImageSource = { width: 640, height: 360, rasterize: () => Promise.reject(new Error('broken')) };
    expect(await schedule.isKey({ ...broken, index: 0, timestamp: 0 })).toBe(true);
    expect(await schedule.isKey({ ...picture(gray, 'rgb', 0), index: 1, timestamp: 0.04 })).toBe(true);
  });
});

it('a number is every n-th frame by its own index, wherever a run begins', () => {
  const schedule = createSchedule(3, LAG, false);
  const frames = [4, 5, 6, 7, 8, 9].map((index) => ({ ...picture(gray, 'rgb', 0), index, timestamp: index / 25 }));
  expect(frames.filter((frame) => schedule.isKey(frame)).map(({ index }) => index)).toEqual([6, 9]);
});
