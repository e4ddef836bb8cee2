import { FaceDetError, type Face, type Frame } from '@facedet/core';
import { createSmoother } from '@facedet/temporal';
import { createTracker } from '@facedet/tracker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faceAt, fakeDetector, film, FPS, frameAt, landmarksOf } from './fixtures/film.fixture.ts';
import type { FrameResult, VideoDetector, VideoDetectorOptions, VideoSnapshot } from './types.ts';
import { createVideoDetector } from './video-detector.ts';

/** Two people. One disappears at times, so that track IDs, gaps and scores all matter. */
const scene = (index: number): Face[] => [
  faceAt(50 + 4 * index, 80),
  ...(index % 13 < 9 ? [faceAt(500 - 3 * index, 200, index % 5 ? 0.9 : 0.2)] : []),
];
const withLandmarks = (index: number) => scene(index).map((face) => ({ ...face, landmarks: landmarksOf(face) }));

type Row = Omit<FrameResult, 'frame'>;
const rowOf = ({ frame: _, ...row }: FrameResult): Row => row;
const make = (options: Partial<VideoDetectorOptions> = {}) =>
  createVideoDetector({
    detector: fakeDetector(withLandmarks, { scoreThreshold: 0.1, concurrency: 2 }).detector,
    ...options,
  });

async function all(video: VideoDetector, frames: Iterable<Frame>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const result of video.run(frames)) rows.push(rowOf(result));
  return rows;
}

const coded = (code: string) => expect.objectContaining({ name: 'FaceDetError', code });
const modes: [string, () => Partial<VideoDetectorOptions>][] = [
  ['every frame', () => ({})],
  ['every third frame', () => ({ detectEvery: 3 })],
  ["'auto'", () => ({ detectEvery: 'auto' })],
  ['look-ahead', () => ({ lookAhead: 0.2, detectEvery: 2 })],
  ['crops', () => ({ detectEvery: 4, refine: true })],
  ['no tracker', () => ({ tracker: false })],
  ["the caller's tracker and smoother", () => ({ tracker: createTracker<Face>(), smoother: createSmoother() })],
];

describe.each(modes)('a second run, %s,', (_, options) => {
  it('begins a new video: the same rows again, IDs from 1', async () => {
    const video = make(options());
    const first = await all(video, film(30));
    expect(first).toHaveLength(30);
    expect(await all(video, film(30))).toEqual(first);
    expect(video.statistics.totalFrames).toBe(30);
  });

  it('begins a new video after one that was left, failed or aborted', async () => {
    const video = make(options());
    const whole = await all(video, film(20));
    for await (const { index } of video.run(film(20))) if (index === 7) break;
    expect(await all(video, film(20))).toEqual(whole);
    async function* broken() {
      yield* film(9);
      throw new FaceDetError('VIDEO_BROKEN', 'Expected a frame but received none.');
    }
    await expect(
      (async () => {
        for await (const _result of video.run(broken()));
      })(),
    ).rejects.toThrow(coded('VIDEO_BROKEN'));
    expect(await all(video, film(20))).toEqual(whole);
    const controller = new AbortController();
    await expect(
      (async () => {
        for await (const { index } of video.run(film(20), { signal: controller.signal }))
          if (index === 4) controller.abort(new Error('enough'));
      })(),
    ).rejects.toThrow('enough');
    expect(await all(video, film(20))).toEqual(whole);
  });

  it('goes on where restore() came before it', async () => {
    const video = make(options());
    const whole = await all(video, film(30));
    for await (const { index } of video.run(film(30))) if (index === 11) break;
    video.restore(JSON.parse(JSON.stringify(video.snapshot())) as VideoSnapshot);
    expect((await all(video, film(30, 12))).map(({ index, faces }) => ({ index, faces }))).toEqual(
      whole.slice(12).map(({ index, faces }) => ({ index, faces })),
    );
    expect(await all(video, film(30))).toEqual(whole);
  });
});

