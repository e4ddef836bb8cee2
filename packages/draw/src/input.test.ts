import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import { FaceDetError, type PixelBuffer } from '@facedet/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anonymizeCanvas,
  anonymizePixels,
  anonymizePlanes,
  createTrails,
  drawPixels,
  drawCanvas,
  drawPlanes,
  type DrawableFace,
  type YuvPlanes,
} from './index.ts';

const faces: DrawableFace[] = [
  { box: { x: 10, y: 30, width: 40, height: 40 }, id: 1, score: 0.9 },
  { box: { x: 60, y: 30, width: 30, height: 30 }, id: 2 },
];
const pixels = (): PixelBuffer => ({
  data: new Uint8Array(100 * 80 * 3).map((_, i) => (i * 37) & 255),
  width: 100,
  height: 80,
  format: 'rgb',
});
const planes = (): YuvPlanes => ({
  width: 100,
  height: 80,
  planes: [8000, 2000, 2000].map((length) => new Uint8Array(length).map((_, i) => (i * 37) & 255)),
  strides: [100, 50, 50],
  subsampling: '420',
});
const canvas = () => {
  const ctx = createCanvas(100, 80).getContext('2d');
  ctx.fillStyle = '#468';
  ctx.fillRect(5, 5, 70, 60);
  return ctx;
};
const refused = (...words: string[]) =>
  expect.objectContaining({
    name: 'FaceDetError',
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(
      new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')),
    ),
  });

/** Every function that changes a picture, with what reads it back. */
type Target = [
  name: string,
  make: () => object,
  read: (picture: never) => unknown,
  call: (picture: never, faces: never, options?: never) => void,
];
const bytes = (picture: PixelBuffer) => picture.data;
const samples = (picture: YuvPlanes) => picture.planes;
const drawn = (ctx: SKRSContext2D) => ctx.getImageData(0, 0, 100, 80).data;
const overlays: Target[] = [
  ['drawPixels', pixels, bytes as never, drawPixels as never],
  ['drawPlanes', planes, samples as never, drawPlanes as never],
  ['drawCanvas', canvas, drawn as never, drawCanvas as never],
];
const effects: Target[] = [
  ['anonymizePixels', pixels, bytes as never, anonymizePixels as never],
  ['anonymizePlanes', planes, samples as never, anonymizePlanes as never],
  ['anonymizeCanvas', canvas, drawn as never, anonymizeCanvas as never],
];

/** Calls and expects the error, with the picture as it was. */
function refuses([, make, read, call]: Target, given: unknown, options: unknown, ...words: string[]): void {
  const picture = make() as never;
  const before = JSON.stringify(read(picture));
  expect(() => call(picture, given as never, options as never)).toThrow(refused('Expected', ...words));
  expect(JSON.stringify(read(picture))).toBe(before);
}

const badFaces: [unknown, string][] = [
  [undefined, 'an array of faces but received undefined'],
  [null, 'an array of faces'],
  [faces[0], 'an array of faces'],
  ['faces', 'an array of faces'],
  [[...faces, undefined], 'a face with a box at index 2'],
  [[...faces, { id: 3 }], 'a face with a box at index 2'],
  [[...faces, { box: null }], 'a face with a box at index 2'],
  [[...faces, { box: [1, 2, 3, 4] }], 'a box of finite numbers'],
  [[...faces, { box: { x: 0, y: 0, width: -1, height: 3 } }], 'sides of at least 0'],
  [[...faces, { box: { x: 0, y: 0, width: '9', height: 3 } }], 'a box of finite numbers'],
  [[...faces, { box: { x: -1e308, y: 0, width: 1.7e308, height: 80 } }], 'a box of finite numbers'],
  [[...faces, { ...faces[0], id: '1' }], 'a number or nothing for the ID of face 2'],
];

