import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tryLock, withLock, type LockOwner } from './file-lock.ts';

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

// The holder lives, and can't be seen from here: containers may share host name, folder and kernel, and no process IDs.
it.skipIf(process.platform !== 'linux')(
  'never takes a lock from a living process of another container or machine, whatever its number and host [Linux]',
  async () => {
    const lock = tryLock(path);
    if ('heldBy' in lock) throw new Error('the lock was free');
    const mine = JSON.parse(readFileSync(path, 'utf8')) as LockOwner;
    lock.release();
    expect(mine).toMatchObject({
      pid: process.pid,
      boot: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      pidNamespace: expect.stringMatching(/^pid:/) as string,
      started: expect.stringMatching(/^\d+$/) as string,
    });
    const nobody = 2 ** 22 + 1; // above the largest process ID of Linux
    const others: Partial<LockOwner>[] = [
      { ...mine, id: 'x', pid: nobody, pidNamespace: 'pid:[1]' },
      { ...mine, id: 'x', pid: nobody, boot: '00000000-0000-0000-0000-000000000000' },
      { ...mine, id: 'x', pid: 1, pidNamespace: 'pid:[1]', started: '1' },
      { id: 'x', pid: nobody, host: mine.host },
    ];
    for (const other of others) {
      writeFileSync(path, JSON.stringify(other));
      expect(tryLock(path)).toEqual({ heldBy: other });
      // Alive until it gives no sign for 30 s.
      utimesSync(path, new Date(), new Date(Date.now() - 25_000));
      expect(tryLock(path)).toEqual({ heldBy: other });
      utimesSync(path, new Date(), new Date(Date.now() - 31_000));
      const taken = tryLock(path);
      expect(taken).not.toHaveProperty('heldBy');
      if (!('heldBy' in taken)) taken.release();
    }
  },
);

it.skipIf(process.platform !== 'linux')(
  'takes over at once from a process of this container that has ended, also where its number is used again [Linux]',
  () => {
    const lock = tryLock(path);
    if ('heldBy' in lock) throw new Error('the lock was free');
    const mine = JSON.parse(readFileSync(path, 'utf8')) as LockOwner;
    expect(tryLock(path)).toHaveProperty('heldBy.pid', process.pid);
    lock.release();
    for (const dead of [
      { ...mine, pid: 2 ** 22 + 1 },
      { ...mine, started: '1' },
    ]) {
      writeFileSync(path, JSON.stringify(dead));
      const taken = tryLock(path);
      expect(taken).not.toHaveProperty('heldBy');
      if (!('heldBy' in taken)) taken.release();
    }
  },
);
