import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Detector, Face } from '@facedet/core';
import { openOutput } from '@facedet/files';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { processVideo } from './process-video.ts';
import type { ProcessVideoOptions } from './process-video-options.ts';

const hasFifo = process.platform !== 'win32' && spawnSync('mkfifo', ['--version']).error === undefined;
if (!hasFifo) process.stderr.write('Tests of named pipes and links are skipped: there is no mkfifo.\n');

const sources = tempFolder();
const film = join(sources, 'film.mp4');
const cache = process.env.FACEDET_MODELS;
let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  process.env.FACEDET_MODELS = join(sources, 'cache');
  await writeNumbered(film, evenTimes(30));
});
afterAll(() => {
  if (cache === undefined) delete process.env.FACEDET_MODELS;
  else process.env.FACEDET_MODELS = cache;
  rmSync(sources, { recursive: true, force: true });
});
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Finds one face in each frame; `fail` before the frame of that number. */
function detector(fail = Infinity): Detector {
  let calls = 0;
  const found: Face[] = [{ box: { x: 20, y: 10, width: 30, height: 30 }, score: 0.9 }];
  return {
    concurrency: 1,
    fingerprint: { model: 'fake' },
    async detect() {
      if (calls++ >= fail) throw new Error('broken');
      return found;
    },
    async detectBatch(images) {
      return images.map(() => found);
    },
    async warmup() {},
    async drain() {},
    async dispose() {},
  };
}

const run = (options: Partial<ProcessVideoOptions>, source = film) =>
  processVideo(source, { detector: detector(), ...options });
const files = () => readdirSync(folder, { recursive: true }).map(String).sort();

/** A named pipe, and all that a reader gets of it; `bytes` after which it leaves. */
function pipe(name: string, bytes?: number): Promise<string> {
  execFileSync('mkfifo', [at(name)]);
  const reader = bytes === undefined ? spawn('cat', [at(name)]) : spawn('head', ['-c', String(bytes), at(name)]);
  let text = '';
  reader.stdout.on('data', (data: Buffer) => (text += String(data)));
  return new Promise((done) => reader.on('close', () => done(text)));
}

