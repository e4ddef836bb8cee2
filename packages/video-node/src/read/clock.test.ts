import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClock } from './clock.ts';

const FRAME = 0.04;
const stampAll = (times: readonly (number | null)[], clock = createClock()) =>
  times.map((time) => clock.stamp(time, FRAME));
const gaps = (stamps: readonly number[]) => stamps.slice(1).map((time, i) => time - stamps[i]!);
const run = (start: number, count: number) => Array.from({ length: count }, (_, i) => start + i * FRAME);

/**
 * What a source does next: frames one frame time apart, behind a jump of its clock or a pause, early, late or untimed.
 */
const segment = fc.record({
  jump: fc.oneof(
    fc.constant(0),
    fc.double({ min: -1, max: 1, noNaN: true }),
    fc.double({ min: -4000, max: 4000, noNaN: true }),
  ),
  pause: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.double({ min: 0, max: 40, noNaN: true })),
  frames: fc.integer({ min: 1, max: 12 }),
  frameTime: fc.constantFrom(1 / 60, FRAME, 0.2),
  kind: fc.constantFrom('regular', 'untimed', 'swapped', 'twice'),
});

interface SourceFrame {
  readonly seconds: number | null;
  readonly frameTime: number;
  /** Seconds of wall-clock time. */
  readonly wall: number;
}

/** The frames of segments: a pause passes on the wall clock too, a jump only on the source's clock. */
function framesOf(segments: readonly (typeof segment extends fc.Arbitrary<infer T> ? T : never)[]): SourceFrame[] {
  let [seconds, wall] = [50, 1000];
  return segments.flatMap(({ jump, pause, frames, frameTime, kind }) => {
    seconds += jump + pause;
    wall += pause;
    return Array.from({ length: frames }, (_, i) => {
      seconds += frameTime;
      wall += frameTime;
      const swap = i % 2 === 0 ? frameTime : -frameTime;
      const times = {
        regular: seconds,
        untimed: null,
        swapped: seconds + swap,
        twice: seconds - (i % 2) * frameTime,
      };
      return { seconds: times[kind], frameTime, wall };
    });
  });
}

describe('clock', () => {
  it(
    'keeps its rules whatever the source does: times rise, frames keep their distance, and jumps of more than ten ' +
      'seconds are ignored',
    () => {
      const clocks = fc.constantFrom('file', 'discontinuous', 'live');
      fc.assert(
        fc.property(clocks, fc.array(segment, { minLength: 1, maxLength: 12 }), (kind, segments) => {
          const frames = framesOf(segments);
          let wall = 0;
          const clock = createClock({
            discontinuous: kind !== 'file',
            ...(kind === 'live' && { now: () => wall }),
          });
          const stamps = frames.map((frame) => {
            wall = frame.wall;
            return clock.stamp(frame.seconds, frame.frameTime);
          });
          expect(stamps[0]).toBe(0);
          frames.slice(1).forEach(({ frameTime, wall: now }, i) => {
            const gap = stamps[i + 1]! - stamps[i]!;
            const before = frames[i]!;
            expect(gap).toBeGreaterThanOrEqual(Math.min(frameTime / 2, 0.001) - 1e-9);
            if (kind === 'file') return;
            // What is believed at most: ten seconds and a frame, or the time that passed with half as much either way.
            const passed = kind === 'live' ? now - before.wall : 0;
            expect(gap).toBeLessThanOrEqual(Math.max(10 + 4 * frameTime, passed + 5 + 4 * frameTime) + 1e-6);
          });
        }),
        { numRuns: 500 },
      );
    },
  );

  it('crowds at most one frame at a jump of any size', () => {
    fc.assert(
      fc.property(fc.double({ min: -4000, max: 4000, noNaN: true }), fc.boolean(), (jump, discontinuous) => {
        const frames = framesOf([
          { jump: 0, pause: 0, frames: 12, frameTime: FRAME, kind: 'regular' },
          { jump, pause: 0, frames: 40, frameTime: FRAME, kind: 'regular' },
        ]);
        const clock = createClock({ discontinuous });
        const stamps = frames.map(({ seconds }) => clock.stamp(seconds, FRAME));
        expect(gaps(stamps).filter((gap) => gap < FRAME / 2 - 1e-6).length).toBeLessThanOrEqual(1);
        // Behind it the source's own spacing comes back.
        for (const gap of gaps(stamps.slice(-10))) expect(gap).toBeCloseTo(FRAME, 6);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps frames at least half a frame time apart when the clock jumps back by any time', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 5, noNaN: true }), fc.integer({ min: 2, max: 40 }), (back, before) => {
        const first = run(100, before);
        const stamps = stampAll([...first, ...run(first.at(-1)! + FRAME - back, 60)]);
        // A step back of less than a frame time is one short gap, as variable frame rates have them.
        const short = gaps(stamps).filter((gap) => gap < FRAME / 2 - 1e-6);
        expect(short.length).toBeLessThanOrEqual(back < FRAME ? 1 : 0);
        expect(stamps.at(-1)!).toBeLessThanOrEqual((before + 60) * FRAME + 1e-6);
      }),
    );
  });

  it('skips a jump ahead if the clock may jump, else keeps it as a long frame', () => {
    const times = [...run(0, 10), ...run(5000, 10)];
    const stamps = stampAll(times, createClock({ discontinuous: true }));
    for (const gap of gaps(stamps)) expect(gap).toBeCloseTo(FRAME, 6);
    expect(stampAll(times)[10]).toBe(5000);
  });

  it('keeps a gap of a live source only if it is as long as the time that passed', () => {
    let now = 0;
    const clock = createClock({ discontinuous: true, now: () => now });
    const at = (wall: number, source: number) => ((now = wall), clock.stamp(source, FRAME));
    expect(at(0, 0)).toBe(0);
    expect(at(30, 30)).toBe(30);
    // A clock that was set one hour ahead.
    expect(at(30.04, 3630.04)).toBeCloseTo(30.04, 6);
    expect(at(30.08, 3630.08)).toBeCloseTo(30.08, 6);
  });

  it('returns to its origin after one frame with a wrong time', () => {
    const clock = createClock();
    const stamps = stampAll([...run(10, 5), 9.5, ...run(10 + 6 * FRAME, 5)], clock);
    stamps.forEach((time, i) => expect(time).toBeCloseTo(i * FRAME, 6));
    expect(clock.origin).toBeCloseTo(10, 6);
  });
});
