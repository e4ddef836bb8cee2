import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Counter } from './totals.ts';

const row = (ids: readonly (number | null)[]) =>
  ({ frame: 0, timestamp: 0, faces: ids.map((id) => ({ id })) }) as never;

it('goes on from its sums as if it had not been interrupted, wherever it was', () => {
  const rows = fc.array(fc.array(fc.option(fc.integer({ min: 1, max: 12 })), { maxLength: 4 }), { maxLength: 20 });
  fc.assert(
    fc.property(rows, fc.nat(20), (all, at) => {
      const [whole, first, second] = [new Counter(), new Counter(), new Counter()];
      const count = (counter: Counter, part: readonly (readonly (number | null)[])[], from: number) => {
        for (const [i, ids] of part.entries()) {
          counter.count(row(ids));
          if (ids.length === 1) counter.countDamage(from + i);
        }
      };
      count(whole, all, 0);
      count(first, all.slice(0, at), 0);
      second.restore(JSON.parse(JSON.stringify(first.totals())) as never);
      count(second, all.slice(at), Math.min(at, all.length));
      expect(second.totals()).toEqual(whole.totals());
      expect(second.identities).toBe(new Set(all.flat().filter((id) => id !== null)).size);
    }),
  );
});
