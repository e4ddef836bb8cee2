import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOrder } from './in-order.ts';

describe('work in order', () => {
  it('gives all results in the order of the items, never more begun than allowed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 5 }), async (waits, limit) => {
        let open = 0;
        let most = 0;
        const results: number[] = [];
        const work = async ([i, turns]: [number, number]) => {
          most = Math.max(most, ++open);
          for (let k = 0; k < turns; k++) await Promise.resolve();
          open--;
          return i;
        };
        for await (const result of inOrder(
          waits.map((turns, i): [number, number] => [i, turns]),
          limit,
          work,
        ))
          results.push(result);
        expect(results).toEqual(waits.map((_, i) => i));
        expect(most).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('throws in turn, after what came before, and waits for what was begun', async () => {
    const seen: number[] = [];
    let ended = 0;
    const work = async (i: number) => {
      await new Promise((done) => setTimeout(done, 5 - i));
      ended++;
      if (i === 1) throw new Error('one');
      return i;
    };
    const all = (async () => {
      for await (const i of inOrder([0, 1, 2, 3], 3, work)) seen.push(i);
    })();
    await expect(all).rejects.toThrow('one');
    expect(seen).toEqual([0]);
    expect(ended).toBe(4);
  });
});
