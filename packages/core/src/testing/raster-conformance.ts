import { bytesPerPixel, channelOffsets, rowStride } from '../pixels.ts';
import type { Box, PixelBuffer, RasterizeOptions, RasterSource } from '../types.ts';
import { expect, rejection, type ConformanceCase } from './conformance-case.ts';

/** Options of `rasterSourceConformance`. */
export interface RasterConformanceOptions {
  /**
   * Creates a source that shows this image: packed RGB, 32 × 24 or 20 × 48 pixels. Encode it first for a decoder.
   * Called once or twice per case; the suite closes the sources.
   */
  create(image: PixelBuffer): RasterSource | Promise<RasterSource>;
  /**
   * Levels of 255 by which a sample may differ from the exact bilinear value, in [0, 8]; by default 2. Raise it for
   * lossy encodings. Half a pixel is 3.5 levels across and 4.5 levels down: a higher tolerance hides such a shift.
   */
  tolerance?: number;
}

const [WIDTH, HEIGHT] = [32, 24];
const WHOLE: Box = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
const MAX_TOLERANCE = 8;

/** An image whose levels rise along one axis, so that a sample's level gives its position in the source. */
interface Ramp {
  readonly axis: 'x' | 'y';
  readonly slope: number;
  readonly image: PixelBuffer;
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
const COLORS = imageOf(WIDTH, HEIGHT, (x, y) => QUARTERS[(x < WIDTH / 2 ? 0 : 1) + (y < HEIGHT / 2 ? 0 : 2)]!);
const PORTRAIT = imageOf(20, 48, (x, y) => [40 + 8 * x, 40 + 4 * y, 120]);

/**
 * The requirements on a `RasterSource`, as cases for any test runner:
 * `for (const { name, run } of rasterSourceConformance({ create })) it(name, run);`
 *
 * Filters may differ: a source may average when it scales down, and at the edges of a region it may blend with the
 * pixels outside or repeat those inside.
 */
export function rasterSourceConformance({ create, tolerance = 2 }: RasterConformanceOptions): ConformanceCase[] {
  if (!(tolerance >= 0 && tolerance <= MAX_TOLERANCE))
    throw new RangeError(
      `Expected a tolerance in [0, ${MAX_TOLERANCE}] but received ${String(tolerance)}; ` +
        'encode the image with less loss.',
    );
  const suite = new Suite(create, tolerance);
  return REQUIREMENTS.map(({ name, check }) => ({ name, run: () => check(suite) }));
}

interface Requirement {
  readonly name: string;
  check(suite: Suite): Promise<void>;
}

type Size = readonly [width: number, height: number];

/** The sources to test, and the tolerance of their samples. */
class Suite {
  readonly create: RasterConformanceOptions['create'];
  readonly tolerance: number;

  constructor(create: RasterConformanceOptions['create'], tolerance: number) {
    this.create = create;
    this.tolerance = tolerance;
  }

  /** Runs a check with a source that shows an image, which is closed afterwards. */
  async withSource(image: PixelBuffer, use: (source: RasterSource) => Promise<void>): Promise<void> {
    const source = await this.create(copyOf(image));
    try {
      await use(source);
    } finally {
      await source.close?.();
    }
  }

  /** Checks both ramps at each of the sizes. */
  async checkRamps(sizes: readonly Size[], region?: Box): Promise<void> {
    for (const ramp of [ACROSS, DOWN]) {
      await this.withSource(ramp.image, async (source) => {
        for (const [width, height] of sizes) {
          const pixels = await pixelsOf(source, width, height, region ? { region } : {});
          checkRamp(pixels, ramp, region ?? WHOLE, this.tolerance);
        }
      });
    }
  }

