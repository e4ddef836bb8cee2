import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Detector } from '@facedet/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { manifestPath } from './manifest.ts';
import { processVideo } from './process-video.ts';
import type { ProcessVideoOptions } from './process-video-options.ts';

let folder: string;
let film: string;
let looks: number;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = tempFolder();
  vi.stubEnv('FACEDET_MODELS', at('cache'));
  film = await writeNumbered(at('source.mp4'), evenTimes(12));
  looks = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const detectorOf = (model: string) =>
  ({
    concurrency: 1,
    fingerprint: { model },
    async detect() {
      looks++;
      return [{ box: { x: 10, y: 10, width: 30, height: 30 }, score: 0.9 }];
    },
    detectBatch: async (images: readonly unknown[]) => images.map(() => []),
    async warmup() {},
    async dispose() {},
  }) as unknown as Detector;

const all = () => ({
  output: at('a.mp4'),
  jsonl: at('a.jsonl'),
  mot: at('a.mot'),
  csv: at('a.csv'),
  gallery: at('faces'),
});
type Kind = keyof ReturnType<typeof all>;
const kinds = ['output', 'jsonl', 'mot', 'csv', 'gallery'] as const;
const only = (...names: readonly Kind[]) => Object.fromEntries(names.map((name) => [name, all()[name]]));
const run = (options: Partial<ProcessVideoOptions> = {}, source = film) =>
  processVideo(source, { detector: detectorOf('m'), ...options });
const again = (options: Partial<ProcessVideoOptions> = {}, source = film) => run({ resume: true, ...options }, source);
/** The files that a person sees of an output. */
const filesOf = (kind: Kind) =>
  kind === 'gallery' ? ['tracks.json', '0001.jpg'].map((name) => join(all().gallery, name)) : [all()[kind]];
const state = () =>
  kinds
    .flatMap((kind) => filesOf(kind))
    .map((path) => existsSync(path) && [statSync(path).mtimeMs, readFileSync(path, 'hex')]);
const mismatch = { code: 'RESUME_MISMATCH' };

