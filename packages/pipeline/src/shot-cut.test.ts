import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blend,
  bufferOf,
  FPS,
  HEIGHT,
  lit,
  noisy,
  room,
  shot,
  view,
  WIDTH,
  type Pixels,
} from './fixtures/shots.fixture.ts';
import { initialShotState, nextShotState, type ShotState } from './shot-cut.ts';
import { differenceOf } from './shot-difference.ts';
import { restoreShots, snapshotShots } from './shot-snapshot.ts';
import { thumbnailOf } from './shot-thumbnail.ts';

/** Frames at which cuts are reported. */
function cutsOf(frames: readonly Pixels[], { fps = FPS, times = (i: number) => i / fps } = {}): number[] {
  let state = initialShotState();
  return frames.flatMap((frame, i) =>
    (state = nextShotState(state, thumbnailOf(bufferOf(frame)), times(i))).cut ? [i] : [],
  );
}

const SEEDS = Array.from({ length: 12 }, (_, k) => k + 1);

describe('hard cuts', () => {
  it('are found at their first frame between places of one room, of the same colors and light', () => {
    for (const seed of SEEDS) {
      const frames = [
        ...shot(seed, 15),
        ...shot(seed, 12, { x: 230, y: 200 }),
        ...shot(seed, 12, { x: 65, y: 66 }),
        ...shot(seed + 100, 12),
      ];
      expect([seed, cutsOf(frames)]).toEqual([seed, [15, 27, 39]]);
    }
  });

  it('are found in still pictures, in noise, at 5 to 60 frames per second, and right after frames that repeat', () => {
    const [a, b] = [shot(3, 1)[0]!, shot(4, 1)[0]!];
    const still = [...Array<Pixels>(20).fill(a), ...Array<Pixels>(20).fill(b)];
    expect(cutsOf(still)).toEqual([20]);
    const moving = [...shot(5, 20), ...shot(6, 20)];
    expect(cutsOf(noisy(moving, 8))).toEqual([20]);
    for (const fps of [5, 12, 30, 60]) expect([fps, cutsOf(moving, { fps })]).toEqual([fps, [20]]);
    expect(cutsOf(moving.flatMap((frame) => [frame, frame]))).toEqual([40]);
  });

  it('are found where frames are missing before and after', () => {
    const frames = [...shot(7, 20), ...shot(8, 20)];
    const kept = [0, 1, 2, 5, 6, 10, 11, 14, 17, 18, 21, 24, 28, 30, 31, 39];
    expect(
      cutsOf(
        kept.map((i) => frames[i]!),
        { times: (k) => kept[k]! / FPS },
      ),
    ).toEqual([10]);
  });
});

describe('between a cut and none', () => {
  it(
    'a change that is nearly a cut is suspected, never reported as well, and leaves the state as any frame ' + 'does',
    () => {
      for (const seed of SEEDS) {
        const [before, after] = [shot(seed, 15), shot(seed + 30, 15)];
        const verdicts = Array.from({ length: 41 }, (_, step) => {
          let state = initialShotState();
          for (const frame of before) state = nextShotState(state, thumbnailOf(bufferOf(frame)), state.time + 1 / FPS);
          const mixed = blend(before.at(-1)!, after[0]!, step / 40);
          state = nextShotState(state, thumbnailOf(bufferOf(mixed)), state.time + 1 / FPS);
          expect(state.cut && state.suspected).toBe(false);
          if (!state.cut) expect(state.past.length).toBeGreaterThan(1);
          return state.cut ? 'cut' : state.suspected ? 'suspected' : 'same';
        });
        // From one end to the other each verdict comes once, in this order.
        const order = verdicts.filter((verdict, i) => verdict !== verdicts[i - 1]);
        expect([seed, order]).toEqual([seed, ['same', 'suspected', 'cut']]);
      }
    },
  );

  it('is said of no frame of a still, noisy or slowly moving picture', () => {
    for (const seed of SEEDS) {
      let state = initialShotState();
      for (const [i, frame] of noisy(shot(seed, 40), 6).entries()) {
        state = nextShotState(state, thumbnailOf(bufferOf(frame)), i / FPS);
        expect([seed, i, state.suspected]).toEqual([seed, i, false]);
      }
    }
  });
});

