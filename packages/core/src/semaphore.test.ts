import fc from 'fast-check';
import { expect, it } from 'vitest';
import { semaphore } from './semaphore.ts';

it('never lets in more than its count, lets in everybody in order, and forgets who left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ leaves: fc.boolean(), turns: fc.integer({ min: 0, max: 4 }) }), { maxLength: 30 }),
      async (count, visitors) => {
        const enter = semaphore(count);
        const order: number[] = [];
        let inside = 0;
        const visits = visitors.map(async ({ leaves, turns }, i) => {
          const stop = new AbortController();
          const entry = enter(stop.signal);
          if (leaves) stop.abort(i);
          try {
            const release = await entry;
            expect(++inside).toBeLessThanOrEqual(count);
            order.push(i);
            for (let n = 0; n < turns; n++) await Promise.resolve();
            inside--;
            release();
          } catch (reason) {
            expect(leaves && reason === i).toBe(true);
          }
        });
        await Promise.all(visits);
        const stayed = visitors.flatMap(({ leaves }, i) => (leaves ? [] : [i]));
        expect(order.filter((i) => !visitors[i]!.leaves)).toEqual(stayed);
        // All places are free again.
        const all = await Promise.all(Array.from({ length: count }, () => enter()));
        expect(all).toHaveLength(count);
      },
    ),
  );
});

it("rejects with the signal's reason", async () => {
  const enter = semaphore(1);
  const reason = new Error('enough');
  await expect(enter(AbortSignal.abort(reason))).rejects.toBe(reason);
});
