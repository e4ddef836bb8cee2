import { bytesPerPixel, channelOffsets, rowStride } from '../pixels.ts';
import type { Box, PixelBuffer, RasterizeOptions, RasterSource } from '../types.ts';
import { expect, rejection, type ConformanceCase } from './conformance.ts';

/** What the suite needs to know about a raster source. */
export interface RasterConformanceOptions {
  /**
   * Gives a source that shows this picture: packed RGB, 32 × 24 or 20 × 48 pixels. A decoder gets it encoded first.
   * Called once or twice per case; the suite closes what it gives.
   */
  create(picture: PixelBuffer): RasterSource | Promise<RasterSource>;
  /**
   * Levels of 255 by which a sample may differ from the exact bilinear value, in [0, 8]; by default 2. Raise it for
   * lossy encodings. Half a pixel is 3.5 levels across and 4.5 levels down: a higher tolerance hides such a shift.
   */
  tolerance?: number;
}

const [WIDTH, HEIGHT] = [32, 24];
const WHOLE: Box = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
const MAX_TOLERANCE = 8;

/** Levels rise along one axis: a sample's level tells its position in the source. */
interface Ramp {
  readonly axis: 'x' | 'y';
  readonly slope: number;
  readonly picture: PixelBuffer;
}
const FIRST_LEVEL = 20;
const ACROSS = rampOf('x', 7);
const DOWN = rampOf('y', 9);

/**
 * Four flat quarters: upper left, upper right, lower left, lower right. No two share a channel's level, and none is
 * gray.
 */
const QUARTERS = [
  [200, 60, 40],
  [50, 180, 70],
  [40, 70, 190],
  [220, 200, 110],
] as const;
const COLORS = pictureOf(WIDTH, HEIGHT, (x, y) => QUARTERS[(x < WIDTH / 2 ? 0 : 1) + (y < HEIGHT / 2 ? 0 : 2)]!);
const PORTRAIT = pictureOf(20, 48, (x, y) => [40 + 8 * x, 40 + 4 * y, 120]);

/**
 * The requirements on a `RasterSource`, as cases for any test runner:
 * `for (const { name, run } of rasterSourceConformance({ create })) it(name, run);`
 *
 * Filters may differ: a source may average where it scales down, and at the edges of a region it may blend with the
 * pixels outside or repeat those inside.
 */
