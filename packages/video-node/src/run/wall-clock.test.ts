import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWallClock } from './wall-clock.ts';

/** Times of day, in seconds, of frames that come at `now` with a timestamp. */
function timesOf(frames: readonly { now: number; timestamp: number }[]): number[] {
  let now = 0;
  const clock = createWallClock(() => now);
  return frames.map((frame) => {
    now = frame.now;
    return Date.parse(clock(frame.timestamp)) / 1000;
  });
}

describe('the time of day of a live source', () => {
  it('is not in the future when frames that waited with the sender come at once', () => {
    const burst = Array.from({ length: 50 }, (_, i) => ({ now: 100 + i * 0.001, timestamp: i * 0.04 }));
    const later = Array.from({ length: 50 }, (_, i) => ({ now: 100.05 + i * 0.04, timestamp: 2 + i * 0.04 }));
    const frames = [...burst, ...later];
    timesOf(frames).forEach((time, i) => expect(time).toBeLessThanOrEqual(frames[i]!.now + 0.001));
  });

  it('follows the source when frames come late now and then', () => {
    const late = [0, 0.3, 0, 0.8, 0.1, 0];
    const times = timesOf(late.map((delay, i) => ({ now: 100 + i + delay, timestamp: i })));
    times.forEach((time, i) => expect(time).toBeCloseTo(100 + i, 3));
  });

  it('is at most two seconds behind, never ahead, and never falls', () => {
    const step = fc.record({
      passed: fc.double({ min: 0, max: 5, noNaN: true }),
      ahead: fc.double({ min: 0.001, max: 5, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        let [now, timestamp] = [1000, 0];
        const frames = steps.map(({ passed, ahead }) => ({ now: (now += passed), timestamp: (timestamp += ahead) }));
        const times = timesOf(frames);
        times.forEach((time, i) => {
          expect(time).toBeLessThanOrEqual(frames[i]!.now + 0.001);
          expect(time).toBeGreaterThanOrEqual(frames[i]!.now - 2.001);
          if (i > 0) expect(time).toBeGreaterThanOrEqual(times[i - 1]!);
        });
      }),
    );
  });
});
