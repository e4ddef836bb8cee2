import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tryLock, withLock } from './file-lock.ts';
import { openOutput, replaceFile, writeOutput, writeOutputSync } from './output-file.ts';
import { outputPlace, partialPathOf } from './output-place.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'facedet-files-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const failure = (code: string) => expect.objectContaining({ name: 'FaceDetError', code });
const unix = process.platform !== 'win32';

it('writes under the partial name and gives the final one at commit', () => {
  const file = openOutput(at('new/rows.csv'));
  file.write('a\n');
  expect(readFileSync(at('new/rows.csv.partial'), 'utf8')).toBe('a\n');
  file.write(Buffer.from('b\n'));
  expect(file.size).toBe(4);
  file.commit();
  file.discard();
  expect(readFileSync(at('new/rows.csv'), 'utf8')).toBe('a\nb\n');
  expect(readdirSync(at('new'))).toEqual(['rows.csv']);
  expect(() => file.write('c')).toThrow(failure('OUTPUT_UNWRITABLE'));
});

it('leaves or discards what is not complete', () => {
  const left = openOutput(at('film.mp4'), { media: true });
  left.write('half');
  left.leave();
  expect(readdirSync(folder)).toEqual(['film.partial.mp4']);
  const discarded = openOutput(at('film.mp4'), { media: true });
  discarded.discard();
  expect(readdirSync(folder)).toEqual([]);
  expect([partialPathOf('a/b.mp4', { media: true }), partialPathOf('b', { media: true })]).toEqual([
    join('a', 'b.partial.mp4'),
    'b.partial',
  ]);
});

it('continues behind the bytes that are kept', () => {
  const first = openOutput(at('rows'));
  first.write('one\ntwo\nhal');
  first.leave();
  const second = openOutput(at('rows'), { keepBytes: 8 });
  second.write('three\n');
  second.commit();
  expect(readFileSync(at('rows'), 'utf8')).toBe('one\ntwo\nthree\n');
  writeFileSync(at('rows.partial'), 'x');
  expect(() => openOutput(at('rows'), { keepBytes: 8 })).toThrow(failure('OUTPUT_UNWRITABLE'));
});

it.skipIf(!unix)(
  'never writes through a link, a hard link or a pipe in place of the partial file (symbolic links: not on Windows)',
  () => {
    writeFileSync(at('victim'), 'precious');
    symlinkSync(at('victim'), at('out.partial'));
    for (const keepBytes of [0, 3])
      expect(() => openOutput(at('out'), { keepBytes })).toThrow(failure('OUTPUT_UNWRITABLE'));
    rmSync(at('out.partial'));
    linkSync(at('victim'), at('out.partial'));
    expect(() => openOutput(at('out'), { keepBytes: 3 })).toThrow(failure('OUTPUT_UNWRITABLE'));
    writeOutputSync(at('out'), 'new');
    execFileSync('mkfifo', [at('other.partial')]);
    for (const keepBytes of [0, 3])
      expect(() => openOutput(at('other'), { keepBytes })).toThrow(failure('OUTPUT_UNWRITABLE'));
    expect(readFileSync(at('victim'), 'utf8')).toBe('precious');
    expect(readdirSync(folder).sort()).toEqual(['other.partial', 'out', 'victim']);
  },
);

it.skipIf(!unix)('writes to what a link leads to and keeps the link (not on Windows)', () => {
  mkdirSync(at('real'));
  writeFileSync(at('real/file'), 'old');
  symlinkSync('real/file', at('link'));
  symlinkSync('real/new', at('dangling'));
  symlinkSync('circle', at('circle'));
  writeOutputSync(at('link'), 'a');
  writeOutputSync(at('dangling'), 'b');
  expect([readFileSync(at('real/file'), 'utf8'), readFileSync(at('real/new'), 'utf8')]).toEqual(['a', 'b']);
  expect([lstatSync(at('link')).isSymbolicLink(), lstatSync(at('dangling')).isSymbolicLink()]).toEqual([true, true]);
  expect(() => writeOutputSync(at('circle'), 'c')).toThrow(failure('OUTPUT_UNWRITABLE'));
});

it.skipIf(!unix)('says why a folder of a path can not be created (not on Windows)', () => {
  const message = (work: () => unknown) => {
    try {
      work();
      return 'nothing thrown';
    } catch (error) {
      expect(error).toEqual(failure('OUTPUT_UNWRITABLE'));
      return (error as Error).message;
    }
  };
  const begin = (path: string) => `${path}: expected a folder that can be created but received for`;
  symlinkSync('nowhere', at('dead'));
  for (const path of [at('dead/deeper/a.csv'), at('dead/a.csv')])
    expect(message(() => openOutput(path))).toBe(
      `${begin(path)} ${at('dead')}: a link that leads nowhere; remove the link, or write elsewhere.`,
    );
  if (!existsSync('/proc/self') || process.getuid?.() !== 0) return;
  for (const path of ['/proc/facedet/a.csv', '/proc/facedet/deeper/a.csv'])
    expect(message(() => openOutput(path))).toBe(
      `${begin(path)} /proc/facedet: a file system that takes no new folders there; write elsewhere.`,
    );
  const takesNone =
    'expected a file that can be written but received: a file system that takes no new files there; write elsewhere.';
  expect(message(() => openOutput('/proc/a.csv'))).toBe(`/proc/a.csv: ${takesNone}`);
  expect(message(() => replaceFile('/proc/a.csv', ''))).toBe(`/proc/a.csv: ${takesNone}`);
  // Here a folder is missing indeed.
  expect(message(() => replaceFile(at('new/a.csv'), ''))).toContain('a folder of its path does not exist; create it.');
});

