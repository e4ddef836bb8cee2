import { describe, expect, it } from 'vitest';
import { bytesPerPixel, channelOffsets } from '../pixels.ts';
import { resizeBilinear, resizeInto } from '../resize.ts';
import type { Box, PixelBuffer, PixelFormat, RasterizeOptions, RasterSource } from '../types.ts';
import { rasterSourceConformance } from './index.ts';

/** A correct source in a few lines; broken ones replace parts of it. */
function source(image: PixelBuffer): Required<RasterSource> {
  let closed = false;
  return {
    width: image.width,
    height: image.height,
    async rasterize(width, height, { region, signal } = {}) {
      signal?.throwIfAborted();
      if (closed) throw new Error('closed');
      await Promise.resolve();
      signal?.throwIfAborted();
      return resizeBilinear(image, width, height, region);
    },
    close() {
      closed = true;
    },
  };
}

/** A source with another `rasterize`. */
const withRasterize =
  (
    rasterize: (
      image: PixelBuffer,
      width: number,
      height: number,
      options: RasterizeOptions,
    ) => PixelBuffer | Promise<PixelBuffer>,
  ) =>
  (image: PixelBuffer): RasterSource => {
    const good = source(image);
    return {
      ...good,
      async rasterize(width, height, options = {}) {
        // The correct source still checks the arguments.
        await good.rasterize(width, height, options);
        return rasterize(image, width, height, options);
      },
    };
  };

const wholeOf = ({ width, height }: PixelBuffer): Box => ({ x: 0, y: 0, width, height });
const shifted = (region: Box, by: number): Box => ({ ...region, x: region.x + by, y: region.y + by });

function converted(pixels: PixelBuffer, format: PixelFormat, padding = 0): PixelBuffer {
  const { width, height } = pixels;
  const step = bytesPerPixel(format);
  const stride = width * step + padding;
  const data = new Uint8ClampedArray(stride * height).fill(7);
  for (let i = 0; i < width * height; i++)
    for (const [c, offset] of channelOffsets(format).entries())
      data[Math.floor(i / width) * stride + (i % width) * step + offset] = pixels.data[3 * i + c]!;
  return { data, width, height, format, stride };
}

/**
 * Averages the pixels under each sample, and never reads outside the region: another filter that the contract allows.
 */
function averaged(image: PixelBuffer, width: number, height: number, region: Box): PixelBuffer {
  const whole = resizeBilinear(image, Math.ceil(region.width) * 8, Math.ceil(region.height) * 8, region);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [x0, x1, y0, y1] = [
        (x * whole.width) / width,
        ((x + 1) * whole.width) / width,
        (y * whole.height) / height,
        ((y + 1) * whole.height) / height,
      ].map(Math.floor) as [number, number, number, number];
      for (let c = 0; c < 3; c++) {
        let [sum, n] = [0, 0];
        for (let v = y0; v < Math.max(y1, y0 + 1); v++)
          for (let u = x0; u < Math.max(x1, x0 + 1); u++, n++) sum += whole.data[3 * (v * whole.width + u) + c]!;
        data[3 * (y * width + x) + c] = Math.round(sum / n);
      }
    }
  }
  return { data, width, height, format: 'rgb' };
}

async function failures(
  create: (image: PixelBuffer) => RasterSource | Promise<RasterSource>,
  tolerance?: number,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, run } of rasterSourceConformance({ create, ...(tolerance === undefined ? {} : { tolerance }) }))
    await run().catch((error: Error) => found.set(name, error.message));
  return found;
}