describe.each([...overlays, ...effects])('%s', (...target) => {
  it.each(badFaces)('refuses %j for faces and changes nothing', (given, words) => refuses(target, given, {}, words));

  it.each<[unknown, string]>([
    [null, 'an object for options'],
    [[], 'an object for options'],
    [{ blurr: 1 }, 'a known name in options'],
    ['blur', 'an object for options'],
  ])('refuses %j for options', (options, words) => refuses(target, faces, options, words));

  it.each([undefined, null, {}, 5, []])('refuses %j for the picture', (picture) => {
    expect(() => target[3](picture as never, [] as never)).toThrow(refused('Expected'));
  });

  it('takes no options, undefined ones and no faces', () => {
    const [, make, read, call] = target;
    const nothing = Object.fromEntries(
      (overlays.includes(target)
        ? ['boxes', 'labels', 'landmarks', 'trails', 'lineWidth', 'color']
        : ['shape', 'margin', 'keepIds', 'effect', 'color', 'image']
      ).map((name) => [name, undefined]),
    );
    const [plain, given, none] = [make() as never, make() as never, make() as never];
    const before = JSON.stringify(read(none));
    call(plain, faces as never);
    call(given, faces as never, nothing as never);
    call(none, [] as never, undefined as never);
    expect(JSON.stringify(read(given))).toBe(JSON.stringify(read(plain)));
    expect(JSON.stringify(read(plain))).not.toBe(before);
    expect(JSON.stringify(read(none))).toBe(before);
  });
});

describe.each(overlays)('%s', (...target) => {
  it.each<[object, string[]]>([
    [{ lineWidth: 0 }, ['a number above 0 for lineWidth but received 0']],
    [{ lineWidth: '2' }, ['lineWidth']],
    [{ linewidth: 2 }, ['did you mean lineWidth?']],
    [{ colors: () => [0, 0, 0] }, ['did you mean color?']],
    [{ boxes: 'no' }, ['true or false for boxes']],
    [{ landmarks: 1 }, ['true or false for landmarks']],
    [{ labels: 'id' }, ['true, false or a function for labels']],
    [{ labels: () => 7 }, ['a string or undefined from labels']],
    [{ color: [255, 0, 0] }, ['a function for color']],
    [{ color: () => 'red' }, ['three numbers from 0 to 255']],
    [{ color: () => [0, 0, NaN] }, ['three numbers from 0 to 255']],
    [{ color: () => new Array(3) }, ['three numbers from 0 to 255']],
    [{ trails: [] }, ['a Map']],
    [{ trails: true }, ['a Map']],
    ...[5, [null, null], new Array(2)].map((trail): [object, string[]] => [
      { trails: new Map([[1, trail]]) },
      ['points or nothing for the trail of face 1'],
    ]),
  ])('refuses the options %j and changes nothing', (options, words) => refuses(target, faces, options, ...words));

  it.each([
    [{ score: 'high' }, 'score'],
    [{ landmarks: {} }, 'landmarks'],
    [{ landmarks: [null] }, 'landmarks'],
    [{ landmarks: new Array(5) }, 'landmarks'],
  ])('refuses a face with %j and changes nothing', (part, words) =>
    refuses(target, [...faces, { ...faces[0], ...part }], {}, words),
  );

  it('passes on what labels or color throw, before it changes anything', () => {
    const [, make, read, call] = target;
    for (const name of ['labels', 'color']) {
      const picture = make() as never;
      const before = JSON.stringify(read(picture));
      const options = {
        [name]: ({ id }: DrawableFace) => {
          if (id === 2) throw new Error('mine');
          return name === 'color' ? [1, 2, 3] : 'x';
        },
      };
      expect(() => call(picture, faces as never, options as never)).toThrow('mine');
      expect(JSON.stringify(read(picture))).toBe(before);
    }
  });
});

describe.each(effects)('%s', (...target) => {
  it.each<[object, string[]]>([
    [{ margin: 0 }, ['0.1 to 100 for margin but received 0']],
    [{ margin: 1e300 }, ['0.1 to 100 for margin']],
    [{ margin: '2' }, ['margin']],
    [{ shape: 'circle' }, ["'ellipse' or 'box' for shape"]],
    [{ effect: 'swirl' }, ['for effect']],
    [{ effect: null }, ['for effect']],
    [{ effect: 'solid', color: 'red' }, ['three numbers from 0 to 255']],
    [{ effect: 'solid', color: [0, 0] }, ['three numbers from 0 to 255']],
    [{ effect: 'solid', color: [0, 0, 999] }, ['three numbers from 0 to 255']],
    [{ effect: 'image' }, ['image']],
    [{ effect: 'image', image: 'me.png' }, ['image']],
    [{ keepIds: 2 }, ['an iterable of IDs for keepIds']],
    [{ keepIds: '2' }, ['an iterable of IDs for keepIds']],
    [{ keepIds: ['2'] }, ['a number for each ID in keepIds but received "2"']],
    [{ keep: [2] }, ['a known name in options']],
    [{ colors: [0, 0, 0] }, ['did you mean color?']],
  ])('refuses the options %j and changes nothing', (options, words) => refuses(target, faces, options, ...words));
});