/** Frames of a camera on a path through a room. */
function filmed(seed: number, length: number, path: (t: number) => [x: number, y: number, zoom: number]): Pixels[] {
  const picture = room(seed);
  return Array.from({ length }, (_, t) => view(picture, ...path(t)));
}

describe('no cut is', () => {
  const quiet: [string, (seed: number) => Pixels[]][] = [
    [
      'a flash of one to three frames',
      (seed) => shot(seed, 60).map((frame, t) => ([20, 40, 41, 50, 51, 52].includes(t) ? lit(frame, 2.2, 60) : frame)),
    ],
    [
      'a white or a black frame',
      (seed) =>
        shot(seed, 40).map((frame, t) => (t === 15 ? frame.map(() => 255) : t === 28 ? frame.map(() => 0) : frame)),
    ],
    ['strobe light', (seed) => shot(seed, 60).map((frame, t) => (t > 15 && t % 4 < 2 ? lit(frame, 0.3) : frame))],
    [
      'light that is switched or dimmed',
      (seed) =>
        shot(seed, 60).map((frame, t) => lit(frame, t < 20 ? 1 : t < 30 ? 0.45 : t < 50 ? 0.45 + (t - 30) / 30 : 1.1)),
    ],
    [
      'a fade to black and back',
      (seed) => shot(seed, 60).map((frame, t) => lit(frame, Math.min(1, Math.abs(t - 30) / 12))),
    ],
    ['a pan that becomes fast', (seed) => filmed(seed, 80, (t) => [60 + 4 * t + 4 * Math.max(0, t - 50), 80, 1.5])],
    ['a zoom', (seed) => filmed(seed, 40, (t) => [60 + t, 60 + 0.6 * t, 1.8 * 0.985 ** t])],
    [
      'somebody who walks by close to the camera',
      (seed) => {
        const person = room(seed + 50);
        return shot(seed, 60).map((frame, t) => {
          const [left, wide] = [Math.round(5 * (t - 15)) - 40, 45];
          return frame.map((value, i) => {
            const x = Math.floor(i / 3) % WIDTH;
            return x >= left && x < left + wide
              ? person[3 * (Math.floor(i / 3 / WIDTH) * 400 + x - left) + (i % 3)]!
              : value;
          });
        });
      },
    ],
    ['a stream that freezes', (seed) => shot(seed, 60).map((_, t, all) => all[t > 20 && t < 32 ? 20 : t]!)],
  ];
  it.each(quiet)('%s', (_, make) => {
    for (const seed of SEEDS.slice(0, 6)) expect([seed, cutsOf(make(seed))]).toEqual([seed, []]);
  });
});

describe('gradual changes', () => {
  it('by a dissolve are reported once within it, or a few frames later', () => {
    let found = 0;
    for (const seed of SEEDS) {
      const length = 8 + 2 * seed;
      const [a, b] = [shot(seed, 40 + length, { speed: 0.1 }), shot(seed + 30, 40 + length, { speed: 0.1 })];
      const frames = [
        ...a.slice(0, 40),
        ...Array.from({ length }, (_, k) => blend(a[40 + k]!, b[k]!, (k + 1) / (length + 1))),
        ...b.slice(length),
      ];
      const cuts = cutsOf(frames);
      expect(cuts.length).toBeLessThanOrEqual(1);
      for (const cut of cuts) {
        found++;
        expect(cut).toBeGreaterThan(40);
        expect(cut).toBeLessThan(40 + length + 8);
      }
    }
    expect(found).toBeGreaterThanOrEqual(SEEDS.length - 1);
  });

  it('through black are reported once, when the new shot shows', () => {
    for (const seed of SEEDS.slice(0, 6)) {
      const out = shot(seed, 30).map((frame, t) => lit(frame, Math.min(1, (30 - t) / 10)));
      const into = shot(seed + 20, 30).map((frame, t) => lit(frame, Math.min(1, (t + 1) / 10)));
      const cuts = cutsOf([...out, ...Array<Pixels>(5).fill(new Uint8Array(WIDTH * HEIGHT * 3)), ...into]);
      expect(cuts).toHaveLength(1);
      expect(cuts[0]).toBeGreaterThanOrEqual(30);
      expect(cuts[0]).toBeLessThan(47);
    }
  });
});