describe('rasterSourceConformance passes', () => {
  it.each<[string, (image: PixelBuffer) => RasterSource]>([
    ['a correct source', source],
    [
      'one that needs no close',
      (image) => ({ width: image.width, height: image.height, rasterize: source(image).rasterize }),
    ],
    [
      'one that is not asynchronous',
      (image) => ({
        width: image.width,
        height: image.height,
        rasterize(width, height, { region, signal } = {}) {
          signal?.throwIfAborted();
          return resizeBilinear(image, width, height, region);
        },
      }),
    ],
    [
      'one in BGRA with padded rows',
      withRasterize((image, width, height, { region }) =>
        converted(resizeBilinear(image, width, height, region), 'bgra', 5),
      ),
    ],
    [
      'one that averages where it scales down',
      withRasterize((image, width, height, { region = wholeOf(image) }) =>
        region.width > width || region.height > height
          ? averaged(image, width, height, region)
          : resizeBilinear(image, width, height, region),
      ),
    ],
    [
      'one that repeats the edge of a region',
      withRasterize((image, width, height, { region = wholeOf(image) }) => {
        if (!Object.values(region).every(Number.isInteger)) return resizeBilinear(image, width, height, region);
        return resizeBilinear(resizeBilinear(image, region.width, region.height, region), width, height);
      }),
    ],
  ])('%s', async (_, create) => {
    expect(Object.fromEntries(await failures(create))).toEqual({});
  });

  it('noise within the tolerance, and not above', async () => {
    const noisy = withRasterize((image, width, height, { region }) => {
      const pixels = resizeBilinear(image, width, height, region);
      pixels.data.forEach((v, i) => (pixels.data[i] = v + (i % 2 ? 3 : -3)));
      return pixels;
    });
    expect((await failures(noisy, 4)).size).toBe(0);
    expect((await failures(noisy)).size).toBeGreaterThan(5);
  });
});