  /** Checks that a source of the horizontal ramp shows it at its own size. */
  async checkUsable(source: RasterSource): Promise<void> {
    checkRamp(await pixelsOf(source, WIDTH, HEIGHT), ACROSS, WHOLE, this.tolerance);
  }
}

const GEOMETRY: readonly Requirement[] = [
  {
    name: 'has the size of its image',
    async check(suite) {
      for (const image of [COLORS, PORTRAIT]) {
        await suite.withSource(image, async ({ width, height }) => {
          const isSame = width === image.width && height === image.height;
          expect(isSame, `width ${image.width} and height ${image.height}`, { width, height });
        });
      }
    },
  },
  {
    name: 'returns exactly the requested size, as a valid PixelBuffer',
    check: (suite) =>
      suite.withSource(COLORS, async (source) => {
        const sizes = [
          [WIDTH, HEIGHT],
          [1, 1],
          [7, 5],
          [33, 3],
          [1, 40],
          [65, 81],
          [24, 32],
          [4, 3],
          [16, 12],
        ] as const;
        for (const [width, height] of sizes) await pixelsOf(source, width, height);
        await pixelsOf(source, 13, 9, { region: { x: 3, y: 2, width: 20, height: 7 } });
      }),
  },
  {
    name: 'keeps the orientation and the order of channels',
    check: (suite) =>
      suite.withSource(COLORS, async (source) => {
        const sizes = [
          [WIDTH, HEIGHT],
          [16, 12],
          [64, 48],
        ] as const;
        for (const [width, height] of sizes) checkQuarters(await pixelsOf(source, width, height), suite.tolerance);
      }),
  },
  {
    name: 'shows the whole image at its own size without an offset',
    check: (suite) => suite.checkRamps([[WIDTH, HEIGHT]]),
  },
  {
    name: 'scales with pixel centers at + 0.5',
    check: (suite) =>
      suite.checkRamps([
        [16, 12],
        [64, 48],
        [80, 60],
        [24, 18],
      ]),
  },
  {
    name: 'scales each axis by itself, without a letterbox',
    async check(suite) {
      await suite.checkRamps([
        [48, 12],
        [12, 48],
        [WIDTH, 6],
        [8, HEIGHT],
      ]);
      await suite.withSource(COLORS, async (source) => checkQuarters(await pixelsOf(source, 60, 12), suite.tolerance));
    },
  },
];

const REGIONS: readonly Requirement[] = [
  {
    name: 'shows a region of whole pixels',
    async check(suite) {
      const region = { x: 8, y: 6, width: 16, height: 12 };
      const sizes = [
        [16, 12],
        [32, 24],
        [8, 6],
        [20, 9],
      ] as const;
      await suite.checkRamps(sizes, region);
      await suite.withSource(COLORS, async (source) =>
        checkQuarters(await pixelsOf(source, 16, 12, { region }), suite.tolerance),
      );
    },
  },
  {
    name: 'shows a region between whole pixels',
    check: (suite) =>
      suite.checkRamps(
        [
          [14, 11],
          [28, 22],
          [7, 5],
        ],
        { x: 6.5, y: 5.5, width: 14, height: 11 },
      ),
  },
  {
    name: 'repeats the edge where a region extends beyond it',
    async check(suite) {
      const sizes = [
        [48, 36],
        [24, 18],
      ] as const;
      await suite.checkRamps(sizes, { x: -8, y: -6, width: 48, height: 36 });
      await suite.checkRamps([[20, 16]], { x: -10, y: -8, width: 20, height: 16 });
      await suite.checkRamps([[20, 16]], { x: WIDTH - 10, y: HEIGHT - 8, width: 20, height: 16 });
    },
  },
];

const CALLS: readonly Requirement[] = [
  {
    name: 'answers concurrent calls independently',
    check: (suite) =>
      suite.withSource(ACROSS.image, async (source) => {
        const regions = [
          WHOLE,
          { x: 0, y: 0, width: 16, height: 12 },
          { x: 16, y: 12, width: 16, height: 12 },
          { x: 8, y: 4, width: 8, height: 16 },
        ];
        const sizes = [
          [32, 24],
          [16, 12],
          [64, 48],
          [20, 30],
        ] as const;
        const calls = sizes.flatMap(([width, height]) => regions.map((region) => ({ width, height, region })));
        const results = await allDone(
          calls.map(({ width, height, region }) => pixelsOf(source, width, height, { region })),
        );
        for (const [i, { region }] of calls.entries()) checkRamp(results[i]!, ACROSS, region, suite.tolerance);
      }),
  },
  {
    name: 'keeps two sources apart',
    check: (suite) =>
      suite.withSource(ACROSS.image, (first) =>
        suite.withSource(DOWN.image, async (second) => {
          const [a, b] = await allDone([pixelsOf(first, WIDTH, HEIGHT), pixelsOf(second, WIDTH, HEIGHT)]);
          checkRamp(a!, ACROSS, WHOLE, suite.tolerance);
          checkRamp(b!, DOWN, WHOLE, suite.tolerance);
          await suite.checkUsable(first);
        }),
      ),
  },
  {
    name: 'returns pixels that the caller owns',
    check: (suite) =>
      suite.withSource(ACROSS.image, async (source) => {
        const sizes = [
          [WIDTH, HEIGHT],
          [16, 12],
        ] as const;
        for (const [width, height] of sizes) {
          const first = await pixelsOf(source, width, height);
          const second = await pixelsOf(source, width, height);
          checkRamp(first, ACROSS, WHOLE, suite.tolerance);
          first.data.fill(255);
          checkRamp(second, ACROSS, WHOLE, suite.tolerance);
          checkRamp(await pixelsOf(source, width, height), ACROSS, WHOLE, suite.tolerance);
        }
      }),
  },
  {
    name: 'treats options that are undefined as absent',
    check: (suite) =>
      suite.withSource(ACROSS.image, async (source) => {
        const pixels = await pixelsOf(source, 16, 12, { region: undefined, signal: undefined } as object);
        checkRamp(pixels, ACROSS, WHOLE, suite.tolerance);
      }),
  },
  {
    name: 'rejects with the reason of a signal that is already aborted',
    check: (suite) =>
      suite.withSource(ACROSS.image, async (source) => {
        const reason = new Error('enough');
        const error = await rejection(pixelsOf(source, WIDTH, HEIGHT, { signal: AbortSignal.abort(reason) }));
        expect(error === reason, "the signal's reason", error);
        await suite.checkUsable(source);
      }),
  },
  {
    name: 'settles a call that is aborted while it runs',
    check: (suite) =>
      suite.withSource(ACROSS.image, async (source) => {
        const stop = new AbortController();
        const reason = new Error('enough');
        const calls = [pixelsOf(source, WIDTH, HEIGHT, { signal: stop.signal }), pixelsOf(source, 16, 12)] as const;
        stop.abort(reason);
        const [aborted, other] = await Promise.allSettled(calls);
        expect(
          aborted.status === 'fulfilled' || aborted.reason === reason,
          "the signal's reason, or pixels if the call was done",
          (aborted as PromiseRejectedResult).reason,
        );
        const isFulfilled = other.status === 'fulfilled';
        expect(isFulfilled, 'pixels from a call without a signal', (other as PromiseRejectedResult).reason);
        await suite.checkUsable(source);
      }),
  },
];

const REFUSALS: readonly Requirement[] = [
  {
    name: 'refuses sizes that are not positive integers',
    check: (suite) =>
      suite.withSource(ACROSS.image, async (source) => {
        for (const side of [0, -1, 1.5, NaN, Infinity]) {
          await refuses(source, side, HEIGHT);
          await refuses(source, WIDTH, side);
        }
        await suite.checkUsable(source);
      }),
  },
  {
    name: 'refuses regions without an area or with numbers that are not finite',
    check: (suite) =>
      suite.withSource(ACROSS.image, async (source) => {
        for (const key of ['x', 'y', 'width', 'height'] as const) {
          for (const value of key === 'x' || key === 'y' ? [NaN, Infinity] : [0, -4, NaN, Infinity])
            await refuses(source, 8, 8, { ...WHOLE, [key]: value });
        }
        await suite.checkUsable(source);
      }),
  },
  {
    name: 'can be closed twice, and refuses calls afterwards',
    async check(suite) {
      const source = await suite.create(copyOf(ACROSS.image));
      if (!source.close) return;
      await source.close();
      await source.close();
      await refuses(source, WIDTH, HEIGHT);
    },
  },
  {
    name: 'leaves pixels valid that it returned before it was closed',
    async check(suite) {
      const source = await suite.create(copyOf(ACROSS.image));
      const pixels = await pixelsOf(source, WIDTH, HEIGHT);
      await source.close?.();
      checkRamp(pixels, ACROSS, WHOLE, suite.tolerance);
    },
  },
];

const REQUIREMENTS = [...GEOMETRY, ...REGIONS, ...CALLS, ...REFUSALS];

function imageOf(width: number, height: number, color: (x: number, y: number) => readonly number[]): PixelBuffer {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(color(x, y), 3 * (y * width + x));
  return { data, width, height, format: 'rgb' };
}

/** A source may keep the image, and a broken one returns it to the caller, who may change it. */
function copyOf(image: PixelBuffer): PixelBuffer {
  return { ...image, data: Uint8Array.from(image.data) };
}

function rampOf(axis: 'x' | 'y', slope: number): Ramp {
  return {
    axis,
    slope,
    image: imageOf(WIDTH, HEIGHT, (x, y) => new Array<number>(3).fill(FIRST_LEVEL + slope * (axis === 'x' ? x : y))),
  };
}

/** Rasterizes a source, and checks that the result is a valid buffer of the requested size. */
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

/** As `Promise.all`, but waits for all calls even if one fails: the source is closed only when none is in flight. */
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
    // At the ends of the samples, a filter has only half of its neighbors, and a region may repeat its own edge;
    // outside, the scaled edge is repeated.
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