describe('pictures', () => {
  it.each<[string, object, string]>([
    ['no data', { data: undefined }, 'bytes'],
    ['an array of numbers', { data: [1, 2, 3] }, 'bytes'],
    ['numbers of 16 bits', { data: new Uint16Array(24000) }, 'bytes'],
    ['an inherited name as format', { format: 'toString' }, 'a pixel format of'],
    ['a stride that is text', { stride: '300' }, 'stride'],
    ['no width', { width: undefined }, 'width and height'],
  ])('pixels with %s are refused', (_, part, words) => {
    expect(() => drawPixels({ ...pixels(), ...part } as never, faces)).toThrow(refused(words));
    expect(() =>
      anonymizePixels(pixels(), faces, { effect: 'image', image: { ...pixels(), ...part } as never }),
    ).toThrow(refused(words));
  });

  it.each<[string, object, string]>([
    ['no planes', { planes: undefined }, '1 to 3 planes'],
    ['no strides', { strides: undefined }, 'stride'],
    ['too few strides', { strides: [100] }, 'stride'],
    ['a plane that is an array', { planes: [[], [], []] }, 'plane 0'],
    ['a plane of floats', { planes: [new Float32Array(8000)] }, 'plane 0'],
    ['an unknown matrix', { matrix: 'rec601' }, "'bt601', 'bt709' or 'bt2020' for matrix"],
    ['an inherited name as matrix', { matrix: 'toString' }, 'for matrix'],
    ['an unknown range', { range: 'tv' }, "'limited' or 'full' for range"],
    ['an unknown subsampling', { subsampling: '411' }, 'subsampling'],
    ['7 bits', { bitDepth: 7 }, 'bitDepth'],
    ['no light', { whiteLevel: 0 }, 'whiteLevel'],
    ['white beyond the signal', { whiteLevel: 1.1 }, 'whiteLevel'],
    ['white that is a text', { whiteLevel: '1' }, 'whiteLevel'],
  ])('planes with %s are refused', (_, part, words) => {
    expect(() => anonymizePlanes({ ...planes(), ...part } as never, faces)).toThrow(refused(words));
  });
});

describe('a canvas', () => {
  /** A context whose method throws at its n-th call, and that reports the depth of its state stack. */
  function failing(method: string, at: number) {
    const ctx = canvas();
    const counts = { depth: 0, calls: 0 };
    const proxy = new Proxy(ctx, {
      get(_, key) {
        const value: unknown = ctx[key as keyof SKRSContext2D];
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]) => {
          if (key === 'save') counts.depth++;
          if (key === 'restore') counts.depth--;
          if (key === method && ++counts.calls === at) throw new Error('the context broke');
          return (value as (...all: unknown[]) => unknown).apply(ctx, parameters);
        };
      },
      set: (_, key, value) => Reflect.set(ctx, key, value),
    });
    return { ctx, proxy, counts };
  }
  const stateOf = (ctx: SKRSContext2D) => [
    ctx.fillStyle,
    ctx.strokeStyle,
    ctx.globalAlpha,
    ctx.globalCompositeOperation,
    ctx.filter,
    ctx.shadowColor,
    ctx.lineWidth,
    ctx.lineCap,
    ctx.font,
    ctx.textAlign,
    ctx.textBaseline,
    ctx.getTransform().a,
  ];
  const methods = [
    'strokeRect',
    'arc',
    'stroke',
    'fill',
    'fillRect',
    'fillText',
    'measureText',
    'moveTo',
    'beginPath',
    'clip',
    'ellipse',
    'rect',
    'drawImage',
    'putImageData',
    'getImageData',
    'setTransform',
  ];
  const landmarks = Array.from({ length: 5 }, (_, k) => ({ x: 20 + k, y: 50 })) as never;
  const trails = new Map([
    [
      1,
      [
        { x: 1, y: 1 },
        { x: 9, y: 9 },
      ],
    ],
  ]);

  it('is as it was whatever throws at any call', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...methods),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom('overlay', 'blur', 'pixelate', 'solid', 'emoji', 'image'),
        fc.constantFrom('ellipse', 'box'),
        (method, at, what, shape) => {
          const { ctx, proxy, counts } = failing(method, at);
          const before = stateOf(ctx);
          let error: unknown;
          try {
            if (what === 'overlay') drawCanvas(proxy, [{ ...faces[0]!, landmarks }, faces[1]!], { trails });
            else
              anonymizeCanvas(proxy, faces, {
                effect: what as 'blur',
                shape: shape as 'box',
                image: createCanvas(4, 4),
              });
          } catch (thrown) {
            error = thrown;
          }
          expect(error === undefined).toBe(counts.calls < at);
          expect(counts.depth).toBe(0);
          expect(stateOf(ctx)).toEqual(before);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('masks all faces before it draws a picture over any', () => {
    const { ctx, proxy } = failing('drawImage', 1);
    const plain = canvas();
    anonymizeCanvas(plain, faces);
    expect(() => anonymizeCanvas(proxy, faces, { effect: 'image', image: createCanvas(4, 4) })).toThrow(
      'the context broke',
    );
    expect(ctx.getImageData(0, 0, 100, 80).data).toEqual(plain.getImageData(0, 0, 100, 80).data);
  });

  it('needs an emoji that is text', () => {
    expect(() => anonymizeCanvas(canvas(), faces, { effect: 'emoji', emoji: 5 as never })).toThrow(
      refused('a string that is not empty for emoji'),
    );
    expect(() => anonymizeCanvas(canvas(), faces, { effect: 'emoji', emoji: '' })).toThrow(refused('for emoji'));
  });
});