export function rasterSourceConformance({ create, tolerance = 2 }: RasterConformanceOptions): ConformanceCase[] {
  if (!(tolerance >= 0 && tolerance <= MAX_TOLERANCE))
    throw new RangeError(
      `Expected a tolerance in [0, ${MAX_TOLERANCE}] but received ${String(tolerance)}; ` +
        'encode the picture with less loss.',
    );

  async function withSource(picture: PixelBuffer, use: (source: RasterSource) => Promise<void>): Promise<void> {
    const source = await create(copyOf(picture));
    try {
      await use(source);
    } finally {
      await source.close?.();
    }
  }

  /** Both ramps, shown at each of the sizes. */
  async function showsRamps(sizes: readonly (readonly [width: number, height: number])[], region?: Box): Promise<void> {
    for (const ramp of [ACROSS, DOWN]) {
      await withSource(ramp.picture, async (source) => {
        for (const [width, height] of sizes)
          checkRamp(await pixelsOf(source, width, height, region ? { region } : {}), ramp, region ?? WHOLE, tolerance);
      });
    }
  }

  return [
    {
      name: 'has the size of its picture',
      async run() {
        for (const picture of [COLORS, PORTRAIT]) {
          await withSource(picture, async ({ width, height }) =>
            expect(
              width === picture.width && height === picture.height,
              `width ${picture.width} and height ${picture.height}`,
              { width, height },
            ),
          );
        }
      },
    },
    {
      name: 'gives exactly the size asked for, as a valid PixelBuffer',
      run: () =>
        withSource(COLORS, async (source) => {
          for (const [width, height] of [
            [WIDTH, HEIGHT],
            [1, 1],
            [7, 5],
            [33, 3],
            [1, 40],
            [65, 81],
            [24, 32],
            [4, 3],
            [16, 12],
          ] as const)
            await pixelsOf(source, width, height);
          await pixelsOf(source, 13, 9, { region: { x: 3, y: 2, width: 20, height: 7 } });
        }),
    },
    {
      name: 'keeps the orientation and the order of channels',
      run: () =>
        withSource(COLORS, async (source) => {
          for (const [width, height] of [
            [WIDTH, HEIGHT],
            [16, 12],
            [64, 48],
          ] as const)
            checkQuarters(await pixelsOf(source, width, height), tolerance);
        }),
    },
    { name: 'shows the whole picture at its own size without an offset', run: () => showsRamps([[WIDTH, HEIGHT]]) },
    {
      name: 'scales with pixel centers at + 0.5',
      run: () =>
        showsRamps([
          [16, 12],
          [64, 48],
          [80, 60],
          [24, 18],
        ]),
    },
    {
      name: 'scales each axis by itself, without a letterbox',
      async run() {
        await showsRamps([
          [48, 12],
          [12, 48],
          [WIDTH, 6],
          [8, HEIGHT],
        ]);
        await withSource(COLORS, async (source) => checkQuarters(await pixelsOf(source, 60, 12), tolerance));
      },
    },
    {
      name: 'shows a region of whole pixels',
      async run() {
        const region = { x: 8, y: 6, width: 16, height: 12 };
        await showsRamps(
          [
            [16, 12],
            [32, 24],
            [8, 6],
            [20, 9],
          ],
          region,
        );
        await withSource(COLORS, async (source) =>
          checkQuarters(await pixelsOf(source, 16, 12, { region }), tolerance),
        );
      },
    },
    {
      name: 'shows a region between whole pixels',
      run: () =>
        showsRamps(
          [
            [14, 11],
            [28, 22],
            [7, 5],
          ],
          { x: 6.5, y: 5.5, width: 14, height: 11 },
        ),
    },
    {
      name: 'repeats the edge where a region reaches over it',
      async run() {
        await showsRamps(
          [
            [48, 36],
            [24, 18],
          ],
          { x: -8, y: -6, width: 48, height: 36 },
        );
        await showsRamps([[20, 16]], { x: -10, y: -8, width: 20, height: 16 });
        await showsRamps([[20, 16]], { x: WIDTH - 10, y: HEIGHT - 8, width: 20, height: 16 });
      },
    },
    {
      name: 'answers calls at the same time independently',
      run: () =>
        withSource(ACROSS.picture, async (source) => {
          const regions = [
            WHOLE,
            { x: 0, y: 0, width: 16, height: 12 },
            { x: 16, y: 12, width: 16, height: 12 },
            { x: 8, y: 4, width: 8, height: 16 },
          ];
          const calls = [
            [32, 24],
            [16, 12],
            [64, 48],
            [20, 30],
          ].flatMap(([width, height]) => regions.map((region) => ({ width: width!, height: height!, region })));
          const results = await allDone(
            calls.map(({ width, height, region }) => pixelsOf(source, width, height, { region })),
          );
          for (const [i, { region }] of calls.entries()) checkRamp(results[i]!, ACROSS, region, tolerance);
        }),
    },
    {
      name: 'keeps two sources apart',
      run: () =>
        withSource(ACROSS.picture, (first) =>
          withSource(DOWN.picture, async (second) => {
            const [a, b] = await allDone([pixelsOf(first, WIDTH, HEIGHT), pixelsOf(second, WIDTH, HEIGHT)]);
            checkRamp(a!, ACROSS, WHOLE, tolerance);
            checkRamp(b!, DOWN, WHOLE, tolerance);
            checkRamp(await pixelsOf(first, WIDTH, HEIGHT), ACROSS, WHOLE, tolerance);
          }),
        ),
    },
    {
      name: 'gives pixels that belong to the caller',
      run: () =>
        withSource(ACROSS.picture, async (source) => {
          for (const [width, height] of [
            [WIDTH, HEIGHT],
            [16, 12],
          ] as const) {
            const first = await pixelsOf(source, width, height);
            const second = await pixelsOf(source, width, height);
            checkRamp(first, ACROSS, WHOLE, tolerance);
            first.data.fill(255);
            checkRamp(second, ACROSS, WHOLE, tolerance);
            checkRamp(await pixelsOf(source, width, height), ACROSS, WHOLE, tolerance);
          }
        }),
    },
    {
      name: 'takes options that are undefined as absent',
      run: () =>
        withSource(ACROSS.picture, async (source) => {
          checkRamp(
            await pixelsOf(source, 16, 12, { region: undefined, signal: undefined } as object),
            ACROSS,
            WHOLE,
            tolerance,
          );
        }),
    },
    {
      name: 'rejects with the reason of a signal that is aborted already',
      run: () =>
        withSource(ACROSS.picture, async (source) => {
          const reason = new Error('enough');
          const error = await rejection(pixelsOf(source, WIDTH, HEIGHT, { signal: AbortSignal.abort(reason) }));
          expect(error === reason, "the signal's reason", error);
          checkRamp(await pixelsOf(source, WIDTH, HEIGHT), ACROSS, WHOLE, tolerance);
        }),
    },
    {
      name: 'settles a call that is aborted while it runs',
      run: () =>
        withSource(ACROSS.picture, async (source) => {
          const stop = new AbortController();
          const reason = new Error('enough');
          const calls = [pixelsOf(source, WIDTH, HEIGHT, { signal: stop.signal }), pixelsOf(source, 16, 12)] as const;
          stop.abort(reason);
          const [aborted, other] = await Promise.allSettled(calls);
          expect(
            aborted.status === 'fulfilled' || aborted.reason === reason,
            "the signal's reason, or pixels where the call was done",
            (aborted as PromiseRejectedResult).reason,
          );
          expect(
            other.status === 'fulfilled',
            'pixels from a call without a signal',
            (other as PromiseRejectedResult).reason,
          );
          checkRamp(await pixelsOf(source, WIDTH, HEIGHT), ACROSS, WHOLE, tolerance);
        }),
    },
    {
      name: 'refuses sizes that are not positive integers',
      run: () =>
        withSource(ACROSS.picture, async (source) => {
          for (const side of [0, -1, 1.5, NaN, Infinity]) {
            await refuses(source, side, HEIGHT);
            await refuses(source, WIDTH, side);
          }
          checkRamp(await pixelsOf(source, WIDTH, HEIGHT), ACROSS, WHOLE, tolerance);
        }),
    },
    {
      name: 'refuses regions without an area or with numbers that are not finite',
      run: () =>
        withSource(ACROSS.picture, async (source) => {
          for (const key of ['x', 'y', 'width', 'height'] as const) {
            for (const value of key === 'x' || key === 'y' ? [NaN, Infinity] : [0, -4, NaN, Infinity])
              await refuses(source, 8, 8, { ...WHOLE, [key]: value });
          }
          checkRamp(await pixelsOf(source, WIDTH, HEIGHT), ACROSS, WHOLE, tolerance);
        }),
    },
    {
      name: 'can be closed twice, and refuses calls afterwards',
      async run() {
        const source = await create(copyOf(ACROSS.picture));
        if (!source.close) return;
        await source.close();
        await source.close();
        await refuses(source, WIDTH, HEIGHT);
      },
    },
    {
      name: 'leaves pixels valid that it gave before it was closed',
      async run() {
        const source = await create(copyOf(ACROSS.picture));
        const pixels = await pixelsOf(source, WIDTH, HEIGHT);
        await source.close?.();
        checkRamp(pixels, ACROSS, WHOLE, tolerance);
      },
    },
  ];
}

