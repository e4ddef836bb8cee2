import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numberedPicture, show, tempFolder } from '../fixtures.ts';
import { createVideoWriter, type VideoWriter, type VideoWriterOptions } from './writer.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const unix = process.platform !== 'win32';
const begin = (name: string, options: Partial<VideoWriterOptions> = {}) =>
  createVideoWriter(at(name), { like: { width: 96, height: 64, fps: 25 }, crf: 8, ...options });
const add = async (writer: VideoWriter, count: number) => {
  for (let i = 0; i < count; i++) await writer.write({ ...numberedPicture(i, 96, 64), timestamp: i / 25 });
};
const files = () => readdirSync(folder).sort();

describe('the file of a video in progress', () => {
  it('belongs to one writer until that writer ends, in any way', async () => {
    for (const end of ['finish', 'flush', 'close'] as const) {
      const first = await begin('film.mp4');
      await add(first, 3);
      await expect(begin('film.mp4')).rejects.toMatchObject({ code: 'OUTPUT_IN_USE' });
      await first[end]();
      const second = await begin('film.mp4');
      await add(second, 5);
      await second.finish();
      expect(files(), end).toEqual(['film.mp4']);
      expect((await show(at('film.mp4'))).levels.length).toBe(5);
    }
  });

  it('can be continued after the process that wrote it has ended', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const first = await begin('film.mp4');
    const lock = JSON.parse(readFileSync(at('film.partial.mp4.lock'), 'utf8')) as object;
    await add(first, 2);
    await first.finish();
    writeFileSync(at('film.partial.mp4.lock'), JSON.stringify({ ...lock, id: 'dead', pid: dead, started: '1' }));
    const second = await begin('film.mp4');
    await add(second, 4);
    await second.finish();
    expect(files()).toEqual(['film.mp4']);
  });

  it('is removed if the writer is rejected', async () => {
    await expect(begin('film.mp4', { preset: 'nonsense' })).rejects.toMatchObject({ name: 'FaceDetError' });
    await expect(begin('new/film.avi')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(files()).toEqual([]);
  });

  it('reports its limits before anything is encoded', async () => {
    mkdirSync(at('folder.mp4'));
    writeFileSync(at('file'), '');
    for (const name of ['folder.mp4', 'file/film.mp4', `${'x'.repeat(300)}.mp4`])
      await expect(begin(name), name).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    // The maximum length in bytes, with all suffixes that a run adds to the name.
    const long = await begin(`${'顔'.repeat(78)}.mp4`);
    await add(long, 2);
    await long.finish();
    expect(files().length).toBe(3);
  });

  it.skipIf(!unix)('is never written through a link (symbolic links: not on Windows)', async () => {
    writeFileSync(at('victim'), 'precious');
    for (const name of ['film.partial.mp4', 'film.partial-before.mp4']) {
      symlinkSync(at('victim'), at(name));
      for (const resume of [false, true]) {
        const outcome = await begin('film.mp4', { resume }).then(
          (writer) => add(writer, 3).then(() => writer.finish()),
          (error: unknown) => error,
        );
        if (name === 'film.partial.mp4') expect(outcome).toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
        expect(readFileSync(at('victim'), 'utf8')).toBe('precious');
      }
      rmSync(at(name), { force: true });
    }
  });

  it.skipIf(!unix)(
    'is in the folder of the target if the output is a link (symbolic links: not on Windows)',
    async () => {
      mkdirSync(at('disk'));
      symlinkSync('disk/film.mp4', at('link.mp4'));
      const writer = await begin('link.mp4');
      expect(readdirSync(at('disk')).sort()).toEqual(['film.partial.mp4', 'film.partial.mp4.lock']);
      await add(writer, 4);
      await writer.flush();
      const resumed = await begin('link.mp4', { resume: true });
      expect(resumed.frames).toBe(4);
      await resumed.finish();
      expect([readdirSync(at('disk')), lstatSync(at('link.mp4')).isSymbolicLink()]).toEqual([['film.mp4'], true]);
    },
  );

  it.skipIf(!unix)('is never a pipe: that is rejected and not replaced (no named pipes on Windows)', async () => {
    execFileSync('mkfifo', [at('pipe.mp4')]);
    await expect(begin('pipe.mp4')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('pipe') as string,
    });
    expect([files(), lstatSync(at('pipe.mp4')).isFIFO()]).toEqual([['pipe.mp4'], true]);
  });
});
