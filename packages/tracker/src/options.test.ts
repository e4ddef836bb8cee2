import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESETS } from './options.ts';
import { createTracker } from './tracker.ts';
import type { Detection, TrackerPreset, TrackerOptions } from './types.ts';

const face = (x: number, score = 0.9): Detection => ({ box: { x, y: 100, width: 40, height: 50 }, score });
const errorWith = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    name: 'FaceDetError',
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });

describe('options', () => {
  it.each([
    [{ highScoreThreshold: 60 }, 'a number in [0, 1] for highScoreThreshold but received 60; '],
    [{ highScoreThreshold: '0.5' as unknown as number }, 'highScoreThreshold but received "0.5"; '],
    [{ highScoreThreshold: null as never }, 'highScoreThreshold but received null; '],
    [
      { lowScoreThreshold: 0.7 },
      'a number in [0, 0.5] for lowScoreThreshold but received 0.7; it must not be above highScoreThreshold (0.5)',
    ],
    [{ newTrackThreshold: 1.5 }, 'a number in [0.5, 1] for newTrackThreshold but received 1.5; no score is above 1'],
    [
      { newTrackThreshold: 0.4 },
      'a number in [0.5, 1] for newTrackThreshold but received 0.4; it must not be below highScoreThreshold (0.5)',
    ],
    [{ newTrackThreshold: null as never }, 'newTrackThreshold but received null; '],
    [
      { compat: true, highScoreThreshold: 1 },
      'a number in [0, 1) for highScoreThreshold but received 1; in compat only scores above it start tracks',
    ],
    [{ matchThreshold: 0 }, 'a number in (0, 1] for matchThreshold but received 0; '],
    [{ maxLostSeconds: -1 }, 'a number of seconds from 0 for maxLostSeconds but received -1; '],
    [{ maxLostSeconds: Infinity }, 'maxLostSeconds but received Infinity; '],
    [{ frameRate: 0 }, 'a number above 0 for frameRate but received 0; '],
    [{ frameRate: NaN }, 'received NaN; '],
    [{ preset: 'fast' as never }, 'conservative, balanced or aggressive for preset but received "fast"; '],
    [{ preset: 'toString' as never }, 'received "toString"; '],
    [{ compat: 'no' as never }, 'true or false for compat but received "no"; '],
    [{ affinity: 1 as never }, 'a function for affinity but received 1; '],
    [{ affinity: null as never }, 'a function for affinity but received null; '],
    [{ affinity: () => 1, minAffinity: 1.5 }, 'a number in [0, 1] for minAffinity but received 1.5; '],
    [{ minAffinity: 0.5 }, 'affinity beside minAffinity but received none; '],
  ])('%j are refused', (options, message) => {
    expect(() => createTracker(options)).toThrow(errorWith('INVALID_ARGUMENT', message));
    expect(() => createTracker(options)).toThrow(errorWith('INVALID_ARGUMENT', /^Expected .+ but received .+; .+\.$/));
  });

  it.each([
    [{ scoreTreshold: 0.4 }, 'did you mean highScoreThreshold?'],
    [{ maxlostseconds: 4 }, 'did you mean maxLostSeconds?'],
    // The names in other trackers.
    [{ track_thresh: 0.5 }, 'it is called highScoreThreshold here.'],
    [{ track_activation_threshold: 0.5 }, 'it is called highScoreThreshold here.'],
    [{ track_buffer: 30 }, 'it is called maxLostSeconds here, in seconds: frames / frame rate.'],
    [{ match_thresh: 0.8 }, 'it is called matchThreshold here.'],
    [{ zebra: 1 }, 'there are: preset, highScoreThreshold, '],
  ])('with unknown names are refused: %j', (options, hint) => {
    expect(() => createTracker(options as never)).toThrow(
      errorWith(
        'INVALID_ARGUMENT',
        'Expected a known name in the options of createTracker but received ' +
          `${JSON.stringify(Object.keys(options)[0])}; ${hint}`,
      ),
    );
  });

  it.each([[null], [5], ['balanced'], [[0.5]]])('that are %j are refused', (options) => {
    expect(() => createTracker(options as never)).toThrow(
      errorWith('INVALID_ARGUMENT', 'Expected an object for the options of createTracker but received '),
    );
  });

  it('of update are checked as well', () => {
    const tracker = createTracker();
    tracker.update([face(0)], 0);
    const before = tracker.snapshot();
    for (const [options, message] of [
      [{ moton: [1, 0, 0, 0, 1, 0] }, 'did you mean motion?'],
      [null, 'an object for the options of update'],
      [{ motion: null }, '[a, b, tx, c, d, ty]'],
      [{ motion: 0 }, '[a, b, tx, c, d, ty]'],
      [{ motion: 'left' }, '[a, b, tx, c, d, ty]'],
      [{ motion: Object.assign([1, 0, 0, 0, 1], { length: 6 }) }, '[a, b, tx, c, d, ty]'],
      [{ motion: [1e300, 0, 0, 0, 1e300, 0] }, '[a, b, tx, c, d, ty]'],
      [{ motion: [1e-160, 0, 0, 0, 1e-160, 0] }, '[a, b, tx, c, d, ty]'],
      [{ motion: [1, 0, 1e300, 0, 1, 0] }, '[a, b, tx, c, d, ty]'],
    ] as const) {
      expect(() => tracker.update([face(0)], 1 / 30, options as never)).toThrow(errorWith('INVALID_ARGUMENT', message));
    }
    // The options in place of the time.
    expect(() => tracker.update([face(0)], { motion: [1, 0, 0, 0, 1, 0] } as never)).toThrow(
      errorWith('INVALID_ARGUMENT', 'a timestamp in seconds but received {"motion"'),
    );
    expect(tracker.snapshot()).toEqual(before);
  });

  it('that are undefined have their default', () => {
    const names = [
      'preset',
      'highScoreThreshold',
      'lowScoreThreshold',
      'newTrackThreshold',
      'matchThreshold',
      'maxLostSeconds',
      'frameRate',
      'compat',
      'affinity',
      'minAffinity',
    ];
    const run = (options: TrackerOptions | undefined, update: object | undefined) => {
      const tracker = createTracker(options);
      return [0.3, 0.55, 0.95, 0.2].flatMap((score, i) =>
        tracker.update([face(i), face(200, score)], undefined, update as never),
      );
    };
    const expected = run(undefined, undefined);
    expect(
      run(Object.fromEntries(names.map((name) => [name, undefined])) as TrackerOptions, { motion: undefined }),
    ).toEqual(expected);
    for (const name of names) expect(run({ [name]: undefined } as TrackerOptions, {})).toEqual(expected);
  });

  it('are read once', () => {
    const options = { highScoreThreshold: 0.3 };
    const tracker = createTracker(options);
    options.highScoreThreshold = 0.95;
    expect(tracker.update([face(0, 0.5)])).toHaveLength(1);
  });

  it('of the presets start more tracks from conservative to aggressive', () => {
    const starts = (preset: TrackerPreset) =>
      createTracker({ preset }).update([0.4, 0.65, 0.8].map((score, k) => face(100 * k, score))).length;
    expect([starts('conservative'), starts('balanced'), starts('aggressive')]).toEqual([1, 2, 3]);
  });
});

