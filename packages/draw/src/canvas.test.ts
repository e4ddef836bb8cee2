import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { anonymizeCanvas, anonymizePixels, drawCanvas, type CanvasContext } from './index.ts';

const faces = [
  { box: { x: 20, y: 15, width: 40, height: 50 }, id: 1, score: 0.9 },
  { box: { x: 100, y: -10, width: 50, height: 60 }, id: 2 },
];

function noisy(width = 160, height = 100): SKRSContext2D {
  const ctx = createCanvas(width, height).getContext('2d');
  const picture = ctx.createImageData(width, height);
  let state = 7;
  for (let i = 0; i < picture.data.length; i++)
    picture.data[i] = i % 4 === 3 ? 255 : ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 31) * 255;
  ctx.putImageData(picture, 0, 0);
  return ctx;
}
const read = (ctx: SKRSContext2D) => Uint8ClampedArray.from(ctx.getImageData(0, 0, 160, 100).data);

function changedBox(before: Uint8ClampedArray, after: Uint8ClampedArray) {
  const out = { left: 160, top: 100, right: 0, bottom: 0, count: 0 };
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    const [x, y] = [(i >> 2) % 160, Math.floor((i >> 2) / 160)];
    Object.assign(out, {
      left: Math.min(out.left, x),
      right: Math.max(out.right, x),
      top: Math.min(out.top, y),
      bottom: Math.max(out.bottom, y),
      count: out.count + 1,
    });
  }
  return out;
}

describe('anonymizeCanvas', () => {
  it.each(['blur', 'pixelate'] as const)('does on a canvas what anonymizePixels does in memory: %s', (effect) => {
    const ctx = noisy();
    const pixels = { data: read(ctx), width: 160, height: 100, format: 'rgba' as const };
    anonymizePixels(pixels, faces, { effect });
    ctx.translate(30, 3); // boxes are in the canvas's own pixels all the same
    anonymizeCanvas(ctx, faces, { effect });
    expect(read(ctx).every((value, i) => value === pixels.data[i])).toBe(true);
  });

  it.each(['solid', 'emoji', 'image'] as const)(
    'masks one face and changes neither the face to keep nor anything else: %s',
    (effect) => {
      const ctx = noisy();
      const before = read(ctx);
      const image = createCanvas(8, 8);
      image.getContext('2d').fillRect(0, 0, 8, 8);
      anonymizeCanvas(ctx, faces, { effect, keepIds: [2], color: [120, 130, 140], image });
      const changed = changedBox(before, read(ctx));
      expect(changed.count).toBeGreaterThan(40 * 50 * 2);
      expect(changed.left).toBeGreaterThanOrEqual(0);
      expect(changed.right).toBeLessThanOrEqual(effect === 'emoji' ? 40 + 45 : 20 + 40 + 6);
      expect(changed.bottom).toBeLessThanOrEqual(15 + 50 + 8);
    },
  );

  it('lays the emoji asked for over the blur, about the middle of the face, whatever fonts there are', () => {
    const [ctx, blurred] = [noisy(), noisy()];
    const written: unknown[] = [];
    ctx.fillText = (text, x, y) => {
      written.push([text, x, y, ctx.textAlign, ctx.textBaseline]);
      expect(read(ctx).every((value, i) => value === hidden[i])).toBe(true);
    };
    anonymizeCanvas(blurred, faces.slice(0, 1));
    const hidden = read(blurred);
    anonymizeCanvas(ctx, faces.slice(0, 1), { effect: 'emoji', emoji: '🎭' });
    expect(written).toEqual([['🎭', 40, 40, 'center', 'middle']]);
  });

  it.each(['blur', 'solid', 'emoji', 'image'] as const)(
    'does not let the state of the context show a face: %s',
    (effect) => {
      const image = createCanvas(8, 8);
      image.getContext('2d').fillRect(0, 0, 8, 8);
      const [plain, set] = [noisy(), noisy()];
      Object.assign(set, {
        globalCompositeOperation: 'destination-over',
        globalAlpha: 0.2,
        filter: 'opacity(0%)',
        shadowColor: '#f00',
        shadowOffsetX: 5,
      });
      for (const ctx of [plain, set]) anonymizeCanvas(ctx, faces, { effect, image, color: [120, 130, 140] });
      const expected = read(plain);
      expect(read(set).every((value, i) => value === expected[i])).toBe(true);
      expect([set.globalCompositeOperation, set.filter]).toEqual(['destination-over', 'opacity(0%)']);
    },
  );

  it('names a canvas that may not be read, and hides by a solid there still', () => {
    const ctx = noisy();
    const refusing = Object.assign(Object.create(ctx) as SKRSContext2D, {});
    const tainted = new Proxy(refusing, {
      get: (_, key) =>
        key === 'getImageData'
          ? () => {
              throw new Error('tainted');
            }
          : typeof ctx[key as keyof SKRSContext2D] === 'function'
            ? (ctx[key as keyof SKRSContext2D] as () => void).bind(ctx)
            : ctx[key as keyof SKRSContext2D],
      set: (_, key, value) => Reflect.set(ctx, key, value),
    });
    expect(() => anonymizeCanvas(tainted, faces)).toThrow(expect.objectContaining({ code: 'CANVAS_UNREADABLE' }));
    const before = read(ctx);
    anonymizeCanvas(tainted, faces, { effect: 'solid' });
    expect(changedBox(before, read(ctx)).count).toBeGreaterThan(1000);
  });

  it('refuses unusable boxes and options', () => {
    const code = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    expect(() => anonymizeCanvas(noisy(), [{ box: { x: NaN, y: 0, width: 1, height: 1 } }])).toThrow(code);
    expect(() => anonymizeCanvas(noisy(), faces, { effect: 'image' })).toThrow(code);
    expect(() => anonymizeCanvas(noisy(), faces, { effect: 'melt' as 'blur' })).toThrow(code);
  });
});

describe('drawCanvas', () => {
  it('draws near the faces only and leaves the state of the context as it was', () => {
    const ctx = noisy();
    const before = read(ctx);
    ctx.lineWidth = 9;
    ctx.globalAlpha = 0.5;
    drawCanvas(ctx, faces.slice(0, 1), {
      landmarks: true,
      trails: new Map([
        [
          1,
          [
            { x: 30, y: 30 },
            { x: 40, y: 40 },
          ],
        ],
      ]),
    });
    expect([ctx.lineWidth, ctx.globalAlpha]).toEqual([9, 0.5]);
    const changed = changedBox(before, read(ctx));
    expect(changed.count).toBeGreaterThan(300);
    expect(() => drawCanvas(ctx, faces, { lineWidth: NaN })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect([changed.left >= 15, changed.right <= 115, changed.top >= 0, changed.bottom <= 66]).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it('takes the contexts of browsers and of @napi-rs/canvas', () => {
    expectTypeOf<CanvasRenderingContext2D>().toExtend<CanvasContext>();
    expectTypeOf<OffscreenCanvasRenderingContext2D>().toExtend<CanvasContext>();
    expectTypeOf<SKRSContext2D>().toExtend<CanvasContext>();
    expect(createCanvas(1, 1).getContext('2d')).toHaveProperty('getImageData');
  });
});