/** Each breaks one rule; the case that names the rule must fail. */
const BROKEN: Record<string, [broken: string, create: (image: PixelBuffer) => RasterSource][]> = {
  'has the size of its image': [
    ['size before rotation', (image) => ({ ...source(image), width: image.height, height: image.width })],
    ['size as text', (image) => ({ ...source(image), width: String(image.width) as unknown as number })],
  ],
  'returns exactly the requested size, as a valid PixelBuffer': [
    [
      'even sizes only',
      withRasterize((image, width, height, { region }) =>
        resizeBilinear(image, width + (width % 2), height + (height % 2), region),
      ),
    ],
    [
      'kept aspect',
      withRasterize((image, width, height, { region }) =>
        resizeBilinear(image, width, Math.round((width * image.height) / image.width) || height, region),
      ),
    ],
    [
      'never larger than the source',
      withRasterize((image, width, height, { region }) =>
        resizeBilinear(image, Math.min(width, image.width), Math.min(height, image.height), region),
      ),
    ],
    ['three bytes', withRasterize((_, width, height) => ({ width, height, format: 'rgb', data: new Uint8Array(3) }))],
    [
      'an unknown format',
      withRasterize((image, width, height) => ({
        ...resizeBilinear(image, width, height),
        format: 'yuv' as PixelFormat,
      })),
    ],
    [
      'rgb called rgba',
      withRasterize((image, width, height, { region }) => ({
        ...resizeBilinear(image, width, height, region),
        format: 'rgba',
      })),
    ],
    [
      'a stride below a row',
      withRasterize((image, width, height) => ({ ...resizeBilinear(image, width, height), stride: 2 })),
    ],
    [
      'floats',
      withRasterize((image, width, height) => ({
        ...resizeBilinear(image, width, height),
        data: new Float32Array(3 * width * height) as unknown as Uint8Array,
      })),
    ],
    ['a raster source', (image) => ({ ...source(image), rasterize: () => source(image) as unknown as PixelBuffer })],
  ],
  'keeps the orientation and the order of channels': [
    [
      'red and blue exchanged',
      withRasterize((image, width, height, { region }) => ({
        ...resizeBilinear(image, width, height, region),
        format: 'bgr',
      })),
    ],
    [
      'upside down',
      withRasterize((image, width, height, { region }) => {
        const { data, ...rest } = resizeBilinear(image, width, height, region);
        return {
          ...rest,
          data: Uint8Array.from(
            data,
            (_, i) => data[(height - 1 - Math.floor(i / (3 * width))) * 3 * width + (i % (3 * width))]!,
          ),
        };
      }),
    ],
    [
      'gray',
      withRasterize((image, width, height, { region }) =>
        converted(resizeBilinear(image, width, height, region), 'gray'),
      ),
    ],
  ],
  'shows the whole image at its own size without an offset': [
    [
      'shifted by half a pixel',
      withRasterize((image, width, height, { region = wholeOf(image) }) =>
        resizeBilinear(image, width, height, shifted(region, 0.5)),
      ),
    ],
    [
      'swapped rows and columns',
      withRasterize((image, width, height, { region }) => {
        const { data } = resizeBilinear(image, height, width, region);
        return {
          width,
          height,
          format: 'rgb',
          data: Uint8Array.from(
            data,
            (_, i) => data[3 * ((Math.floor(i / 3) % width) * height + Math.floor(i / 3 / width)) + (i % 3)]!,
          ),
        };
      }),
    ],
    [
      'a stride that is not declared',
      withRasterize((image, width, height, { region }) => {
        const { stride, ...pixels } = converted(resizeBilinear(image, width, height, region), 'rgb', 1);
        return stride ? pixels : { ...pixels };
      }),
    ],
  ],
  'scales with pixel centers at + 0.5': [
    [
      'corners aligned',
      withRasterize((image, width, height, { region = wholeOf(image) }) => {
        const grown = (length: number, count: number) => (count > 1 ? ((length - 1) * count) / (count - 1) : length);
        const [w, h] = [grown(region.width, width), grown(region.height, height)];
        return resizeBilinear(image, width, height, {
          x: region.x + 0.5 - w / width / 2,
          y: region.y + 0.5 - h / height / 2,
          width: w,
          height: h,
        });
      }),
    ],
    [
      'pixel centers at 0',
      withRasterize((image, width, height, { region = wholeOf(image) }) => {
        const [sx, sy] = [region.width / width, region.height / height];
        return resizeBilinear(image, width, height, {
          ...region,
          x: region.x + 0.5 - sx / 2,
          y: region.y + 0.5 - sy / 2,
        });
      }),
    ],
  ],
  'scales each axis by itself, without a letterbox': [
    [
      'a letterbox',
      withRasterize((image, width, height, { region = wholeOf(image) }) => {
        const scale = Math.min(width / region.width, height / region.height);
        const [w, h] = [Math.max(Math.round(region.width * scale), 1), Math.max(Math.round(region.height * scale), 1)];
        const scaled = resizeBilinear(image, w, h, region);
        const data = new Uint8Array(3 * width * height);
        for (let y = 0; y < h; y++) data.set(scaled.data.subarray(3 * y * w, 3 * (y + 1) * w), 3 * y * width);
        return { data, width, height, format: 'rgb' };
      }),
    ],
    [
      'cut to the aspect',
      withRasterize((image, width, height, { region = wholeOf(image) }) => {
        const scale = Math.max(width / region.width, height / region.height);
        return resizeBilinear(image, width, height, { ...region, width: width / scale, height: height / scale });
      }),
    ],
  ],
  'shows a region of whole pixels': [
    ['no regions', withRasterize((image, width, height) => resizeBilinear(image, width, height))],
    [
      'regions from the corner',
      withRasterize((image, width, height, { region }) =>
        resizeBilinear(image, width, height, region && { ...region, x: 0, y: 0 }),
      ),
    ],
    [
      'regions in fractions of the image',
      withRasterize((image, width, height, { region }) =>
        resizeBilinear(
          image,
          width,
          height,
          region && { x: region.x / 32, y: region.y / 24, width: region.width, height: region.height },
        ),
      ),
    ],
    [
      'right and bottom for width and height',
      withRasterize((image, width, height, { region }) =>
        resizeBilinear(
          image,
          width,
          height,
          region && {
            ...region,
            width: Math.max(region.width - region.x, 1),
            height: Math.max(region.height - region.y, 1),
          },
        ),
      ),
    ],
  ],
  'shows a region between whole pixels': [
    [
      'regions rounded',
      withRasterize((image, width, height, { region }) =>
        resizeBilinear(
          image,
          width,
          height,
          region && {
            x: Math.round(region.x),
            y: Math.round(region.y),
            width: Math.round(region.width),
            height: Math.round(region.height),
          },
        ),
      ),
    ],
  ],
  'repeats the edge where a region extends beyond it': [
    [
      'black outside',
      withRasterize((image, width, height, { region = wholeOf(image) }) => {
        const pixels = resizeBilinear(image, width, height, region);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const [sx, sy] = [
              region.x + ((x + 0.5) * region.width) / width,
              region.y + ((y + 0.5) * region.height) / height,
            ];
            if (sx < 0 || sy < 0 || sx > image.width || sy > image.height)
              pixels.data.fill(0, 3 * (y * width + x), 3 * (y * width + x) + 3);
          }
        }
        return pixels;
      }),
    ],
    [
      'regions cut to the image',
      withRasterize((image, width, height, { region = wholeOf(image) }) => {
        const [x, y] = [Math.max(region.x, 0), Math.max(region.y, 0)];
        return resizeBilinear(image, width, height, {
          x,
          y,
          width: Math.min(region.x + region.width, image.width) - x,
          height: Math.min(region.y + region.height, image.height) - y,
        });
      }),
    ],
  ],
  'answers concurrent calls independently': [
    [
      'one region for all calls',
      (image) => {
        const good = source(image);
        let current: RasterizeOptions = {};
        return {
          ...good,
          async rasterize(width, height, options = {}) {
            current = options.region ? { region: options.region } : {};
            options.signal?.throwIfAborted();
            await Promise.resolve();
            return good.rasterize(width, height, current);
          },
        };
      },
    ],
    [
      'one call at a time',
      (image) => {
        const good = source(image);
        let busy = false;
        return {
          ...good,
          async rasterize(width, height, options) {
            if (busy) throw new Error('busy');
            busy = true;
            try {
              return await good.rasterize(width, height, options);
            } finally {
              busy = false;
            }
          },
        };
      },
    ],
  ],
  'keeps two sources apart': [
    [
      'one image for all sources',
      (() => {
        let last: PixelBuffer;
        return (image: PixelBuffer) => {
          last = image;
          const good = source(image);
          return {
            ...good,
            rasterize: async (width: number, height: number, options?: RasterizeOptions) =>
              (await good.rasterize(width, height, options)) && resizeBilinear(last, width, height, options?.region),
          };
        };
      })(),
    ],
  ],
  'returns pixels that the caller owns': [
    [
      'the image itself at its own size',
      withRasterize((image, width, height, { region }) =>
        !region && width === image.width && height === image.height
          ? image
          : resizeBilinear(image, width, height, region),
      ),
    ],
    [
      'one buffer for all results',
      (() => {
        const memory = new Uint8Array(100_000);
        return withRasterize((image, width, height, { region }) =>
          resizeInto(memory.subarray(0, 3 * width * height), image, { width, height }, region),
        );
      })(),
    ],
    [
      'results kept for the next call',
      (image) => {
        const good = source(image);
        const cache = new Map<string, PixelBuffer>();
        return {
          ...good,
          async rasterize(width, height, options) {
            const key = `${width},${height},${JSON.stringify(options?.region)}`;
            const pixels = cache.get(key) ?? (await good.rasterize(width, height, options));
            cache.set(key, pixels);
            return pixels;
          },
        };
      },
    ],
  ],
  'treats options that are undefined as absent': [
    [
      'names counted',
      (image) => {
        const good = source(image);
        return {
          ...good,
          rasterize: async (width, height, options = {}) =>
            'region' in options && !options.region
              ? Promise.reject(new Error('no region'))
              : good.rasterize(width, height, options),
        };
      },
    ],
  ],
  'rejects with the reason of a signal that is already aborted': [
    [
      'no signal',
      (image) => {
        const good = source(image);
        return {
          ...good,
          rasterize: (width, height, options) =>
            good.rasterize(width, height, options?.region ? { region: options.region } : {}),
        };
      },
    ],
    [
      'an error of its own',
      (image) => {
        const good = source(image);
        return {
          ...good,
          rasterize: (width, height, options) =>
            options?.signal?.aborted ? Promise.reject(new Error('aborted')) : good.rasterize(width, height, options),
        };
      },
    ],
    [
      'no work after an abort',
      (image) => {
        const good = source(image);
        let broken = false;
        return {
          ...good,
          async rasterize(width, height, options) {
            if (broken) throw new Error('aborted before');
            broken = options?.signal?.aborted ?? false;
            return good.rasterize(width, height, options);
          },
        };
      },
    ],
  ],
  'settles a call that is aborted while it runs': [
    [
      'an error of its own',
      (image) => {
        const good = source(image);
        return {
          ...good,
          async rasterize(width, height, options) {
            options?.signal?.throwIfAborted();
            await Promise.resolve();
            if (options?.signal?.aborted) throw new Error('aborted');
            return good.rasterize(width, height, options);
          },
        };
      },
    ],
    [
      'an abort of all calls',
      (image) => {
        const good = source(image);
        let stopped: unknown;
        return {
          ...good,
          async rasterize(width, height, options) {
            options?.signal?.throwIfAborted();
            options?.signal?.addEventListener('abort', () => (stopped = options.signal!.reason), { once: true });
            await Promise.resolve();
            if (stopped) throw stopped;
            return good.rasterize(width, height, options);
          },
        };
      },
    ],
  ],
  'refuses sizes that are not positive integers': [
    [
      'sizes rounded',
      (image) => {
        const good = source(image);
        return {
          ...good,
          rasterize: (width, height, options) =>
            good.rasterize(Math.max(Math.floor(width), 1) || 1, Math.max(Math.floor(height), 1) || 1, options),
        };
      },
    ],
    [
      'an empty buffer for an empty size',
      (image) => {
        const good = source(image);
        return {
          ...good,
          rasterize: async (width, height, options) =>
            width === 0 || height === 0
              ? { width, height, format: 'rgb', data: new Uint8Array(0) }
              : good.rasterize(width, height, options),
        };
      },
    ],
    [
      'a rejection that is not an Error',
      (image) => {
        const good = source(image);
        return {
          ...good,
          rasterize: async (width, height, options) =>
            width > 0 && height > 0 ? good.rasterize(width, height, options) : Promise.reject('size' as unknown),
        };
      },
    ],
  ],
  'refuses regions without an area or with numbers that are not finite': [
    [
      'regions of one pixel at least',
      (image) => {
        const good = source(image);
        const safe = (v: number, least: number) => Math.max(Number.isFinite(v) ? v : least, least);
        return {
          ...good,
          rasterize: (width, height, options = {}) => {
            const { region } = options;
            return good.rasterize(
              width,
              height,
              region
                ? {
                    ...options,
                    region: {
                      x: safe(region.x, -99),
                      y: safe(region.y, -99),
                      width: safe(region.width, 1),
                      height: safe(region.height, 1),
                    },
                  }
                : options,
            );
          },
        };
      },
    ],
  ],
  'can be closed twice, and refuses calls afterwards': [
    ['a close without effect', (image) => ({ ...source(image), close: () => {} })],
    [
      'a second close that throws',
      (image) => {
        const good = source(image);
        let closed = false;
        return {
          ...good,
          close() {
            if (closed) throw new Error('closed already');
            closed = true;
            good.close();
          },
        };
      },
    ],
  ],
  'leaves pixels valid that it returned before it was closed': [
    [
      'memory that close takes back',
      (image) => {
        const good = source(image);
        const given: PixelBuffer[] = [];
        return {
          ...good,
          async rasterize(width, height, options) {
            const pixels = await good.rasterize(width, height, options);
            given.push(pixels);
            return pixels;
          },
          close() {
            good.close();
            for (const { data } of given) data.fill(0);
          },
        };
      },
    ],
  ],
};

describe('rasterSourceConformance fails', () => {
  it('every requirement for some broken source', () => {
    expect(Object.keys(BROKEN)).toEqual(rasterSourceConformance({ create: source }).map(({ name }) => name));
  });

  it.each(
    Object.entries(BROKEN).flatMap(([name, sources]) => sources.map(([broken, create]) => ({ name, broken, create }))),
  )('"$name" with $broken', async ({ name, create }) => {
    const { run } = rasterSourceConformance({ create }).find((each) => each.name === name)!;
    const error = await run().then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(/^(Expected .* but received .*\.|closed already|busy|no region|aborted before)$/s);
  });

  it('with the position that a wrong level belongs to', async () => {
    const found = await failures(BROKEN['shows the whole image at its own size without an offset']![0]![1]);
    expect(found.get('shows the whole image at its own size without an offset')).toBe(
      'Expected 27.0 ± 2 at x 1, y 0 of 32 × 24, the level at x 1.00 of the source, ' +
        'but received 31, the level at x 1.57.',
    );
  });

  it.each([-1, 9, NaN])('at once with a tolerance of %s', (tolerance) => {
    expect(() => rasterSourceConformance({ create: source, tolerance })).toThrow(/tolerance in \[0, 8\]/);
  });
});
