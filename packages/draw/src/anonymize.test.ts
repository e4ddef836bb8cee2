import type { Box, PixelBuffer } from '@facedet/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anonymizePixels, anonymizePlanes, type AnonymizeOptions, type YuvPlanes } from './index.ts';

const box: fc.Arbitrary<Box> = fc.record({
  x: fc.double({ min: -30, max: 70, noNaN: true }),
  y: fc.double({ min: -30, max: 60, noNaN: true }),
  width: fc.double({ min: 0, max: 80, noNaN: true }),
  height: fc.double({ min: 0, max: 80, noNaN: true }),
});
const formats = fc.constantFrom('rgb', 'rgba', 'bgr', 'bgra', 'gray');
const effects = fc.constantFrom('blur', 'pixelate', 'solid', 'image');
const shapes = fc.constantFrom('ellipse', 'box');

// Values 0 and 255 only: any mean differs from both, so a sample that kept its value was missed.
function noise(length: number, seed: number): Uint8Array {
  let state = seed >>> 0;
  return Uint8Array.from({ length }, () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 31) * 255);
}

function noisePixels(
  width: number,
  height: number,
  format: PixelBuffer['format'],
  extra: number,
  seed = 1,
): PixelBuffer {
  const channels = format === 'gray' ? 1 : format.length;
  const stride = width * channels + extra;
  return { data: noise(stride * height, seed), width, height, format, stride };
}

const gray: PixelBuffer = { data: new Uint8Array(12).fill(77), width: 2, height: 2, format: 'rgb' };
const optionsOf = (
  effect: AnonymizeOptions['effect'] & string,
  shape: 'ellipse' | 'box',
  margin = 1.3,
): AnonymizeOptions => ({ effect, shape, margin, color: [60, 70, 80], image: gray });

function enlarged({ x, y, width, height }: Box, by: number): Box {
  return { x: x - ((by - 1) * width) / 2, y: y - ((by - 1) * height) / 2, width: width * by, height: height * by };
}

/** Where the center of pixel (x, y) is: 0 at the middle of the shape, 1 on its border, in the shape's own measure. */
function depth(shape: 'ellipse' | 'box', b: Box, x: number, y: number): number {
  const [u, v] = [(x - b.x - b.width / 2) / (b.width / 2 || 1e-9), (y - b.y - b.height / 2) / (b.height / 2 || 1e-9)];
  return shape === 'box' ? Math.max(Math.abs(u), Math.abs(v)) : Math.hypot(u, v);
}