describe('outputs of a run', () => {
  it.skipIf(!hasFifo)(
    'are written to where they are pipes, devices and links, and never replaced [needs mkfifo]',
    async () => {
      await run({ jsonl: at('plain.jsonl'), mot: at('plain.txt'), csv: at('plain.csv') });
      const [jsonl, mot] = [pipe('pipe.jsonl'), pipe('pipe.txt')];
      symlinkSync('/dev/null', at('null'));
      await run({ jsonl: at('pipe.jsonl'), mot: at('pipe.txt'), csv: at('null') });
      expect(await jsonl).toBe(readFileSync(at('plain.jsonl'), 'utf8'));
      expect(await mot).toBe(readFileSync(at('plain.txt'), 'utf8'));
      expect([lstatSync(at('pipe.jsonl')).isFIFO(), lstatSync('/dev/null').isCharacterDevice()]).toEqual([true, true]);
      mkdirSync(at('disk'));
      for (const name of ['rows.jsonl', 'out.mp4']) symlinkSync(join('disk', name), at(name));
      await run({ jsonl: at('rows.jsonl'), output: at('out.mp4') });
      expect(readdirSync(at('disk')).sort()).toEqual(['out.mp4', 'rows.jsonl']);
      expect(lstatSync(at('rows.jsonl')).isSymbolicLink()).toBe(true);
      expect(readFileSync(at('disk/rows.jsonl'))).toEqual(readFileSync(at('plain.jsonl')));
      expect(files().filter((name) => /partial|lock/.test(name))).toEqual([]);
    },
  );

  it.skipIf(!hasFifo)(
    'end with the reader of a pipe, or go on without it where there are others [needs mkfifo]',
    async () => {
      void pipe('alone.jsonl', 100);
      const long = await writeNumbered(at('long.mp4'), evenTimes(600));
      await expect(run({ jsonl: at('alone.jsonl') }, long)).rejects.toMatchObject({ code: 'OUTPUT_CLOSED' });
      void pipe('other.jsonl', 100);
      const { totalFrames } = await run({ jsonl: at('other.jsonl'), csv: at('rows.csv') }, long);
      expect([totalFrames, readFileSync(at('rows.csv'), 'utf8').trim().split('\n').length]).toEqual([600, 601]);
    },
  );

  it.skipIf(!hasFifo)('that are pipes cannot be resumed, nor can a source [needs mkfifo]', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    await expect(run({ jsonl: at('pipe'), resume: true })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    for (const source of ['-', at('pipe')])
      await expect(run({ jsonl: at('rows'), resume: true }, source)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    expect(files()).toEqual(['pipe']);
  });

  it.skipIf(!existsSync('/dev/full'))('say when a device is full [needs /dev/full]', async () => {
    await expect(run({ jsonl: '/dev/full' })).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  it.each(['jsonl', 'mot', 'csv', 'output', 'gallery'] as const)('belong to one run: %s', async (kind) => {
    const [path, other] = [at(kind === 'output' ? 'out.mkv' : 'out'), at('other.jsonl')];
    const shared = { [kind]: path };
    let during: string[] = [];
    let refused: unknown;
    await run({
      ...shared,
      async onFrame({ index }) {
        if (index !== 10) return;
        during = files();
        refused = await run({ ...shared, ...(kind !== 'jsonl' && { jsonl: other }) }).catch((error: unknown) => error);
        expect(files()).toEqual(during);
      },
    });
    expect(refused).toMatchObject({ code: 'OUTPUT_IN_USE' });
    expect(during.some((name) => name.endsWith('.lock'))).toBe(true);
    expect(files().filter((name) => /partial|lock/.test(name))).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  it('leave nothing of a run that fails before its first frame, and what is there of a later failure', async () => {
    const all = { jsonl: at('a/rows'), csv: at('a/csv'), output: at('a/out.mp4'), gallery: at('a/faces') };
    await expect(run({ ...all, detector: detector(0) })).rejects.toThrow();
    expect(files()).toEqual(['a', 'a/faces']);
    await expect(run({ ...all, detector: detector(20) })).rejects.toThrow();
    expect(files()).toEqual(expect.arrayContaining(['a/out.partial.mp4', 'a/rows.partial', 'a/rows.partial.json']));
    expect(files().filter((name) => name.endsWith('.lock'))).toEqual([]);
    await run({ ...all, resume: true });
    expect(files().filter((name) => /partial|lock/.test(name))).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')(
    'in progress are never opened through links (symbolic links: not on Windows)',
    async () => {
      const kinds = { jsonl: 'rows.partial', output: 'out.partial.mp4', gallery: 'faces/tracks.json.partial' };
      const options = { jsonl: at('rows'), output: at('out.mp4'), gallery: at('faces') };
      writeFileSync(at('victim'), 'precious');
      for (const partial of Object.values(kinds)) {
        mkdirSync(at('faces'), { recursive: true });
        symlinkSync(at('victim'), at(partial));
        for (const resume of [false, true]) await run({ ...options, resume }).catch(() => {});
        expect(readFileSync(at('victim'), 'utf8'), partial).toBe('precious');
        for (const name of readdirSync(folder)) if (name !== 'victim') rmSync(at(name), { recursive: true });
      }
    },
  );

  it('are refused before the first frame where they cannot be written', async () => {
    writeFileSync(at('file'), '');
    mkdirSync(at('folder'));
    for (const kind of ['jsonl', 'mot', 'csv'] as const)
      for (const name of ['folder', 'file/rows', 'x'.repeat(300)]) {
        let frames = 0;
        await expect(run({ [kind]: at(name), onFrame: () => void frames++ }), `${kind} ${name}`).rejects.toMatchObject({
          code: 'OUTPUT_UNWRITABLE',
        });
        expect(frames).toBe(0);
      }
    expect(files()).toEqual(['file', 'folder']);
  });

  it('keep the lock of a row file that somebody else opens', async () => {
    const file = openOutput(at('rows'));
    await expect(run({ jsonl: at('rows') })).rejects.toMatchObject({ code: 'OUTPUT_IN_USE' });
    file.discard();
    await run({ jsonl: at('rows') });
    expect(files()).toEqual(['rows']);
  });
});