function pictureOf(width: number, height: number, color: (x: number, y: number) => readonly number[]): PixelBuffer {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(color(x, y), 3 * (y * width + x));
  return { data, width, height, format: 'rgb' };
}

/** A source may keep what it is given, and a broken one gives it to the caller to change. */
const copyOf = (picture: PixelBuffer): PixelBuffer => ({ ...picture, data: Uint8Array.from(picture.data) });

function rampOf(axis: 'x' | 'y', slope: number): Ramp {
  return {
    axis,
    slope,
    picture: pictureOf(WIDTH, HEIGHT, (x, y) =>
      new Array<number>(3).fill(FIRST_LEVEL + slope * (axis === 'x' ? x : y)),
    ),
  };
}

/** What a source gives, checked to be a valid buffer of the size asked for. */
async function pixelsOf(
  source: RasterSource,
  width: number,
  height: number,
  options?: RasterizeOptions,
): Promise<PixelBuffer> {
  const pixels = await source.rasterize(width, height, options);
  expect(pixels !== null && typeof pixels === 'object', 'a PixelBuffer', pixels);
  expect(pixels.width === width && pixels.height === height, `${width} × ${height} pixels`, {
    width: pixels.width,
    height: pixels.height,
  });
  expect(
    ['rgb', 'rgba', 'bgr', 'bgra', 'gray'].includes(pixels.format),
    'a format rgb, rgba, bgr, bgra or gray',
    pixels.format,
  );
  expect(
    pixels.data instanceof Uint8Array || pixels.data instanceof Uint8ClampedArray,
    'data in a Uint8Array or Uint8ClampedArray',
    pixels.data,
  );
  const row = width * bytesPerPixel(pixels.format);
  const stride = rowStride(pixels);
  expect(
    Number.isInteger(stride) && stride >= row,
    `a stride of at least ${row} bytes for ${width} pixels of ${pixels.format}`,
    pixels.stride,
  );
  const needed = stride * (height - 1) + row;
  expect(
    pixels.data.length >= needed,
    `at least ${needed} bytes for ${width} × ${height} pixels of ${pixels.format}`,
    pixels.data.length,
  );
  return pixels;
}