it.skipIf(!unix)(
  'streams to pipes and devices and never renames over them (no pipes with names on Windows)',
  async () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('pipe', at('link'));
    const reader = spawn('cat', [at('pipe')]);
    let text = '';
    reader.stdout.on('data', (data: Buffer) => (text += data));
    const ended = new Promise((resolve) => reader.on('close', resolve));
    // More than a pipe holds: the rest waits for the reader.
    writeOutputSync(at('link'), 'x'.repeat(300_000));
    await ended;
    expect(text.length).toBe(300_000);
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
    writeOutputSync('/dev/null', 'x');
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(existsSync('/dev/null.partial')).toBe(false);
    expect(['-', '/dev/stdout', '/dev/fd/7'].map((path) => outputPlace(path))).toMatchObject([
      { fd: 1 },
      { fd: 1 },
      { fd: 7 },
    ]);
  },
);

it.skipIf(!existsSync('/dev/full'))('names a full disk and what cannot be written (needs /dev/full)', async () => {
  expect(() => writeOutputSync('/dev/full', 'x')).toThrow(failure('DISK_FULL'));
  writeFileSync(at('file'), '');
  expect(() => writeOutputSync(at('file/x'), '')).toThrow(failure('OUTPUT_UNWRITABLE'));
  expect(() => writeOutputSync(folder, '')).toThrow(failure('OUTPUT_UNWRITABLE'));
  await expect(writeOutput(at('file/x'), Buffer.from('x'))).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  await writeOutput(at('image'), Buffer.from('x'));
  replaceFile(at('image'), 'y');
  expect([readFileSync(at('image'), 'utf8'), readdirSync(folder).sort()]).toEqual(['y', ['file', 'image']]);
});

it('lets one run write an output, and takes over what a dead one left', () => {
  const file = openOutput(at('out'));
  expect(() => openOutput(at('out'))).toThrow(failure('OUTPUT_IN_USE'));
  file.write('a');
  file.commit();
  expect(readdirSync(folder)).toEqual(['out']);
  const lockModule = new URL('./file-lock.ts', import.meta.url).href;
  const script =
    `const { tryLock } = await import(${JSON.stringify(lockModule)}); tryLock(process.argv[1]); ` +
    `process.kill(process.pid, 'SIGKILL')`;
  const child = spawnSync(process.execPath, [
    '--experimental-strip-types',
    '--input-type=module',
    '-e',
    script,
    at('out.partial.lock'),
  ]);
  // A Node that can't strip types leaves no lock; the text of a lock with a process that has ended stands in for it.
  if (!existsSync(at('out.partial.lock'))) writeFileSync(at('out.partial.lock'), deadLock(child.pid));
  openOutput(at('out')).discard();
  expect(readdirSync(folder)).toEqual(['out']);
});

function deadLock(pid: number): string {
  const lock = tryLock(at('own'));
  const text = JSON.stringify({
    ...(JSON.parse(readFileSync(at('own'), 'utf8')) as object),
    id: 'x',
    pid,
    started: '1',
  });
  if ('release' in lock) lock.release();
  return text;
}

it('knows a process ID that is used again, and never judges processes of another container by theirs', () => {
  const lock = tryLock(at('l'));
  const own = JSON.parse(readFileSync(at('l'), 'utf8')) as Record<string, string>;
  if ('release' in lock) lock.release();
  const put = (change: object) => writeFileSync(at('l'), JSON.stringify({ ...own, id: 'x', ...change }));
  const take = () => {
    const taken = tryLock(at('l'));
    if ('release' in taken) taken.release();
    return 'release' in taken;
  };
  put({ pid: 2 ** 30 });
  expect(take()).toBe(true);
  if (own['started'] !== undefined) {
    put({ started: '1' });
    expect(take()).toBe(true);
  }
  // The same host name and a process ID that does not exist here.
  put({ pid: 2 ** 30, pidNamespace: 'pid:[1]', host: hostname() });
  expect(take()).toBe(false);
  put({ pid: 2 ** 30, boot: 'another', host: hostname() });
  expect(take()).toBe(false);
  // No sign of life for a minute.
  utimesSync(at('l'), new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  expect(take()).toBe(true);
});

it('runs work under a lock one after the other', async () => {
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 5 }, () =>
      withLock(at('l'), {}, async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
      }),
    ),
  );
  expect([most, readdirSync(folder)]).toEqual([1, []]);
});
