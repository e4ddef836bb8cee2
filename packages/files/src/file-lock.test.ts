import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from './file-lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facedet-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('lets one in at a time, whatever happens inside, and leaves nothing', async () => {
  let inside = 0;
  let most = 0;
  let waited = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) =>
      withLock(path, { onWait: () => waited++ }, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside--;
        if (index % 2) throw new Error('failed inside');
        return index;
      }),
    ),
  );
  expect(most).toBe(1);
  expect(waited).toBe(7);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  expect(readdirSync(folder)).toEqual([]);
});

it('takes over from another machine that gave no sign of life, and from nobody that does', async () => {
  const elsewhere = JSON.stringify({ id: 'x', pid: 1, host: 'elsewhere' });
  writeFileSync(path, elsewhere);
  utimesSync(path, new Date(), new Date(Date.now() - 60_000));
  expect(await withLock(path, {}, async () => 'in')).toBe('in');

  writeFileSync(path, elsewhere);
  const reason = new Error('enough waiting');
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 300);
  await expect(withLock(path, { signal: controller.signal }, async () => 'in')).rejects.toBe(reason);
  expect(existsSync(path)).toBe(true);
});

it('takes over once where many wait', async () => {
  writeFileSync(path, JSON.stringify({ id: 'x', pid: 1, host: 'elsewhere' }));
  utimesSync(path, new Date(), new Date(Date.now() - 60_000));
  let inside = 0;
  const most: number[] = [];
  const work = async () => {
    most.push(++inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside--;
  };
  await Promise.all(Array.from({ length: 6 }, () => withLock(path, {}, work)));
  expect(most).toEqual([1, 1, 1, 1, 1, 1]);
});