describe('a run that is complete', () => {
  it.each([...kinds.map((kind) => [kind]), kinds])(
    'is passed over by resume, with its figures: %s',
    async (...names) => {
      const { seconds, metadata: _, ...first } = await run(only(...(names as Kind[])));
      const before = state();
      looks = 0;
      for (const _ of [1, 2]) {
        expect(await again(only(...(names as Kind[])))).toMatchObject({ ...first, isDoneBefore: true, seconds });
      }
      expect([looks, state()]).toEqual([0, before]);
      expect(readdirSync(folder).filter((name) => /partial|lock/.test(name))).toEqual([]);
      expect(await run(only(...(names as Kind[])))).not.toHaveProperty('isDoneBefore');
    },
  );

  it('is passed over also for part of its outputs, and those of several runs', async () => {
    await run(only('output', 'jsonl', 'csv'));
    await run(only('mot'));
    expect(await again(only('jsonl'))).toMatchObject({ isDoneBefore: true, totalFrames: 12 });
    expect(await again(only('mot', 'output'))).toMatchObject({ isDoneBefore: true, sideStreams: [] });
    expect(await again(only('mot', 'gallery'))).not.toHaveProperty('isDoneBefore');
  });

  const changes: Record<string, (path: string) => void> = {
    removed: (path) => rmSync(path),
    emptied: (path) => writeFileSync(path, ''),
    edited: (path) => appendFileSync(path, '\n'),
    touched: (path) => utimesSync(path, 1, 1),
    replaced: (path) => copyFileSync(film, path),
  };
  const files = kinds.flatMap((kind) => (kind === 'gallery' ? [0, 1] : [0]).map((part) => [kind, part] as const));
  it.each(files.flatMap(([kind, part]) => Object.keys(changes).map((change) => [kind, part, change] as const)))(
    'is done again where an output was changed since: %s %i %s',
    async (kind, part, change) => {
      await run(all());
      changes[change]!(filesOf(kind)[part]!);
      expect(await again(all())).not.toHaveProperty('isDoneBefore');
      expect(state().every((file) => file && file[1] !== '')).toBe(true);
      expect(await again(all())).toHaveProperty('isDoneBefore');
    },
  );

  const others: Record<string, () => Promise<[Partial<ProcessVideoOptions>, string?]>> = {
    option: async () => [{ detectEvery: 2 }],
    effect: async () => [{ anonymize: true }],
    model: async () => [{ detector: detectorOf('other') }],
    input: async () => [{}, await writeNumbered(at('other.mp4'), evenTimes(14))],
    'time of the input': async () => {
      utimesSync(film, 1, 1);
      return [{}];
    },
  };
  it.each(Object.keys(others).flatMap((what) => [false, true].map((isPart) => [what, isPart] as const)))(
    'is refused by resume with another %s, also where another output is gone: %s',
    async (what, isPart) => {
      await run(all());
      if (isPart) rmSync(all().csv);
      const before = state();
      const [options, source] = await others[what]!();
      await expect(again({ ...all(), ...options }, source)).rejects.toMatchObject(mismatch);
      expect(state()).toEqual(before);
      for (const kind of kinds) for (const path of filesOf(kind)) rmSync(path, { force: true });
      expect(await again({ ...all(), ...options }, source)).not.toHaveProperty('isDoneBefore');
      expect(await again({ ...all(), ...options }, source)).toHaveProperty('isDoneBefore');
    },
  );

  it(
    'is passed over after it was interrupted and continued, and after a kill before the last manifests were ' +
      'removed',
    async () => {
      const stop = new AbortController();
      const onFrame = ({ index }: { index: number }) => void (index === 6 && stop.abort(new Error('Ctrl-C')));
      await expect(run({ ...all(), signal: stop.signal, onFrame })).rejects.toThrow('Ctrl-C');
      const manifest = readFileSync(manifestPath(all().csv), 'utf8');
      expect(await again(all())).not.toHaveProperty('isDoneBefore');
      expect(await again(all())).toHaveProperty('isDoneBefore');
      const summary = { totalFrames: 12 };
      for (const path of [all().csv, all().output]) {
        writeFileSync(manifestPath(path), JSON.stringify({ ...(JSON.parse(manifest) as object), summary }));
      }
      looks = 0;
      expect(await again(all())).toHaveProperty('isDoneBefore');
      expect([looks, readdirSync(folder).filter((name) => name.includes('partial'))]).toEqual([0, []]);
    },
  );

  it('does not hide one that began to replace its outputs', async () => {
    await run(all());
    const stop = new AbortController();
    const onFrame = ({ index }: { index: number }) => void (index === 6 && stop.abort(new Error('Ctrl-C')));
    const other = { ...all(), detectEvery: 2 };
    await expect(run({ ...other, signal: stop.signal, onFrame })).rejects.toThrow('Ctrl-C');
    await expect(again(all())).rejects.toMatchObject(mismatch);
    expect(await again(other)).not.toHaveProperty('isDoneBefore');
    await expect(again(all())).rejects.toMatchObject(mismatch);
  });

  it('runs again where equality cannot be established, and where the notes are missing or broken', async () => {
    const { fingerprint: _, ...unnamed } = detectorOf('m');
    const own = { ...only('jsonl'), detector: unnamed as Detector };
    await run(own);
    expect(await again(own)).not.toHaveProperty('isDoneBefore');
    expect(await again({ ...own, fingerprint: 1 })).not.toHaveProperty('isDoneBefore');
    expect(await again({ ...own, fingerprint: 1 })).toHaveProperty('isDoneBefore');
    const notes = readdirSync(at('cache/resume')).map((name) => join(at('cache/resume'), name));
    for (const text of ['', '{}', 'null', '[1]', '{"manifest":null,"stamp":1}']) {
      for (const note of notes) writeFileSync(note, text);
      expect(await again({ ...own, fingerprint: 1 })).not.toHaveProperty('isDoneBefore');
    }
    rmSync(at('cache'), { recursive: true });
    writeFileSync(at('cache'), 'no folder');
    expect(await again({ ...own, fingerprint: 1 })).not.toHaveProperty('isDoneBefore');
  });
});
