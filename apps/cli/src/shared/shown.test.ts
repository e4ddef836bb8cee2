import { expect, it } from 'vitest';
import { CommandError, describe, errorLine } from './errors.ts';
import { table } from './output.ts';
import { resultWriter } from './results.ts';
import { withoutName } from './video-errors.ts';
import type { Context } from './context.ts';

const camera = 'rtsp://admin:se@cret@10.0.0.1/1?token=abc';

it('names sources and foreign messages without credentials and escapes', () => {
  const error = new CommandError('STREAM_UNREADABLE', `${camera}: refused\u001b[31m\u2028by ${camera}`);
  expect(errorLine(error, `${camera}\u001b]0;x\u0007`)).toBe(
    'facedet: rtsp://***@10.0.0.1/1?token=***\\x1b]0;x\\x07: rtsp://***@10.0.0.1/1?token=***: ' +
      'refused\\x1b[31m by rtsp://***@10.0.0.1/1?token=*** [STREAM_UNREADABLE]',
  );
  expect(describe(new Error('a\u2028b')).message).toBe('a b');
  expect(
    (withoutName(new CommandError('X', 'rtsp://***@10.0.0.1/1?token=***: refused'), camera) as Error).message,
  ).toBe('refused');
  expect(table(['a'], [['\u001b[2J']])).toContain('\\x1b[2J');
});

it('keeps the given text in data but for credentials', async () => {
  const written: string[] = [];
  const colors = { bold: (text: string) => text, dim: (text: string) => text };
  const context = { write: (text: string) => void written.push(text), log() {}, colors } as unknown as Context;
  for (const flags of [{ json: true }, { jsonl: true }, { csv: true }, {}]) {
    const rows = resultWriter(context, flags);
    await rows.write({
      source: `${camera}&n=a\u2028b`,
      width: 1,
      height: 1,
      faces: [{ box: { x: 0, y: 0, width: 1, height: 1 }, score: 1 }],
    });
    await rows.write({ source: camera, error: { code: 'X', message: 'y' } });
    await rows.end();
  }
  expect(written.join('')).not.toMatch(/admin|cret|abc/);
  expect(JSON.parse(written[0]!.slice(2))).toMatchObject({ source: 'rtsp://***@10.0.0.1/1?token=***&n=a\u2028b' });
});

it('reads a message of a million blanks in linear time', () => {
  expect(describe(new Error(`x${' '.repeat(1e6)}y`)).message.length).toBeLessThanOrEqual(1000);
});