describe('thresholds', () => {
  const given = [undefined, 0, 0.1, 0.35, 0.5, 0.65, 0.8, 0.91, 0.99, 1, 1.5] as const;
  const presets = Object.keys(PRESETS) as TrackerPreset[];

  it('that are accepted let a face with score 1 start and continue a track, for every preset', () => {
    let accepted = 0;
    const failing: TrackerOptions[] = [];
    for (const preset of presets) {
      for (const compat of [false, true]) {
        for (const highScoreThreshold of given) {
          for (const newTrackThreshold of given) {
            for (const lowScoreThreshold of given) {
              const options = JSON.parse(
                JSON.stringify({ preset, compat, highScoreThreshold, newTrackThreshold, lowScoreThreshold }),
              ) as TrackerOptions;
              let tracker;
              try {
                tracker = createTracker(options);
              } catch {
                continue;
              }
              accepted++;
              const [first, second] = [tracker.update([face(0, 1)]), tracker.update([face(0, 1)])];
              if (first.length !== 1 || second[0]?.id !== 1 || second[0]?.state !== 'tracked') failing.push(options);
            }
          }
        }
      }
    }
    expect(failing).toEqual([]);
    expect(accepted).toBeGreaterThan(500);
  });

  it('that are given alone are accepted for every score', () => {
    for (const preset of presets) {
      for (const highScoreThreshold of given.filter((value) => value !== undefined && value <= 1)) {
        expect(createTracker({ preset, highScoreThreshold: highScoreThreshold! }).update([face(0, 1)])).toHaveLength(1);
      }
    }
  });

  it('of new tracks are a margin above highScoreThreshold, at most halfway to 1', () => {
    const lowestStart = (options: TrackerOptions) =>
      [...Array(201).keys()]
        .map((k) => k / 200)
        .find((score) => createTracker(options).update([face(0, score + 1e-12 * (1 - score))]).length > 0);
    expect(lowestStart({})).toBe(0.6);
    expect(lowestStart({ highScoreThreshold: 0.91 })).toBe(0.955);
    expect(lowestStart({ highScoreThreshold: 1 })).toBe(1);
    expect(lowestStart({ preset: 'conservative' })).toBe(0.75);
    expect(lowestStart({ preset: 'aggressive' })).toBe(0.35);
    expect(lowestStart({ preset: 'aggressive', highScoreThreshold: 0.95 })).toBe(0.975);
    // The original's margin, at most 1.
    expect(lowestStart({ compat: true, highScoreThreshold: 0.85 })).toBe(0.95);
    expect(lowestStart({ compat: true, highScoreThreshold: 0.95 })).toBe(1);
  });

  it('in any combination are either refused or reachable', () => {
    const threshold = fc.oneof(
      fc.constant(undefined),
      fc.integer({ min: -50, max: 200 }).map((k) => k / 100),
      fc.constantFrom(0, 0.5, 1, NaN, Infinity),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...presets),
        fc.boolean(),
        threshold,
        threshold,
        threshold,
        (preset, compat, highScoreThreshold, newTrackThreshold, lowScoreThreshold) => {
          const options = {
            preset,
            compat,
            highScoreThreshold,
            newTrackThreshold,
            lowScoreThreshold,
          } as TrackerOptions;
          let tracker;
          try {
            tracker = createTracker(options);
          } catch (error) {
            expect(error).toEqual(errorWith('INVALID_ARGUMENT', /^Expected .+ but received .+; .+\.$/));
            return;
          }
          expect(tracker.update([face(0, 1)])).toHaveLength(1);
        },
      ),
    );
  });
});

it('a preset is a name, not a value that converts to one', () => {
  for (const preset of [['balanced'], { toString: 0 }, { toString: () => 'balanced' }] as unknown[])
    expect(() => createTracker({ preset: preset as TrackerPreset })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
});