describe('the state', () => {
  const frames = [
    ...shot(1, 14),
    ...shot(2, 10),
    ...shot(2, 6, { x: 240 }).map((frame, t) => lit(frame, t === 2 ? 3 : 1, t === 2 ? 90 : 0)),
  ].map((frame) => thumbnailOf(bufferOf(frame)));

  it('goes on from a snapshot at any frame as if nothing had been between', () => {
    const states: ShotState[] = [];
    for (const [i, frame] of frames.entries())
      states.push(nextShotState(states.at(-1) ?? initialShotState(), frame, i / FPS));
    const plain = (state: ShotState) => JSON.stringify([state.cut, snapshotShots(state)]);
    const whole = states.map(plain);
    for (let from = 0; from < frames.length; from += 3) {
      const saved = JSON.stringify(snapshotShots(from ? states[from - 1]! : initialShotState()));
      expect(saved.length).toBeLessThan(60_000);
      let state = restoreShots(JSON.parse(saved));
      for (let i = from; i < frames.length; i++) {
        state = nextShotState(state, frames[i]!, i / FPS);
        expect(plain(state) === whole[i]).toBe(true);
      }
    }
  });

  it('refuses what is no snapshot', () => {
    const saved = snapshotShots(nextShotState(initialShotState(), frames[0]!, 0));
    for (const wrong of [
      {},
      { last: null, usual: 0 },
      { ...saved, last: 'AAAA' },
      { ...saved, last: '*' },
      { ...saved, past: [{}] },
      { ...saved, numbers: { ...saved.numbers, usual: null } },
      { ...saved, numbers: { ...saved.numbers, time: 'x' } },
    ])
      expect(() => restoreShots(wrong as never)).toThrow();
  });

  it('stays finite whatever pictures and times come', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            width: fc.integer({ min: 1, max: 70 }),
            height: fc.integer({ min: 1, max: 70 }),
            format: fc.constantFrom('rgb', 'rgba', 'bgr', 'bgra', 'gray'),
            seed: fc.nat(),
            plain: fc.boolean(),
            time: fc.double({ noNaN: true, min: -10, max: 1e6 }),
          }),
          { maxLength: 12 },
        ),
        (pictures) => {
          let state = initialShotState();
          for (const { width, height, format, seed, plain, time } of pictures) {
            const data = Uint8Array.from(
              { length: width * height * 4 },
              (_, i) => (plain ? seed : Math.imul(seed + i, 2654435761) >>> 24) & 255,
            );
            state = nextShotState(state, thumbnailOf({ data, width, height, format }), time);
            for (const value of [state.usual, state.peak, state.motion, state.evidence, state.interval, state.time])
              expect(value).toSatisfy(Number.isFinite);
            expect(state.past.length).toBeLessThan(30);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

it('a thumbnail does not depend on the format of the pixels, on padding of rows, or much on their number', () => {
  const [frame] = shot(9, 1);
  const plain = thumbnailOf(bufferOf(frame!));
  const bgra = new Uint8Array((WIDTH * 4 + 12) * HEIGHT).fill(3);
  const large = new Uint8Array(WIDTH * HEIGHT * 3 * 25);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [r, g, b] = frame!.subarray(3 * (y * WIDTH + x));
      bgra.set([b!, g!, r!], y * (WIDTH * 4 + 12) + 4 * x);
      for (let k = 0; k < 25; k++)
        large.set([r!, g!, b!], 3 * ((5 * y + Math.floor(k / 5)) * WIDTH * 5 + 5 * x + (k % 5)));
    }
  }
  expect(thumbnailOf({ data: bgra, width: WIDTH, height: HEIGHT, format: 'bgra', stride: WIDTH * 4 + 12 })).toEqual(
    plain,
  );
  const big = thumbnailOf({ data: large, width: 5 * WIDTH, height: 5 * HEIGHT, format: 'rgb' });
  // Unrelated pictures differ by 0.35 to 0.6.
  expect(differenceOf(plain, big).structure).toBeLessThan(0.1);
  expect(nextShotState(nextShotState(initialShotState(), plain, 0), big, 0.04).cut).toBe(false);
});