describe('frames of another video', () => {
  it('are refused by process() with the next step, and taken after reset()', async () => {
    const video = make();
    const rows = [];
    for (const frame of film(6)) rows.push(rowOf(await video.process(frame)));
    for (const index of [0, 5])
      await expect(video.process(frameAt(index))).rejects.toThrow(
        expect.objectContaining({ code: 'INDEX_NOT_RISING', message: expect.stringContaining('call reset()') }),
      );
    await expect(video.process(frameAt(6, 0))).rejects.toThrow(coded('TIMESTAMP_NOT_INCREASING'));
    video.reset();
    const again = [];
    for (const frame of film(6)) again.push(rowOf(await video.process(frame)));
    expect(again).toEqual(rows);
  });

  it('are refused by a restored run that none of them continues', async () => {
    const video = make();
    for await (const { index } of video.run(film(30))) if (index === 20) break;
    video.restore(video.snapshot());
    await expect(all(video, film(10))).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('after index 20') }),
    );
    // A video that ended where the snapshot was taken has no more rows.
    video.restore({ ...video.snapshot(), lastIndex: 9, processed: 9 });
    expect(await all(video, film(10))).toEqual([]);
  });

  it.each([
    ['an index twice', [0, 1, 1]],
    ['an index that falls', [0, 3, 2]],
    ['no index', [0, undefined]],
    ['half an index', [0, 0.5]],
  ])('%s ends a run, after the rows before', async (_, indices) => {
    const closed: unknown[] = [];
    const frames = indices.map(
      (index, k) => ({ ...frameAt(k), index, close: () => closed.push(index) }) as unknown as Frame,
    );
    const received: number[] = [];
    await expect(
      (async () => {
        for await (const { index } of make().run(frames)) received.push(index);
      })(),
    ).rejects.toThrow(
      coded(indices.at(-1) !== undefined && Number.isInteger(indices.at(-1)) ? 'INDEX_NOT_RISING' : 'INVALID_ARGUMENT'),
    );
    expect(received).toEqual(indices.slice(0, -1));
    expect(closed).toEqual(indices);
  });

  it.each([undefined, null, 7, {}, 'frames'])('%j instead of frames is refused', async (frames) => {
    const video = make();
    await expect(all(video, frames as never)).rejects.toThrow(coded('INVALID_ARGUMENT'));
    await expect(video.process(frames as never)).rejects.toThrow(coded('INVALID_ARGUMENT'));
    expect(await all(video, film(3))).toHaveLength(3);
  });
});

describe('two calls at once', () => {
  const busy = (call: string, active: string) =>
    expect.objectContaining({
      code: 'BUSY',
      message: expect.stringContaining(`received ${call}() while ${active}() is in progress`),
    });

  it('of run are refused; the first goes on', async () => {
    const video = make();
    const first = video.run(film(10));
    await first.next();
    await expect(video.run(film(10)).next()).rejects.toThrow(busy('run', 'run'));
    await expect(video.process(frameAt(3))).rejects.toThrow(busy('process', 'run'));
    expect(() => video.restore(video.snapshot())).toThrow(busy('restore', 'run'));
    expect(() => video.reset()).toThrow(busy('reset', 'run'));
    const rest = [];
    for await (const { index } of first) rest.push(index);
    expect(rest).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await all(video, film(10))).toHaveLength(10);
  });

  it('of process are refused; the first is answered', async () => {
    const video = make();
    const [first, second, third] = await Promise.allSettled([
      video.process(frameAt(1)),
      video.process(frameAt(2)),
      video.run(film(10)).next(),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { index: 1, faces: [{ id: 1 }, { id: 2 }] } });
    expect(second).toEqual({ status: 'rejected', reason: busy('process', 'process') });
    expect(third).toEqual({ status: 'rejected', reason: busy('run', 'process') });
    const next = video.process(frameAt(2));
    expect(() => video.reset()).toThrow(busy('reset', 'process'));
    expect((await next).faces).toHaveLength(2);
  });

  it('are none where a run was made and never begun', async () => {
    const video = make();
    const [first, second] = [video.run(film(3)), video.run(film(3))];
    video.run(film(3));
    const counts = [0, 0];
    for await (const _result of second) counts[1]!++;
    for await (const _result of first) counts[0]!++;
    expect(counts).toEqual([3, 3]);
  });
});