describe('createTrails', () => {
  it.each<[unknown, string]>([
    [null, 'an object for options'],
    [{ seconds: 1 }, 'a known name'],
    [{ duration: 0 }, 'above 0'],
    [{ duration: '1' }, 'above 0'],
  ])('refuses the options %j', (options, words) => {
    expect(() => createTrails(options as never)).toThrow(refused(words));
  });

  it('takes undefined for the default', () => {
    expect(createTrails({ duration: undefined } as never).update(faces, 0).size).toBe(2);
  });

  it.each(badFaces)('refuses %j and keeps its trails', (given, words) => {
    const trails = createTrails();
    const before = JSON.stringify([...trails.update(faces, 0)]);
    expect(() => trails.update(given as never, 0.1)).toThrow(refused(words));
    expect(() => trails.update(faces, NaN)).toThrow(refused('a timestamp in seconds but received NaN'));
    expect(JSON.stringify([...trails.update([], 0.1)])).toBe(before);
  });

  it('starts over where time goes back, as it does when a video begins again', () => {
    const trails = createTrails();
    for (let k = 0; k < 20; k++) trails.update(faces, 10 + k / 25);
    expect(trails.update(faces.slice(0, 1), 0).get(1)).toHaveLength(1);
    expect([...trails.update([], 0.1).keys()]).toEqual([1]);
  });
});

it('every error of any option, face and picture says what was expected, what was received and what to do', () => {
  const odd = fc.oneof(
    fc.constantFrom<unknown>(undefined, null, NaN, -1, 1e300, 'x', {}, [], () => {}, Symbol('x'), 3n),
    fc.jsonValue(),
  );
  const names = fc.constantFrom(
    'shape',
    'margin',
    'keepIds',
    'effect',
    'color',
    'image',
    'boxes',
    'labels',
    'landmarks',
    'trails',
    'lineWidth',
    'emoji',
    'anything',
  );
  const given = fc.record({
    options: fc.oneof(fc.dictionary(names, odd, { maxKeys: 3 }), odd),
    face: fc.oneof(fc.record({ box: odd, id: odd, score: odd, landmarks: odd }, { requiredKeys: [] }), odd),
    part: fc.constantFrom(
      'data',
      'width',
      'height',
      'format',
      'stride',
      'planes',
      'strides',
      'subsampling',
      'bitDepth',
      'matrix',
      'range',
      'whiteLevel',
    ),
    value: odd,
  });
  fc.assert(
    fc.property(
      given,
      fc.constantFrom(...overlays, ...effects),
      ({ options, face, part, value }, [name, make, , call]) => {
        const calls = [
          () => call(make() as never, faces as never, options as never),
          () => call(make() as never, [faces[0], face] as never),
          () => name.endsWith('s') && call({ ...make(), [part]: value } as never, faces as never),
        ];
        for (const attempt of calls) {
          try {
            attempt();
          } catch (error) {
            if (!(error instanceof FaceDetError)) throw error;
            if (
              !/^Expected (.* but received .*; .*[.?]|an object for options but received .*\.)$/s.test(error.message) ||
              error.message.length > 1000
            )
              throw new Error(`another form: ${error.message}`, { cause: error });
          }
        }
      },
    ),
    { numRuns: 1500 },
  );
});
