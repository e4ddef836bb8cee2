import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Detector } from '@facedet/core';
import { writeImage } from '@facedet/runtime-node';
import { createVideoWriter } from '@facedet/video-node';
import type { Context } from '../shared/context.ts';
import { errorLine } from '../shared/errors.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import { run as runAnonymize } from './anonymize.ts';
import { run as runVideo, type VideoFlags } from './video.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-resume-complete-'));
const at = (...names: string[]) => join(folder, ...names);
process.env.FACEDET_MODELS = at('cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let model = 'a';
let looks = 0;
let fails = false;
vi.mock('../shared/detector.ts', () => ({
  openDetector: async () => {
    const detector = {
      concurrency: 2,
      fingerprint: { model },
      async detect() {
        looks++;
        if (fails && looks % 3 === 0) throw new Error('a thread died');
        return [{ box: { x: 8, y: 8, width: 16, height: 16 }, score: 0.9 }];
      },
      detectBatch: async () => [],
      async warmup() {},
      async dispose() {},
    } as unknown as Detector;
    return { detector, model };
  },
}));

const gray = { data: new Uint8Array(64 * 48 * 3).fill(90), width: 64, height: 48, format: 'rgb' as const };
beforeAll(async () => {
  const writer = await createVideoWriter(at('good.mp4'), { like: { width: 64, height: 48, fps: 25 } });
  for (let i = 0; i < 10; i++) await writer.write({ ...gray, timestamp: i / 25 });
  await writer.finish();
  await writeImage(at('good.png'), gray);
});
beforeEach(() => {
  for (const name of ['in', 'out', 'cache']) rmSync(at(name), { recursive: true, force: true });
  mkdirSync(at('in'));
  [model, looks, fails] = ['a', 0, false];
});

async function output(work: (context: Context) => Promise<unknown>) {
  const lines: string[] = [];
  let text = '';
  const context = {
    write: async (data: string) => void (text += data),
    log: (line: string) => void lines.push(line),
    fail: (input: string, error: unknown) => void lines.push(errorLine(error, input)),
    signal: new AbortController().signal,
    colors: { bold: (line: string) => line, dim: (line: string) => line },
  } as unknown as Context;
  await work(context);
  return { counts: lines.at(-1)!, lines, text };
}

interface Case {
  readonly files: readonly string[];
  readonly inputs: readonly string[];
  readonly output: string;
}
const cases: Record<string, Case> = {
  film: { files: ['a.mp4'], inputs: ['in/a.mp4'], output: 'out/b.mp4' },
  picture: { files: ['a.png'], inputs: ['in/a.png'], output: 'out/b.jpg' },
  'film into a folder': { files: ['a.mp4'], inputs: ['in/a.mp4'], output: 'out/' },
  'picture into a folder': { files: ['a.png'], inputs: ['in/a.png'], output: 'out/' },
  'folder of one film': { files: ['a.mp4'], inputs: ['in'], output: 'out' },
  'folder of one picture': { files: ['a.png'], inputs: ['in'], output: 'out' },
  'pattern for one picture': { files: ['a.png'], inputs: ['in/*.png'], output: 'out' },
  'folder of several': { files: ['a.mp4', 'b.png', 'c.png'], inputs: ['in'], output: 'out' },
  'list of several': { files: ['a.mp4', 'b.png'], inputs: ['in/a.mp4', 'in/b.png'], output: 'out' },
  'list with one twice': {
    files: ['a.mp4', 'b.png'],
    inputs: ['in/b.png', 'in/a.mp4', 'in/b.png', 'in'],
    output: 'out',
  },
};
const fill = ({ files }: Case) =>
  files.forEach((name) => copyFileSync(at(name.endsWith('png') ? 'good.png' : 'good.mp4'), at('in', name)));
const hide = ({ inputs, output: out }: Case, flags: Partial<AnonymizeFlags> = {}) =>
  output((context) =>
    runAnonymize(
      context,
      { output: folder + '/' + out, effect: 'solid', lookAhead: 0, resume: true, ...flags },
      inputs.map((name) => at(name)),
    ),
  );
const outputsOf = () => readdirSync(at('out')).map((name) => at('out', name));
const state = () => outputsOf().map((path) => [path, statSync(path).mtimeMs, readFileSync(path, 'hex')]);
const single = ([, { files }]: [string, Case]) => files.length === 1;
const done = /^facedet: 0 files done(, 0 frames)?, 0 faces, (\d+) files? done before, 0 failures, 0 skipped$/;

describe('anonymize --resume of what is complete', () => {
  it.each(Object.entries(cases))('passes over it and says so: %s', async (_, one) => {
    fill(one);
    const first = await hide(one);
    const files = Number(/: (\d+) files? done/.exec(first.counts)?.[1]);
    expect([first.counts, files]).toEqual([expect.stringMatching(/ 0 failures, 0 skipped$/), outputsOf().length]);
    const before = state();
    looks = 0;
    for (const _again of [1, 2]) expect(done.exec((await hide(one)).counts)?.[2]).toBe(String(files));
    expect([looks, state()]).toEqual([0, before]);
    expect((await hide(one, { resume: false })).counts).toBe(first.counts);
    expect((await hide(one)).counts).toMatch(done);
  });

  const changes: Record<string, (path: string) => void> = {
    removed: (path) => rmSync(path),
    emptied: (path) => writeFileSync(path, ''),
    edited: (path) => appendFileSync(path, ' '),
    touched: (path) => utimesSync(path, 1, 1),
    'linked to another file': (path) => {
      const other = at(`linked${extname(path)}`);
      copyFileSync(path, other);
      utimesSync(other, 1, 1);
      rmSync(path);
      symlinkSync(other, path);
    },
  };
  it.each(
    Object.entries(cases).flatMap(([name, one]) => Object.keys(changes).map((change) => [name, change, one] as const)),
  )('does again what is no longer there as it was: %s, %s', async (_, change, one) => {
    fill(one);
    await hide(one);
    const [path] = outputsOf() as [string];
    changes[change]!(path);
    expect((await hide(one)).counts).toMatch(/^facedet: 1 file done, .*, 0 failures, 0 skipped$/);
    expect((await hide(one)).counts).toMatch(done);
  });

  const others: Record<string, (one: Case) => Partial<AnonymizeFlags>> = {
    effect: () => ({ effect: 'blur' }),
    score: () => ({ score: 0.4 }),
    model: () => ((model = 'b'), {}),
    'options with an old record': () => ({ margin: 3 }),
  };
  it.each(
    Object.entries(cases).flatMap(([name, one]) => Object.keys(others).map((what) => [name, what, one] as const)),
  )('refuses other settings, unless nothing is left of the earlier run: %s, %s', async (_, what, one) => {
    fill(one);
    await hide(one);
    const before = state();
    const flags = others[what]!(one);
    for (const _again of [1, 2]) {
      await expect(hide(one, flags)).rejects.toMatchObject({ code: 'RESUME_MISMATCH', exitCode: 2 });
      expect(state()).toEqual(before);
    }
    model = 'a';
    expect((await hide(one)).counts).toMatch(done);
    others[what]!(one);
    for (const path of outputsOf()) rmSync(path);
    expect((await hide(one, flags)).counts).toMatch(/^facedet: [1-9].* 0 failures, 0 skipped$/);
    expect((await hide(one, flags)).counts).toMatch(done);
  });

  const inputs: Record<string, (path: string) => void> = {
    touched: (path) => utimesSync(path, 1, 1),
    'longer by a byte': (path) => appendFileSync(path, '\0'),
  };
  it.each(
    Object.entries(cases).flatMap(([name, one]) => Object.keys(inputs).map((change) => [name, change, one] as const)),
  )('refuses another input of a single output, and does it again among several: %s, %s', async (name, change, one) => {
    fill(one);
    await hide(one);
    const before = state();
    inputs[change]!(at('in', one.files[0]!));
    if (single([name, one])) {
      await expect(hide(one)).rejects.toMatchObject({ code: 'RESUME_MISMATCH', exitCode: 2 });
      expect(state()).toEqual(before);
    } else
      expect((await hide(one)).counts).toMatch(
        /^facedet: [12] files? done, .* files? done before, 0 failures, 0 skipped$/,
      );
  });

  it('knows a folder that grows from one file to several, and back', async () => {
    const one = cases['folder of one picture']!;
    fill(one);
    await hide(one);
    copyFileSync(at('good.mp4'), at('in/b.mp4'));
    expect((await hide(one)).counts).toMatch(/^facedet: 1 file done, 10 frames, 10 faces, 1 file done before, /);
    rmSync(at('in/b.mp4'));
    expect(done.exec((await hide(one)).counts)?.[2]).toBe('1');
    rmSync(at('out/a.png'));
    // The film of the larger run is still there: its settings count.
    await expect(hide(one, { effect: 'blur' })).rejects.toMatchObject({ code: 'RESUME_MISMATCH', exitCode: 2 });
  });

  it.each(['cut', 'a link', 'empty'])('takes a record that is %s for what it is', async (kind) => {
    const one = cases['folder of several']!;
    fill(one);
    await hide(one);
    const record = readdirSync(at('cache/resume'))
      .map((name) => at('cache/resume', name))
      .find((path) => readFileSync(path, 'utf8').includes('b.png'))!;
    const inside = at('out/.facedet-run.partial.json');
    const lines = readFileSync(record, 'utf8');
    writeFileSync(at('target'), lines);
    if (kind === 'a link') symlinkSync(at('target'), inside);
    else writeFileSync(inside, kind === 'cut' ? lines.slice(0, 20) : '');
    if (kind !== 'a link') await expect(hide(one)).rejects.toMatchObject({ code: 'RESUME_MISMATCH', exitCode: 2 });
    else {
      expect((await hide(one)).counts).toMatch(done);
      expect(readFileSync(at('target'), 'utf8')).toBe(lines);
    }
    if (existsSync(inside)) rmSync(inside);
  });

  it(
    'gives no advice that is refused: after a failure of one of several inputs --resume, but not with ' +
      'standard input',
    async () => {
      const one = cases['folder of several']!;
      fill(one);
      writeFileSync(at('in/d.png'), 'broken');
      expect((await hide(one, { resume: false })).counts).toMatch(
        /1 failure, 0 skipped; --resume tries what is missing again$/,
      );
      const rows = Array.from({ length: 9 }, (_, frame) =>
        JSON.stringify({ frame, timestamp: frame / 25, faces: [] }),
      ).join('\n');
      writeFileSync(at('rows.jsonl'), rows);
      const film = cases['folder of one film']!;
      for (const name of readdirSync(at('in'))) if (name !== 'a.mp4') rmSync(at('in', name));
      const { lookAhead: _, ...flags } = {
        lookAhead: 0,
        tracks: at('rows.jsonl'),
        output: at('out'),
        effect: 'solid' as const,
      };
      const { counts } = await output((context) =>
        runAnonymize(
          context,
          flags,
          film.inputs.map((name) => at(name)),
        ),
      );
      expect(counts).toMatch(/1 failure, 0 skipped$/);
    },
  );
});

describe('video --resume of what is complete', () => {
  const watch = (flags: Partial<VideoFlags>) =>
    output((context) => runVideo(context, { track: true, smooth: true, resume: true, ...flags }, at('in/a.mp4')));
  const all = {
    jsonl: at('out/a.jsonl'),
    mot: at('out/a.mot'),
    csv: at('out/a.csv'),
    output: at('out/a.mp4'),
    gallery: at('out/faces'),
  };
  const sets = [['jsonl'], ['mot'], ['csv'], ['output'], ['gallery'], Object.keys(all)] as (keyof typeof all)[][];
  const subset = (names: (keyof typeof all)[]) => Object.fromEntries(names.map((name) => [name, all[name]]));

  it.each(sets.map((names) => [names]))('passes over it, says so and refuses other settings: %s', async (names) => {
    copyFileSync(at('good.mp4'), at('in/a.mp4'));
    const first = await watch({ ...subset(names), json: true });
    expect(first.counts).toMatch(/^facedet: 1 file done, 10 frames, /);
    looks = 0;
    const again = await watch({ ...subset(names), json: true });
    expect(again.counts).toBe('facedet: 0 files done, 0 frames, 0 faces, 1 file done before, 0 failures, 0 skipped');
    expect(JSON.parse(again.text)).toEqual({ ...(JSON.parse(first.text) as object), isDoneBefore: true });
    for (const other of [{ score: 0.4 }, { detectEvery: 2 }]) {
      await expect(watch({ ...subset(names), ...other })).rejects.toMatchObject({
        code: 'RESUME_MISMATCH',
        exitCode: 2,
      });
    }
    model = 'b';
    await expect(watch(subset(names))).rejects.toMatchObject({ code: 'RESUME_MISMATCH', exitCode: 2 });
    expect(looks).toBe(0);
  });

  it('says again what failed', async () => {
    copyFileSync(at('good.mp4'), at('in/a.mp4'));
    fails = true;
    const first = await watch(subset(['jsonl']));
    const again = await watch(subset(['jsonl']));
    expect(again.lines.filter((line) => line.includes('[FRAMES_FAILED]'))).toEqual(
      first.lines.filter((line) => line.includes('[FRAMES_FAILED]')),
    );
    expect(again.counts).toMatch(/^facedet: 0 files done, 0 frames, 0 faces, 1 failure, 0 skipped$/);
  });
});