describe('anonymizePixels', () => {
  it('changes every pixel in the shape and none outside, in every format, and keeps alpha and padding', () => {
    fc.assert(
      fc.property(
        box,
        formats,
        effects,
        shapes,
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        fc.nat(5),
        (b, format, effect, shape, margin, extra) => {
          const pixels = noisePixels(61, 47, format, extra);
          const before = pixels.data.slice();
          anonymizePixels(pixels, [{ box: b }], optionsOf(effect, shape, margin));
          const region = enlarged(b, margin);
          const channels = format === 'gray' ? 1 : format.length;
          const shorter = Math.min(region.width, region.height);
          let [outside, missed] = [0, 0];
          for (let y = 0; y < 47; y++) {
            for (let i = 0; i < pixels.stride!; i++) {
              const [x, channel] = [Math.floor(i / channels), i % channels];
              const changed = pixels.data[y * pixels.stride! + i] !== before[y * pixels.stride! + i];
              const touches =
                x + 1 > Math.floor(region.x) &&
                x < Math.ceil(region.x + region.width) &&
                y + 1 > Math.floor(region.y) &&
                y < Math.ceil(region.y + region.height);
              const at = depth(shape, region, x + 0.5, y + 0.5);
              // A pixel is taken when any point of it is inside: farther than its diagonal from the border, none
              // does.
              if (x >= 61 || channel === 3 || !touches || (shorter > 1 && at > 1 + 3 / shorter))
                outside += Number(changed);
              // Of a cell of one pixel, the mean may be the pixel.
              else if (shorter > 12 && at < 1 && (effect === 'solid' || inside(region))) missed += Number(!changed);
            }
          }
          expect({ outside, missed }).toEqual({ outside: 0, missed: 0 });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives the same bytes each time', () => {
    fc.assert(
      fc.property(box, effects, shapes, (b, effect, shape) => {
        const [one, two] = [noisePixels(61, 47, 'rgb', 0), noisePixels(61, 47, 'rgb', 0)];
        for (const pixels of [one, two]) anonymizePixels(pixels, [{ box: b, id: 4 }], optionsOf(effect, shape));
        expect(one.data).toEqual(two.data);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps nothing finer than its cells: pictures with equal means end equal', () => {
    for (const effect of ['blur', 'pixelate'] as const) {
      const [stripes, checks] = [0, 1].map((kind): PixelBuffer => ({
        data: Uint8Array.from({ length: 96 * 96 }, (_, i) => ((kind ? Math.floor(i / 96) : i) % 2) * 200),
        width: 96,
        height: 96,
        format: 'gray',
      })) as [PixelBuffer, PixelBuffer];
      for (const pixels of [stripes, checks])
        anonymizePixels(pixels, [{ box: { x: 0, y: 0, width: 96, height: 96 } }], { effect, shape: 'box', margin: 1 });
      expect(stripes.data).toEqual(checks.data);
    }
  });

  it('keeps the faces of `keepIds` visible, and never a face without an ID', () => {
    const faces = [
      { box: { x: 2, y: 2, width: 10, height: 10 }, id: 1 },
      { box: { x: 30, y: 2, width: 10, height: 10 }, id: 2 },
      { box: { x: 2, y: 30, width: 10, height: 10 }, id: null },
      { box: { x: 30, y: 30, width: 10, height: 10 } },
    ];
    const pixels = noisePixels(61, 47, 'gray', 0);
    const before = pixels.data.slice();
    anonymizePixels(pixels, faces, { effect: 'solid', color: [99, 99, 99], keepIds: new Set([2]) });
    const middles = faces.map(({ box: b }) => (b.y + 5) * 61 + b.x + 5);
    expect(middles.map((at) => pixels.data[at] === before[at])).toEqual([false, true, false, false]);
  });

  it('takes an ellipse about the box enlarged 1.3 times, blurred, where nothing else is asked for', () => {
    const [plain, explicit] = [noisePixels(61, 47, 'rgb', 0), noisePixels(61, 47, 'rgb', 0)];
    const faces = [{ box: { x: 14, y: 10, width: 22, height: 27 } }];
    anonymizePixels(plain, faces);
    anonymizePixels(explicit, faces, { effect: 'blur', shape: 'ellipse', margin: 1.3 });
    expect(plain.data).toEqual(explicit.data);
  });

  describe('image', () => {
    // Left half red, right half green, the lower half of it transparent.
    const stamp: PixelBuffer = {
      data: Uint8Array.from(
        { length: 16 * 16 * 4 },
        (_, i) => [(i >> 2) % 16 < 8 ? 255 : 0, (i >> 2) % 16 < 8 ? 0 : 255, 0, i >> 2 < 128 ? 255 : 0][i % 4]!,
      ),
      width: 16,
      height: 16,
      format: 'rgba',
    };
    const faces = [{ box: { x: 10, y: 10, width: 40, height: 40 } }];
    const options = { effect: 'image', image: stamp, shape: 'box', margin: 1 } as const;

    it(
      'is stretched over the box, in the order of the channels of both; where it is transparent, the blur ' + 'shows',
      () => {
        for (const [format, red, green] of [
          ['rgb', 0, 1],
          ['bgra', 2, 1],
        ] as const) {
          const channels = format.length;
          const [stamped, blurred] = [noisePixels(61, 61, format, 0), noisePixels(61, 61, format, 0)];
          anonymizePixels(stamped, faces, options);
          anonymizePixels(blurred, faces, { shape: 'box', margin: 1 });
          const at = (pixels: PixelBuffer, x: number, y: number) =>
            [red, green].map((channel) => pixels.data[(y * 61 + x) * channels + channel]);
          expect(at(stamped, 18, 18)).toEqual([255, 0]);
          expect(at(stamped, 42, 18)).toEqual([0, 255]);
          expect(at(stamped, 18, 42)).toEqual(at(blurred, 18, 42));
          expect(at(stamped, 42, 42)).toEqual(at(blurred, 42, 42));
          expect(at(stamped, 9, 9)).toEqual(at(noisePixels(61, 61, format, 0), 9, 9));
        }
      },
    );

    it('has the same colors in planes, also where chroma is halved and sizes are odd', () => {
      const picture = noisePlanes(61, 61, '420', false, 8);
      anonymizePlanes(picture, faces, options);
      const at = (x: number, y: number) => [
        picture.planes[0]![y * 61 + x],
        picture.planes[1]![(y >> 1) * 31 + (x >> 1)],
        picture.planes[2]![(y >> 1) * 31 + (x >> 1)],
      ];
      expect(at(18, 18)).toEqual([81, 90, 240]);
      expect(at(42, 18)).toEqual([145, 54, 34]);
    });
  });

  it('refuses what it cannot hide, before it changes anything', () => {
    const pixels = noisePixels(20, 20, 'rgb', 0);
    const before = pixels.data.slice();
    const good = { box: { x: 1, y: 1, width: 9, height: 9 } };
    const code = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    expect(() => anonymizePixels(pixels, [good, { box: { x: NaN, y: 0, width: 5, height: 5 } }])).toThrow(code);
    expect(() => anonymizePixels(pixels, [good, { box: { x: 0, y: 0, width: -5, height: 5 } }])).toThrow(code);
    expect(() => anonymizePixels(pixels, [good, { box: { x: 0, y: 0, width: 5, height: Infinity } }])).toThrow(
      '"height":"Infinity"',
    );
    expect(() => anonymizePixels(pixels, [good], { margin: 0 })).toThrow(code);
    expect(() => anonymizePixels(pixels, [good], { effect: 'image' })).toThrow(code);
    expect(() => anonymizePixels(pixels, [good], { effect: 'swirl' as 'blur' })).toThrow(code);
    expect(() => anonymizePixels({ ...pixels, height: 21 }, [good])).toThrow(code);
    expect(() => anonymizePixels({ ...pixels, stride: 59 }, [good])).toThrow(code);
    expect(pixels.data).toEqual(before);
  });
});

describe('anonymizePlanes', () => {
  const layouts: { name: string; subsampling: YuvPlanes['subsampling']; interleaved?: boolean; bitDepth: number }[] = [
    { name: 'yuv420p', subsampling: '420', bitDepth: 8 },
    { name: 'yuv422p', subsampling: '422', bitDepth: 8 },
    { name: 'yuv444p', subsampling: '444', bitDepth: 8 },
    { name: 'nv12', subsampling: '420', interleaved: true, bitDepth: 8 },
    { name: 'yuv420p10', subsampling: '420', bitDepth: 10 },
    { name: 'p010', subsampling: '420', interleaved: true, bitDepth: 16 },
  ];

  it.each(layouts)(
    'hides every sample of the shape and none outside: $name',
    ({ subsampling, interleaved, bitDepth }) => {
      fc.assert(
        fc.property(box, effects, shapes, (b, effect, shape) => {
          const picture = noisePlanes(61, 47, subsampling, interleaved ?? false, bitDepth);
          const before = picture.planes.map((plane) => plane.slice());
          anonymizePlanes(picture, [{ box: b }], optionsOf(effect, shape));
          const region = enlarged(b, 1.3);
          const [dx, dy] = [subsampling === '444' ? 1 : 2, subsampling === '420' ? 2 : 1];
          const bytes = bitDepth > 8 ? 2 : 1;
          let [outside, missed] = [0, 0];
          for (const [p, plane] of picture.planes.entries()) {
            const [sx, sy] = p === 0 ? [1, 1] : [dx, dy];
            const step = interleaved && p === 1 ? 2 : 1;
            const line = picture.strides[p]! / bytes;
            for (let i = 0; i < plane.length; i++) {
              const [x, y] = [Math.floor((i % line) / step) * sx, Math.floor(i / line) * sy];
              const changed = plane[i] !== before[p]![i];
              const touches =
                x + sx > region.x && x <= region.x + region.width && y + sy > region.y && y <= region.y + region.height;
              if (!touches || x >= 61) outside += Number(changed);
              else if (
                inside(region) &&
                Math.min(region.width, region.height) > 24 &&
                depth(shape, region, x + sx / 2, y + sy / 2) < 1
              )
                missed += Number(!changed);
            }
          }
          expect({ outside, missed }).toEqual({ outside: 0, missed: 0 });
        }),
        { numRuns: 30 },
      );
    },
  );

  it('fills the color that a player shows: BT.601 and BT.709, limited and full, 8 and 10 bits', () => {
    const red = (extra: Partial<YuvPlanes>) => {
      const picture = { ...noisePlanes(16, 16, '444', false, extra.bitDepth ?? 8), ...extra };
      anonymizePlanes(picture, [{ box: { x: 0, y: 0, width: 16, height: 16 } }], {
        effect: 'solid',
        color: [255, 0, 0],
      });
      return picture.planes.map((plane) => plane[8 * 16 + 8]);
    };
    expect(red({})).toEqual([81, 90, 240]);
    expect(red({ matrix: 'bt709' })).toEqual([63, 102, 240]);
    expect(red({ range: 'full' })).toEqual([76, 85, 255]);
    expect(red({ bitDepth: 10 })).toEqual([326, 361, 960]);
    // HLG's reference white: three quarters of the signal.
    expect(red({ bitDepth: 10, whiteLevel: 0.75 })).toEqual([260, 399, 848]);
  });

  it('refuses planes that do not fit', () => {
    const picture = noisePlanes(16, 16, '420', false, 8);
    const code = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    expect(() => anonymizePlanes({ ...picture, strides: [15, 8, 8] }, [])).toThrow(code);
    expect(() => anonymizePlanes({ ...picture, height: 20 }, [])).toThrow(code);
    expect(() => anonymizePlanes({ ...picture, subsampling: '411' as '420' }, [])).toThrow(code);
    const odd = new Uint8Array(16 * 16 * 2 + 1).subarray(1);
    expect(() =>
      anonymizePlanes({ width: 16, height: 16, planes: [odd], strides: [32], subsampling: '420', bitDepth: 10 }, []),
    ).toThrow(/even address/);
  });
});

/** Wholly in the picture of 61 × 47, where no cell is cut to a sliver. */
function inside({ x, y, width, height }: Box): boolean {
  return x >= 0 && y >= 0 && x + width <= 61 && y + height <= 47;
}

function noisePlanes(
  width: number,
  height: number,
  subsampling: YuvPlanes['subsampling'],
  interleaved: boolean,
  bitDepth: number,
): YuvPlanes {
  const [cw, ch] = [
    subsampling === '444' ? width : Math.ceil(width / 2),
    subsampling === '420' ? Math.ceil(height / 2) : height,
  ];
  const bytes = bitDepth > 8 ? 2 : 1;
  const top = 2 ** bitDepth - 1;
  const make = (w: number, h: number, seed: number) =>
    bytes === 1 ? noise(w * h, seed) : Uint16Array.from(noise(w * h, seed), (v) => (v ? top : 0));
  const planes = interleaved
    ? [make(width, height, 1), make(2 * cw, ch, 2)]
    : [make(width, height, 1), make(cw, ch, 2), make(cw, ch, 3)];
  return {
    width,
    height,
    planes,
    strides: (interleaved ? [width, 2 * cw] : [width, cw, cw]).map((n) => n * bytes),
    subsampling,
    bitDepth,
  };
}
