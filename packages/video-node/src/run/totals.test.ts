import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Counter } from './totals.ts';

const row = (ids: readonly (number | null)[]) => ({ frame: 0, timestamp: 0, faces: ids.map((id) => ({ id })) }) as never;

it('goes on from its sums as if it had not been interrupted, wherever it was', () => {
  const rows = fc.array(fc.array(fc.option(fc.integer({ min: 1, max: 12 })), { maxLength: 4 }), { maxLength: 20 });
  fc.assert(
    fc.property(rows, fc.nat(20), (all, at) => {
      const [whole, first, second] = [new Counter(), new Counter(), new Counter()];
      for (const ids of all) whole.count(row(ids));
      for (const ids of all.slice(0, at)) first.count(row(ids));
      second.restore(JSON.parse(JSON.stringify(first.totals())) as never);
      for (const ids of all.slice(at)) second.count(row(ids));
      expect(second.totals()).toEqual(whole.totals());
      expect(second.identities).toBe(new Set(all.flat().filter((id) => id !== null)).size);
    }),
  );
});
