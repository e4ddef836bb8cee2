import type { Frame } from '@facedet/core';
import { describe, expect, it } from 'vitest';
import { FPS, faceAt, fakeDetector, frameAt } from './fixtures/film.fixture.ts';
import type { VideoDetectorOptions } from './types.ts';
import { createVideoDetector } from './video-detector.ts';

const MB = 1e6;

/** Frames of 1 MB that count how many are in memory; `failing` is the index of one whose reload fails. */
function heavyFilm(count: number, { fps = FPS, failing = -1, isUnloadable = true, byteLength = MB } = {}) {
  const state = { loaded: 0, most: 0, reloads: [] as number[], open: 0 };
  const load = (by: number) => {
    state.loaded += by;
    state.most = Math.max(state.most, state.loaded);
  };
  function* frames(): Generator<Frame, void, undefined> {
    for (let index = 0; index < count; index++) {
      let isLoaded = true;
      load(1);
      state.open++;
      yield {
        ...frameAt(index, index / fps),
        byteLength,
        ...(isUnloadable && {
          unload() {
            expect(isLoaded).toBe(true);
            isLoaded = false;
            load(-1);
          },
          async reload() {
            if (index === failing) throw new RangeError('gone');
            state.reloads.push(index);
            isLoaded = true;
            load(1);
          },
        }),
        close() {
          state.open--;
          if (isLoaded) load(-1);
        },
      } as unknown as Frame;
    }
  }
  return { frames, state };
}

async function collect(frames: Iterable<Frame>, options: Partial<VideoDetectorOptions>, concurrency = 1) {
  const { detector } = fakeDetector((i) => (i % 7 === 3 ? [] : [faceAt(100 + i, 80)]), { concurrency });
  const video = createVideoDetector({ detector, lookAhead: 1, ...options });
  const rows: unknown[] = [];
  let error: unknown;
  try {
    for await (const { frame: _, ...row } of video.run(frames)) rows.push(row);
  } catch (reason) {
    error = reason;
  }
  return { rows, error, statistics: video.statistics };
}

describe('frames held back', () => {
  it.each([25, 60, 240])(
    'are reloaded in order beyond the limit, and the results are the same: %i fps',
    async (fps) => {
      const unlimited = await collect(heavyFilm(600, { fps }).frames(), {});
      const { frames, state } = heavyFilm(600, { fps });
      const { rows, statistics } = await collect(frames(), { lookAheadBytes: 30 * MB });
      expect(rows).toEqual(unlimited.rows);
      expect(statistics.earlyResults).toBe(0);
      // Beside those of the limit: frames in front of the detector.
      expect(state.most).toBeLessThanOrEqual(30 + 5);
      expect(state.reloads).toEqual([...state.reloads].sort((a, b) => a - b));
      expect(state.reloads.length).toBe(fps === 25 ? 0 : 598);
      expect(state.open).toBe(0);
      expect(state.loaded).toBe(0);
    },
  );

  it('that cannot be reloaded may take four times as much, then results come early and are counted', async () => {
    const { frames, state } = heavyFilm(600, { fps: 240, isUnloadable: false });
    const { rows, statistics } = await collect(frames(), { lookAheadBytes: 20 * MB });
    expect(rows.length).toBe(600);
    expect(statistics.earlyResults).toBe(600 - 80);
    expect(state.most).toBeLessThanOrEqual(80 + 5);
    const enough = await collect(heavyFilm(600, { fps: 60, isUnloadable: false }).frames(), {
      lookAheadBytes: 20 * MB,
    });
    expect(enough.statistics.earlyResults).toBe(0);
  });

  it('end the run where one cannot be reloaded, after the results before it', async () => {
    const { frames, state } = heavyFilm(100, { fps: 60, failing: 20 });
    const { rows, error } = await collect(frames(), { lookAheadBytes: 0 });
    expect(error).toBeInstanceOf(RangeError);
    expect(rows.length).toBe(20);
    expect(state.open).toBe(0);
    expect(state.loaded).toBe(0);
  });

  it('are not unloaded without look-ahead', async () => {
    const { frames, state } = heavyFilm(20);
    await collect(frames(), { lookAhead: 0, lookAheadBytes: 0 });
    expect(state.reloads).toEqual([]);
  });

  it.each([NaN, -1, '5' as never])('refuse %s as limit', async (lookAheadBytes) => {
    const { detector } = fakeDetector(() => []);
    const options = { detector, lookAheadBytes };
    expect(() => createVideoDetector(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it.each([
    [1, 32],
    [3, 16],
    [25, 16],
  ])('ahead of the detector are fewer where they take %d MB each, with the same results', async (size, most) => {
    const options = { lookAhead: 0, detectEvery: 8 };
    const { frames, state } = heavyFilm(200, { byteLength: size * MB });
    const { rows } = await collect(frames(), options, 2);
    expect(rows).toEqual((await collect(heavyFilm(200).frames(), options, 2)).rows);
    expect(state.most).toBeGreaterThanOrEqual(most);
    expect(state.most).toBeLessThanOrEqual(most + 1);
    expect(state.open).toBe(0);
  });
});