/** As `Promise.all`, but a failure waits for the other calls: the source is closed only when none is in flight. */
async function allDone<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}

async function refuses(source: RasterSource, width: number, height: number, region?: Box): Promise<void> {
  const call = `rasterize(${width}, ${height}${region ? `, { region: ${Object.values(region).join(', ')} }` : ''})`;
  const outcome: unknown = await (async () => source.rasterize(width, height, region ? { region } : {}))().catch(
    (error: unknown) => (error instanceof Error ? undefined : error),
  );
  expect(outcome === undefined, `an Error from ${call}`, outcome);
}

/** The samples of one pixel as red, green and blue. */
function colorAt(pixels: PixelBuffer, x: number, y: number): number[] {
  const at = y * rowStride(pixels) + x * bytesPerPixel(pixels.format);
  return channelOffsets(pixels.format).map((offset) => pixels.data[at + offset]!);
}

/** Checks the middle of each quarter of `COLORS`. Chroma may be kept at half the size: it is off by more than luma. */
function checkQuarters(pixels: PixelBuffer, tolerance: number): void {
  const { width, height } = pixels;
  for (const [i, color] of QUARTERS.entries()) {
    const [x, y] = [Math.floor((width * (1 + 2 * (i % 2))) / 4), Math.floor((height * (1 + 2 * (i >> 1))) / 4)];
    const received = colorAt(pixels, x, y);
    expect(
      received.every((v, c) => Math.abs(v - color[c]!) <= 3 * tolerance),
      `red, green, blue ${color.join(', ')} ± ${3 * tolerance} at x ${x}, y ${y} of ${width} × ${height}`,
      received,
    );
  }
}

/** Checks every pixel against the level that the ramp has at its position in the source. */
function checkRamp(pixels: PixelBuffer, { axis, slope }: Ramp, region: Box, tolerance: number): void {
  const { data, width, height, format } = pixels;
  const [stride, step, channels] = [rowStride(pixels), bytesPerPixel(format), channelOffsets(format)];
  const [start, length, count, limit] =
    axis === 'x' ? [region.x, region.width, width, WIDTH] : [region.y, region.height, height, HEIGHT];
  const scale = length / count;
  const ends = [0, limit - 1, start, start + length - 1];
  for (let i = 0; i < count; i++) {
    const position = start + (i + 0.5) * scale - 0.5;
    const wanted = FIRST_LEVEL + slope * Math.min(Math.max(position, 0), limit - 1);
    // Where the samples end, a filter has only half of its neighbors, and a region may repeat its own edge; outside,
    // the edge is repeated as scaled.
    const reach = Math.max(scale, 1);
    const nearEnd =
      ends.some((end) => Math.abs(position - end) < reach) || (scale > 1 && (position < 0 || position > limit - 1));
    const allowed = tolerance + (nearEnd ? (slope * reach) / 2 : 0);
    for (let k = 0; k < (axis === 'x' ? height : width); k++) {
      const [x, y] = axis === 'x' ? [i, k] : [k, i];
      for (const channel of channels) {
        const level = data[y * stride + x * step + channel]!;
        if (Math.abs(level - wanted) <= allowed) continue;
        const seen = position + (level - wanted) / slope;
        throw new Error(
          `Expected ${wanted.toFixed(1)} ± ${allowed} at x ${x}, y ${y} of ${width} × ${height}, ` +
            `the level at ${axis} ${position.toFixed(2)} of the source, ` +
            `but received ${level}, the level at ${axis} ${seen.toFixed(2)}.`,
        );
      }
    }
  }
}
