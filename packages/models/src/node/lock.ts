import { link, open, readFile, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Seconds between signs of life, and after how many without one a lock counts as left behind. */
const BEAT = 2;
const STALE = 30;

/** Options of `withLock`. */
export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Called once where somebody else holds the lock. */
  readonly onWait?: () => void;
}

/**
 * Runs `work` while no other process, and no other call in this one, holds the lock file. Locks of processes that died are taken over: at once on the same
 * machine, after half a minute without a sign of life elsewhere (shared folders).
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const owner = JSON.stringify({ id: randomUUID(), pid: process.pid, host: hostname() });
  for (let waited = 0; !(await acquire(path, owner)); waited++) {
    options.signal?.throwIfAborted();
    if (waited === 0) options.onWait?.();
    if (await leftBehind(path)) continue;
    await sleep(100, undefined, options.signal ? { signal: options.signal } : {}).catch(() => options.signal?.throwIfAborted());
  }
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), BEAT * 1000).unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if ((await content(path)) === owner) await rm(path, { force: true });
  }
}

async function acquire(path: string, owner: string): Promise<boolean> {
  // Written aside and linked into place: nobody ever sees a lock without its owner.
  const aside = `${path}.${randomUUID()}`;
  const file = await open(aside, 'wx');
  try {
    await file.writeFile(owner);
  } finally {
    await file.close();
  }
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // File systems without hard links: exclusive creation.
    const direct = await open(path, 'wx').catch((inner: NodeJS.ErrnoException) => {
      if (inner.code === 'EEXIST') return undefined;
      throw inner;
    });
    if (!direct) return false;
    await direct.writeFile(owner).finally(() => direct.close());
    return true;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Removes the lock if its owner is gone; true where it was worth another try at once. */
async function leftBehind(path: string): Promise<boolean> {
  const text = await content(path);
  if (text === undefined) return true;
  const age = await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
  if (!(age > STALE * 1000) && !diedHere(text)) return false;
  // Whoever renames it first takes it over; if in between it became somebody else's, it is put back.
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return true;
  }
  if ((await content(aside)) !== text) await link(aside, path).catch(() => {});
  await unlink(aside).catch(() => {});
  return true;
}

function diedHere(text: string): boolean {
  try {
    const { pid, host } = JSON.parse(text) as { pid: number; host: string };
    if (host !== hostname()) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function content(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
