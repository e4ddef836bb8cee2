import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClock } from './clock.ts';

const FRAME = 0.04;
const stampAll = (times: readonly (number | null)[], clock = createClock()) =>
  times.map((time) => clock.stamp(time, FRAME));
const gaps = (stamps: readonly number[]) => stamps.slice(1).map((time, i) => time - stamps[i]!);
const run = (start: number, count: number) => Array.from({ length: count }, (_, i) => start + i * FRAME);

describe('clock', () => {
  it('keeps frames at least half a frame time apart when the clock jumps back, by whatever', () => {
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

  it('goes on over a jump ahead where a clock may jump, and believes a long picture elsewhere', () => {
    const times = [...run(0, 10), ...run(5000, 10)];
    const stamps = stampAll(times, createClock({ discontinuous: true }));
    for (const gap of gaps(stamps)) expect(gap).toBeCloseTo(FRAME, 6);
    expect(stampAll(times)[10]).toBe(5000);
  });

  it('believes a gap of a live source that is as long as the time that passed, and no other', () => {
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
