import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idRanges } from './id-ranges.ts';

describe('idRanges', () => {
  it('joins neighbors', () => {
    expect(idRanges([])).toBe('');
    expect(idRanges([3])).toBe('3');
    expect(idRanges([1, 2, 3, 4, 7, 9, 10])).toBe('1–4, 7, 9, 10');
  });

  it('counts what it does not name', () => {
    expect(idRanges([1, 3, 5, 7, 9], { maxRanges: 2 })).toBe('1, 3 and 3 more');
  });

  it('names every ID once, and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 })), (given) => {
        const ids = [...given].sort((a, b) => a - b);
        const read = idRanges(ids, { maxRanges: Infinity })
          .split(', ')
          .filter(Boolean)
          .flatMap((text) => {
            const [first, last = first] = text.split('–').map(Number) as [number, number?];
            return Array.from({ length: last - first + 1 }, (_, i) => first + i);
          });
        expect(read).toEqual(ids);
      }),
    );
  });
});
