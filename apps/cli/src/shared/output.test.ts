import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csv, csvField, jsonArray, jsonLines, round, table } from './output.ts';

async function written(use: (write: (text: string) => void) => Promise<void>): Promise<string> {
  let text = '';
  await use((part) => void (text += part));
  return text;
}

/** A slow RFC 4180 reader. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length;) {
    let field = '';
    if (text[at] === '"') {
      for (at++; !(text[at] === '"' && text[at + 1] !== '"'); at++) {
        if (text[at] === '"') at++;
        field += text[at];
      }
      at++;
    } else {
      while (text[at] !== ',' && text[at] !== '\n') field += text[at++];
    }
    row.push(field);
    if (text[at++] !== '\n') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('rows', () => {
  it('of a JSON array parse to what was written, also without rows', async () => {
    for (const values of [[], [1], [{ a: 'ü\n' }, null, [2]]]) {
      const text = await written(async (write) => {
        const rows = jsonArray<unknown>(write);
        for (const value of values) await rows.write(value);
        await rows.end();
      });
      expect(JSON.parse(text)).toEqual(values);
      expect(text.endsWith('\n')).toBe(true);
    }
  });

  it('of JSON Lines end with a line feed each', async () => {
    const text = await written(async (write) => {
      const rows = jsonLines<unknown>(write);
      await rows.write({ a: 1 });
      await rows.write({ a: 2 });
    });
    expect(text).toBe('{"a":1}\n{"a":2}\n');
  });

  it('of CSV read back as they were written, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.string(), { minLength: 2, maxLength: 2 })), async (values) => {
        const text = await written(async (write) => {
          const rows = csv(write, ['a', 'b']);
          for (const row of values) await rows.write(row);
          await rows.end();
        });
        expect(readCsv(text)).toEqual([['a', 'b'], ...values]);
      }),
    );
    expect(csvField(null)).toBe('');
  });

  it('of a table stand in columns, numbers to the right', () => {
    expect(
      table(
        ['name', 'n'],
        [
          ['a', 5],
          ['bcdef', 10],
        ],
      ),
    ).toBe('name    n\na       5\nbcdef  10\n');
  });

  it('hold short numbers', () => {
    expect(round(0.123456789, 5)).toBe(0.12346);
    expect(round(-1.0005, 2)).toBe(-1);
  });
});