describe('any order of calls', () => {
  type Call = 'run' | 'next' | 'break' | 'abort' | 'process' | 'stale' | 'snapshot' | 'restore' | 'reset' | 'rival';
  const whileRunning: Call[] = ['run', 'next', 'next', 'next', 'break', 'abort', 'snapshot', 'restore', 'reset'];
  const single: Call[] = ['process', 'process', 'stale', 'rival'];
  const LENGTH = 40;

  it.each([
    ['every frame', {}],
    ['every third frame', { detectEvery: 3 }],
    ["'auto'", { detectEvery: 'auto' as const }],
    ['look-ahead, without process()', { detectEvery: 2, lookAhead: 0.3 }],
  ])('gives the rows of one undisturbed run, or an error with a code: %s', async (_, options) => {
    // One call in flight, so that 'auto' decides from the same results in run and in process.
    const fresh = () => make({ ...options, detector: fakeDetector(withLandmarks, { scoreThreshold: 0.1 }).detector });
    const whole = await all(fresh(), film(LENGTH));
    // process() gives results without look-ahead: they are others than a run's.
    const calls = fc.constantFrom(...whileRunning, ...('lookAhead' in options ? [] : single));
    await fc.assert(
      fc.asyncProperty(fc.array(calls, { minLength: 5, maxLength: 40 }), async (sequence) => {
        const video = fresh();
        // The model: where the video is, and the run that is active.
        let at = 0;
        let used = false;
        let active: { iterator: AsyncGenerator<FrameResult>; controller: AbortController } | null = null;
        let saved: { snapshot: VideoSnapshot; at: number } | null = null;
        const problems: unknown[] = [];
        const same = (result: FrameResult) => {
          if (result.index !== at || JSON.stringify(rowOf(result)) !== JSON.stringify(whole[at]))
            problems.push([result.index, at]);
          at++;
        };
        const fails = async (promise: Promise<unknown>, code: string) => {
          const error = await promise.then(
            () => null,
            (e: unknown) => e,
          );
          if ((error as FaceDetError | null)?.code !== code) problems.push([code, error]);
        };
        for (const call of sequence) {
          if (call === 'run') {
            if (active) {
              await fails(video.run(film(LENGTH)).next(), 'BUSY');
              continue;
            }
            const controller = new AbortController();
            if (used) at = 0;
            used = true;
            active = { controller, iterator: video.run(film(LENGTH, at), { signal: controller.signal }) };
            // Begin it: nothing happens before the first result is asked for.
            const { value, done } = await active.iterator.next();
            if (done) active = null;
            else same(value);
          } else if (call === 'next' && active) {
            const { value, done } = await active.iterator.next();
            if (done) active = null;
            else same(value);
          } else if (call === 'break' && active) {
            await active.iterator.return(undefined);
            active = null;
          } else if (call === 'abort' && active) {
            active.controller.abort(new FaceDetError('TEST_ABORT', 'Expected no more but received a frame.'));
            await fails(active.iterator.next(), 'TEST_ABORT');
            active = null;
          } else if (call === 'process' && at < LENGTH) {
            if (active) await fails(video.process(frameAt(at)), 'BUSY');
            else {
              used = true;
              same(await video.process(frameAt(at)));
            }
          } else if (call === 'stale' && !active && at > 0) {
            await fails(video.process(frameAt(at - 1)), 'INDEX_NOT_RISING');
          } else if (call === 'snapshot') {
            saved = { snapshot: JSON.parse(JSON.stringify(video.snapshot())) as VideoSnapshot, at };
          } else if (call === 'restore' && saved) {
            if (active) await fails((async () => video.restore(saved.snapshot))(), 'BUSY');
            else {
              video.restore(saved.snapshot);
              ({ at } = saved);
              used = false;
            }
          } else if (call === 'reset') {
            if (active) await fails((async () => video.reset())(), 'BUSY');
            else {
              video.reset();
              at = 0;
              used = false;
            }
          } else if (call === 'rival' && !active && at < LENGTH) {
            used = true;
            const first = video.process(frameAt(at));
            await fails(video.process(frameAt(at)), 'BUSY');
            same(await first);
          }
        }
        await active?.iterator.return(undefined);
        expect(problems).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a frame that fails', () => {
  type Failure =
    | 'throws'
    | 'aborted'
    | 'box'
    | 'side'
    | 'score'
    | 'landmarks'
    | 'few landmarks'
    | 'no array'
    | 'nothing'
    | 'time'
    | 'index';
  const failures: Failure[] = [
    'throws',
    'aborted',
    'box',
    'side',
    'score',
    'landmarks',
    'few landmarks',
    'no array',
    'nothing',
    'time',
    'index',
  ];
  const code: Record<Failure, string> = {
    throws: 'WORKER_CRASHED',
    aborted: 'TEST_ABORT',
    box: 'INVALID_DETECTION',
    side: 'INVALID_DETECTION',
    score: 'INVALID_DETECTION',
    landmarks: 'INVALID_DETECTION',
    'few landmarks': 'INVALID_DETECTION',
    'no array': 'INVALID_DETECTION',
    nothing: 'INVALID_DETECTION',
    time: 'TIMESTAMP_NOT_INCREASING',
    index: 'INDEX_NOT_RISING',
  };

  /** What a detector returns that fails so. */
  function spoiled(failure: Failure, index: number): unknown {
    const [face, ...rest] = withLandmarks(index);
    if (failure === 'throws') throw new FaceDetError('WORKER_CRASHED', 'Expected a worker but received none.');
    if (failure === 'box') return [...rest, { ...face, box: { ...face!.box, x: NaN } }];
    if (failure === 'side') return [{ ...face, box: { ...face!.box, width: -1 } }, ...rest];
    if (failure === 'score') return [...rest, { ...face, score: 1.5 }];
    if (failure === 'landmarks')
      return [...rest, { ...face, landmarks: face!.landmarks.map((p, k) => (k === 3 ? { ...p, y: NaN } : p)) }];
    if (failure === 'few landmarks') return [{ ...face, landmarks: face!.landmarks.slice(1) }, ...rest];
    if (failure === 'no array') return { faces: [face] };
    if (failure === 'nothing') return undefined;
    return [face, ...rest];
  }

  it.each(modes.filter(([name]) => name !== 'look-ahead'))(
    'leaves all later results as if it had not been there: %s',
    async (_, options) => {
      let failing: Failure | null = null;
      const { detector } = fakeDetector((index) => (failing ? spoiled(failing, index) : withLandmarks(index)), {
        scoreThreshold: 0.1,
      });
      const whole = await all(make({ ...options(), detector }), film(25));
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(24), fc.constantFrom(...failures)), { minLength: 1, maxLength: 12 }),
          async (plan) => {
            const video = make({ ...options(), detector });
            const rows: Row[] = [];
            const problems: unknown[] = [];
            for (const frame of film(25)) {
              for (const [at, failure] of plan) {
                if (at !== frame.index) continue;
                failing = failure;
                const bad =
                  failure === 'time'
                    ? frameAt(at, at / FPS - 1)
                    : failure === 'index'
                      ? frameAt(at - 1, at / FPS)
                      : frame;
                const signal =
                  failure === 'aborted'
                    ? {
                        signal: AbortSignal.abort(
                          new FaceDetError('TEST_ABORT', 'Expected no more but received a frame.'),
                        ),
                      }
                    : {};
                // A frame in which the detector does not run, or the first one, may pass some of these: then it is no
                // failure.
                const before = JSON.stringify(video.snapshot());
                const error = await video.process(bad, signal).then(
                  () => null,
                  (e: unknown) => e as FaceDetError,
                );
                failing = null;
                if (error === null) video.restore(JSON.parse(before) as VideoSnapshot);
                else if (error.code !== code[failure] && !(failure === 'index' && at === 0))
                  problems.push([at, failure, error]);
                else if (JSON.stringify(video.snapshot()) !== before) problems.push([at, failure, 'state changed']);
              }
              rows.push(rowOf(await video.process(frame)));
            }
            expect(problems).toEqual([]);
            expect(rows).toEqual(whole);
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('names the detection', async () => {
    const { detector } = fakeDetector((index) => spoiled('landmarks', index), { scoreThreshold: 0.1 });
    await expect(make({ detector }).process(frameAt(1))).rejects.toThrow(
      expect.objectContaining({
        code: 'INVALID_DETECTION',
        message: expect.stringMatching(
          /^Expected five points .* detection 1 but received .*; check what the detector returns\.$/,
        ),
      }),
    );
    await expect(make({ detector, tracker: false }).process(frameAt(1))).rejects.toThrow(coded('INVALID_DETECTION'));
  });

  it('in a shot cut does not end the tracks', async () => {
    let at = 0;
    const smoother = createSmoother();
    const failingSmoother = {
      ...smoother,
      smooth: <T extends Parameters<typeof smoother.smooth>[0][number]>(
        faces: readonly T[],
        timestamp: number,
      ): T[] => {
        if (at === 10) throw new Error('no');
        return smoother.smooth(faces, timestamp);
      },
    };
    const video = make({ smoother: failingSmoother as never });
    const changed = (frame: Frame, level: number): Frame =>
      ({
        ...frame,
        rasterize: async (width: number, height: number) => {
          const data = new Uint8Array(width * height * 3).map((_, i) => ((i / (3 * width)) & 8 ? level : 255 - level));
          data.set([0, frame.index]);
          return { width, height, format: 'rgb' as const, data };
        },
      }) as Frame;
    for (at = 0; at < 10; at++) await video.process(frameAt(at));
    const before = JSON.stringify(video.snapshot());
    await expect(video.process(changed(frameAt(10), 20))).rejects.toThrow('no');
    expect(JSON.stringify(video.snapshot())).toBe(before);
    at = 11;
    expect((await video.process(frameAt(11))).faces.map(({ id }) => id)).toContain(1);
  });

  it('skipped, changes no later row either', async () => {
    const bad = new Map<number, Failure>([
      [4, 'throws'],
      [9, 'landmarks'],
      [10, 'box'],
      [17, 'score'],
      [18, 'nothing'],
    ]);
    const { detector } = fakeDetector(
      (index) => (bad.has(index) ? spoiled(bad.get(index)!, index) : withLandmarks(index)),
      { scoreThreshold: 0.1 },
    );
    const rows = await all(make({ detector, onError: 'skip', smoother: false }), film(25));
    const without = await all(
      make({ smoother: false }),
      [...film(25)].filter(({ index }) => !bad.has(index)),
    );
    expect(
      rows
        .filter(({ error }) => error)
        .map(({ index, faces }) => [index, faces.every(({ state }) => state === 'predicted') && faces.length > 0]),
    ).toEqual([...bad.keys()].map((index) => [index, true]));
    expect(rows.filter(({ index }) => !bad.has(index))).toEqual(without);
  });
});

describe('restore', () => {
  it('of anything but a snapshot is refused and changes nothing', async () => {
    const video = make({ detectEvery: 'auto', lookAhead: 0.2 });
    for await (const { index } of video.run(film(20))) if (index === 9) break;
    const good = JSON.stringify(video.snapshot());
    const parts = Object.keys(JSON.parse(good) as object);
    fc.assert(
      fc.property(
        fc.constantFrom(...parts),
        fc.oneof(
          fc.constantFrom(undefined, null, -3, NaN, 'x', {}, [], [null], [1], [{ index: 3 }], [[]]),
          fc.jsonValue(),
        ),
        (part, value) => {
          const before = JSON.stringify(video.snapshot());
          try {
            video.restore({ ...(JSON.parse(good) as object), [part]: value } as never);
            video.restore(JSON.parse(good) as VideoSnapshot);
          } catch (error) {
            expect(error).toEqual(coded('INVALID_SNAPSHOT'));
            expect((error as Error).message.length).toBeLessThan(1000);
            expect(JSON.stringify(video.snapshot())).toBe(before);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('what would be half taken in', () => {
  it('a frame without a timestamp changes nothing', async () => {
    for (const options of [{}, { smoother: false }] as const) {
      const video = make(options);
      await video.process(frameAt(0));
      const before = video.snapshot();
      const frame = { ...frameAt(1), timestamp: undefined as never };
      await expect(video.process(frame)).rejects.toThrow(coded('INVALID_ARGUMENT'));
      await expect(video.process(frame)).rejects.toThrow('a timestamp in seconds for frame 1 but received undefined');
      expect(video.snapshot()).toEqual(before);
      expect((await video.process(frameAt(1))).faces[0]?.id).toBe(1);
    }
  });

  it('landmarks with holes are no landmarks', async () => {
    const landmarks = new Array(5).fill({ x: 1, y: 1 }, 1) as never;
    const video = make({ detector: fakeDetector(() => [{ ...faceAt(50, 80), landmarks }]).detector });
    await expect(video.process(frameAt(0))).rejects.toThrow(coded('INVALID_DETECTION'));
  });

  it.each<[object, string]>([
    [{ signal: 5 }, 'an AbortSignal for signal but received 5'],
    [{ signal: {} }, 'an AbortSignal for signal but received {}'],
    [{ onProgress: 5 }, 'a function for onProgress but received 5'],
  ])('%j of a call is refused before a frame is read', async (options, words) => {
    const video = make();
    const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(words) });
    await expect(video.run(film(3), options as never).next()).rejects.toThrow(refusal);
    if ('signal' in options) await expect(video.process(frameAt(0), options as never)).rejects.toThrow(refusal);
    expect(await all(video, film(3))).toHaveLength(3);
  });

  it.each([{ [Symbol.asyncIterator]: 5 }, { [Symbol.iterator]: null }])('no iterable', async (source) => {
    await expect(
      make()
        .run(source as never)
        .next(),
    ).rejects.toThrow(coded('INVALID_ARGUMENT'));
  });
});

describe('statistics of a restored run', () => {
  it('are of that run alone', async () => {
    const video = make();
    let snapshot: VideoSnapshot | undefined;
    for await (const { index } of video.run(film(20))) if (index === 9) snapshot = video.snapshot();
    video.restore(snapshot!);
    expect(await all(video, film(20))).toHaveLength(10);
    expect(video.statistics).toMatchObject({ totalFrames: 10, detectedFrames: 10 });
  });
});

describe('timestamps in milliseconds', () => {
  it.each([
    ['the default tracker', undefined],
    ["the caller's tracker", createTracker<Face>()],
  ])('are reported with every frame, not with one of them: %s', async (_, tracker) => {
    const video = make({ onError: 'skip', ...(tracker && { tracker }) });
    const codes: unknown[] = [];
    const frames = [...film(12)].map((frame) => ({ ...frame, timestamp: 1000 * frame.timestamp }));
    for await (const { error } of video.run(frames)) codes.push((error as FaceDetError | undefined)?.code);
    expect(codes.slice(3)).toEqual(new Array(9).fill('TIME_NOT_SECONDS'));
  });
});

describe('a snapshot of another release', () => {
  it('is refused with what it lacks', async () => {
    const video = make();
    await video.process(frameAt(0));
    const { orientation: _, visibleIds: __, ...old } = video.snapshot();
    expect(() => video.restore(old as never)).toThrow(
      'version 1, but received one without visibleIds, orientation; start from the beginning instead.',
    );
  });
});
