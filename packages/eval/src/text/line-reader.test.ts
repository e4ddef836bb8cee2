import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineReader } from './line-reader.ts';

function numbersOf(text: string, max = 16): number[] {
  const reader = lineReader(text, 'a.txt');
  const row = new Float64Array(max);
  const all: number[] = [];
  while (reader.nextFilled()) all.push(...row.subarray(0, reader.allNumbers(row, max, 'numbers')));
  return all;
}

describe('lineReader', () => {
  it('parses any number as Number does, to the last bit', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double({ noNaN: true, min: -1e300, max: 1e300 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.integer(),
        ),
        fc.integer({ min: 0, max: 12 }),
        (value, digits) => {
          for (const text of [String(value), value.toFixed(digits), value.toExponential(digits)])
            expect(numbersOf(text)).toEqual([Number(text)]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('accepts blanks, tabs, commas and carriage returns between numbers', () => {
    expect(numbersOf('1 2\t3\r\n4,5 , 6\n\n  7  \n.5 +8 -9. 1e3')).toEqual([1, 2, 3, 4, 5, 6, 7, 0.5, 8, -9, 1000]);
  });

  it.each(['1 two 3', '1 2x', '1 -', '1 . 2', '0x10', 'NaN', '1e999', '1,,2', '1 2 3 4'])('rejects %j', (line) => {
    expect(() => numbersOf(`1 2 3\n${line}`, 3)).toThrow(
      `a.txt, line 2: expected numbers but received ${JSON.stringify(line)}`,
    );
  });

  it('rejects a million digits followed by a letter without backtracking', () => {
    expect(() => numbersOf(`${'1'.repeat(1e6)}x`)).toThrow('a.txt, line 1: expected numbers but received "1111');
  });

  it('skips a byte order mark', () => {
    expect(numbersOf('\uFEFF1 2\n3')).toEqual([1, 2, 3]);
    expect(numbersOf('\uFEFF')).toEqual([]);
  });

  it('reports the end of the text', () => {
    for (const [text, lines] of [
      ['', 0],
      ['a', 1],
      ['a\n', 1],
      ['a\n\nb', 3],
      ['\n', 1],
    ] as const) {
      const reader = lineReader(text, 'a.txt');
      let count = 0;
      while (reader.next()) count++;
      expect(count, JSON.stringify(text)).toBe(lines);
    }
  });
});
