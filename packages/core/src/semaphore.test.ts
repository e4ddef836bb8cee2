import fc from 'fast-check';
import { expect, it } from 'vitest';
import { semaphore } from './semaphore.ts';

it('never grants more permits than its count, grants them in order, and skips aborted requests', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ aborts: fc.boolean(), turns: fc.integer({ min: 0, max: 4 }) }), { maxLength: 30 }),
      async (count, requests) => {
        const acquire = semaphore(count);
        const order: number[] = [];
        let held = 0;
        const uses = requests.map(async ({ aborts, turns }, i) => {
          const stop = new AbortController();
          const permit = acquire(stop.signal);
          if (aborts) stop.abort(i);
          try {
            const release = await permit;
            expect(++held).toBeLessThanOrEqual(count);
            order.push(i);
            for (let n = 0; n < turns; n++) await Promise.resolve();
            held--;
            release();
          } catch (reason) {
            expect(aborts && reason === i).toBe(true);
          }
        });
        await Promise.all(uses);
        const granted = requests.flatMap(({ aborts }, i) => (aborts ? [] : [i]));
        expect(order.filter((i) => !requests[i]!.aborts)).toEqual(granted);
        // All permits are free again.
        const all = await Promise.all(Array.from({ length: count }, () => acquire()));
        expect(all).toHaveLength(count);
      },
    ),
  );
});

it("rejects with the signal's reason", async () => {
  const acquire = semaphore(1);
  const reason = new Error('enough');
  await expect(acquire(AbortSignal.abort(reason))).rejects.toBe(reason);
});
