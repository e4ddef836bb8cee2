import { randomUUID } from 'node:crypto';
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Seconds between signs of life of a holder. */
const BEAT = 2;
/** Seconds without a sign of life after which a holder that can't be seen from here counts as dead. */
const STALE = 30;

/** Who holds a lock, as its file says. */
export interface LockOwner {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  /** Of the running kernel; differs between machines and between starts of one. Linux only. */
  readonly boot?: string;
  /** Containers may share the host's name and not its process IDs. Linux only. */
  readonly pidNamespace?: string;
  /** When the process started, in ticks: process IDs are used again. Linux only. */
  readonly started?: string;
}

/** A lock that is held. */
export interface FileLock {
  readonly path: string;
  /** Lets go of the lock; further calls do nothing. */
  release(): void;
}

/**
 * Takes the lock file at `path`, or returns who holds it. A holder in the same process ID space counts as dead when its
 * process has ended; any other (another container, another machine on a shared folder) after 30 seconds without a sign
 * of life. Throws the errors of the file system.
 */
export function tryLock(path: string): FileLock | { readonly heldBy: Partial<LockOwner> } {
  const owner = thisProcess();
  const text = JSON.stringify(owner);
  // A lock that was left behind is removed and tried again; others may be doing the same.
  for (let attempt = 0; attempt < 20; attempt++) {
    if (create(path, text)) return hold(path, text);
    const held = content(path);
    if (held === undefined) continue;
    if (!isAbandoned(path, held)) return { heldBy: parse(held) ?? {} };
    remove(path, held);
  }
  return { heldBy: parse(content(path) ?? '') ?? {} };
}

/** Options of `withLock`. */
export interface WithLockOptions {
  readonly signal?: AbortSignal;
  /** Called once where another process or call holds the lock. */
  readonly onWait?: () => void;
}

/** Runs `work` while no other process, and no other call in this one, holds the lock file; waits until it is free. */
export async function withLock<T>(path: string, options: WithLockOptions, work: () => Promise<T>): Promise<T> {
  let lock = tryLock(path);
  if ('heldBy' in lock) options.onWait?.();
  while ('heldBy' in lock) {
    options.signal?.throwIfAborted();
    await sleep(100, undefined, options.signal ? { signal: options.signal } : {}).catch(() =>
      options.signal?.throwIfAborted(),
    );
    lock = tryLock(path);
  }
  try {
    options.signal?.throwIfAborted();
    return await work();
  } finally {
    lock.release();
  }
}

/** The holder of a lock in a message. */
export function describeOwner({ pid, host }: Partial<LockOwner>): string {
  if (typeof pid !== 'number') return 'another process';
  if (pid === process.pid && host === hostname()) return 'this process';
  return `process ${pid}${typeof host === 'string' && host !== hostname() ? ` on ${host.slice(0, 64)}` : ''}`;
}

function hold(path: string, text: string): FileLock {
  const beat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // A folder that was removed; the work itself will say so.
    }
  }, BEAT * 1000).unref();
  let isHeld = true;
  return {
    path,
    release() {
      if (!isHeld) return;
      isHeld = false;
      clearInterval(beat);
      if (content(path) === text) rmSync(path, { force: true });
    },
  };
}

/** Creates the lock with its content at once: written aside and linked into place, so that no lock is without owner. */
function create(path: string, text: string): boolean {
  const aside = asideOf(path);
  writeNew(aside, text);
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // File systems without hard links: exclusive creation.
    try {
      writeNew(path, text);
      return true;
    } catch (inner) {
      if (codeOf(inner) === 'EEXIST') return false;
      throw inner;
    }
  } finally {
    rmSync(aside, { force: true });
  }
}

/** A name beside the lock; not made of the lock's, which may be as long as names can be. */
function asideOf(path: string): string {
  return join(dirname(path), `.${randomUUID()}.lock`);
}

function writeNew(path: string, text: string): void {
  const file = openSync(path, 'wx');
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}

/** Removes an abandoned lock: renames it first, so that a lock taken by another run in between can be put back. */
function remove(path: string, abandoned: string): void {
  const aside = asideOf(path);
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  try {
    if (content(aside) !== abandoned) linkSync(aside, path);
  } catch {
    // Another run holds a new lock already.
  }
  try {
    unlinkSync(aside);
  } catch {
    // Gone.
  }
}

function isAbandoned(path: string, text: string): boolean {
  const owner = parse(text);
  const here = thisProcess();
  const isSeenFromHere =
    owner !== undefined &&
    owner.host !== undefined &&
    owner.boot === here.boot &&
    owner.pidNamespace === here.pidNamespace &&
    (here.boot !== undefined || owner.host === here.host);
  if (isSeenFromHere && typeof owner.pid === 'number') return hasEnded(owner.pid, owner.started);
  try {
    return Date.now() - statSync(path).mtimeMs > STALE * 1000;
  } catch {
    return false;
  }
}

function hasEnded(pid: number, started: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return true;
  }
  const now = startOf(pid);
  return started !== undefined && now !== undefined && now !== started;
}

function thisProcess(): LockOwner {
  const boot = quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const pidNamespace = quietly(() => readlinkSync('/proc/self/ns/pid'));
  const started = startOf(process.pid);
  return {
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    ...(boot && { boot }),
    ...(pidNamespace && { pidNamespace }),
    ...(started && { started }),
  };
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and parentheses. */
function startOf(pid: number): string | undefined {
  return quietly(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  });
}

function parse(text: string): Partial<LockOwner> | undefined {
  const value: unknown = quietly(() => JSON.parse(text) as unknown);
  return typeof value === 'object' && value !== null ? value : undefined;
}

function content(path: string): string | undefined {
  return quietly(() => readFileSync(path, 'utf8'));
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
