import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Detector } from '@facedet/core';
import { writeImage } from '@facedet/runtime-node';
import { createVideoWriter } from '@facedet/video-node';
import type { Context } from '../shared/context.ts';
import { errorLine } from '../shared/errors.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import { run as runAnonymize } from './anonymize.ts';
import { run as runDetect } from './detect.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-folder-runs-'));
const at = (...names: string[]) => join(folder, ...names);
process.env.FACEDET_MODELS = at('cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const unix = process.platform !== 'win32';
if (!unix)
  process.stderr.write('A test of folders with pipes and control characters in names is skipped: not on Windows.\n');

/** Called for each detection. */
let onDetect: (call: number) => void = () => {};
vi.mock('../shared/detector.ts', () => ({
  openDetector: async () => {
    let calls = 0;
    const detector = {
      concurrency: 2,
      fingerprint: { model: 'fake' },
      async detect() {
        onDetect(calls++);
        return [{ box: { x: 8, y: 8, width: 16, height: 16 }, score: 0.9 }];
      },
      detectBatch: async () => [],
      async warmup() {},
      async dispose() {},
    } as unknown as Detector;
    return { detector, model: 'fake' };
  },
}));

/** What a command prints, and whether it failed. */
async function output(
  work: (context: Context) => Promise<unknown>,
  signal = new AbortController().signal,
  lines: string[] = [],
) {
  let text = '';
  const context = {
    write: async (data: string) => void (text += data),
    log: (line: string) => void lines.push(line),
    fail(input: string, error: unknown) {
      lines.push(errorLine(error, input));
      return { code: 'X', message: '' };
    },
    signal,
    terminal: false,
    colors: { bold: String, dim: String },
  } as unknown as Context;
  await work(context);
  const failed = lines.flatMap((line) => / \[([A-Z_]+)\]$/.exec(line)?.slice(1) ?? []);
  return { lines, failed: failed.sort(), counts: lines.at(-1)!, text };
}
const hide = (flags: Partial<AnonymizeFlags>, signal?: AbortSignal, inputs = [at('in')], lines?: string[]) =>
  output(
    (context) => runAnonymize(context, { output: at('out'), effect: 'solid', lookAhead: 0, ...flags }, inputs),
    signal,
    lines,
  );

const gray = { data: new Uint8Array(64 * 48 * 3).fill(90), width: 64, height: 48, format: 'rgb' as const };
beforeAll(async () => {
  await writeImage(at('good.png'), gray);
  for (const name of ['good.mp4', 'good.webm']) {
    const writer = await createVideoWriter(at(name), { like: { width: 64, height: 48, fps: 5 } });
    for (let i = 0; i < 100; i++)
      await writer.write({ ...gray, data: gray.data.map((v, j) => v + ((i * j) % 7)), timestamp: i / 5 });
    await writer.finish();
  }
}, 30_000);
beforeEach(() => {
  onDetect = () => {};
  for (const name of ['in', 'out', 'cache']) rmSync(at(name), { recursive: true, force: true });
  mkdirSync(at('in'));
});

describe.skipIf(!unix)('a folder of anything [not on Windows]', () => {
  const fill = () => {
    for (const name of ['a.png', 'b\u001b[31m\u2028\n.png', '- c.png', 'no-extension', 'fake.mp4'])
      copyFileSync(at('good.png'), at('in', name));
    for (const name of ['film.mp4', 'film.partial.mp4']) copyFileSync(at('good.mp4'), at('in', name));
    writeFileSync(at('in/cut.webm'), readFileSync(at('good.webm')).subarray(0, 0.6 * statSync(at('good.webm')).size));
    writeFileSync(at('in/cut.png'), readFileSync(at('good.png')).subarray(0, 60));
    for (const name of ['text.jpg', 'text.mp4', 'bad\u001b[31m\u2029.png']) writeFileSync(at('in', name), 'no picture');
    for (const name of ['empty.png', 'empty.mkv', 'empty']) writeFileSync(at('in', name), '');
    writeFileSync(at('in/notes.txt'), 'text');
    writeFileSync(at('in/paper.pdf'), '%PDF-1.7');
    writeFileSync(at('in/.DS_Store'), 'x');
    mkdirSync(at('in/folder.png'));
    for (const [name, target] of [
      ['up', '..'],
      ['gone.jpg', 'nowhere'],
      ['linked.png', at('good.png')],
    ] as const)
      symlinkSync(target, at('in', name));
    execFileSync('mkfifo', [at('in/pipe.mp4')]);
  };
  const good = [
    '- c.png',
    'a.png',
    'b\u001b[31m\u2028\n.png',
    'fake.mp4.png',
    'film.mp4',
    'film.partial-2.mp4',
    'linked.png',
    'no-extension',
  ];
  const broken = [
    'IMAGE_EMPTY',
    'IMAGE_UNREADABLE',
    'IMAGE_UNREADABLE',
    'IMAGE_UNREADABLE',
    'NOT_FOUND',
    'VIDEO_EMPTY',
    'VIDEO_TRUNCATED',
    'VIDEO_UNREADABLE',
  ];

  it('is anonymized as far as it can be, with one line for each that fails and the right counts', async () => {
    fill();
    const first = await hide({});
    expect(first.failed).toEqual(broken);
    expect(readdirSync(at('out')).sort()).toEqual(good);
    expect(first.lines.every((line) => line.startsWith('facedet: ') && !/[\p{Cc}\u2028\u2029]/u.test(line))).toBe(true);
    expect(first.counts).toBe(
      'facedet: 8 files done, 200 frames, 206 faces, 8 failures, 6 skipped; --resume tries what is missing again',
    );
    expect(first.lines).toContain(
      `facedet: ${at('in')}: 4 files passed over: 1 PDF, 1 empty, 1 special, 1 text; 2 folders in it not searched`,
    );

    // What is done stays; what failed is tried again.
    const times = good.map((name) => statSync(at('out', name)).mtimeMs);
    copyFileSync(at('good.png'), at('in/text.jpg'));
    const again = await hide({ resume: true });
    expect(again.failed).toEqual(broken.toSpliced(1, 1));
    expect(again.counts).toBe(
      'facedet: 1 file done, 0 frames, 1 face, 8 files done before, 7 failures, 6 skipped; --resume tries ' +
        'what is missing again',
    );
    expect(readdirSync(at('out')).sort()).toEqual([...good, 'text.jpg'].sort());
    expect(good.map((name) => statSync(at('out', name)).mtimeMs)).toEqual(times);
    await expect(hide({ resume: true, margin: 2 })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      exitCode: 2,
      message: expect.stringContaining('margin') as string,
    });

    // What is complete is passed over, too.
    for (const name of readdirSync(at('in')))
      if (!/^(a|linked)\.png$|^folder/.test(name)) rmSync(at('in', name), { force: true });
    expect((await hide({ resume: true })).counts).toBe(
      'facedet: 0 files done, 0 faces, 2 files done before, 0 failures, 1 skipped',
    );
    expect((await hide({ resume: true })).counts).toBe(
      'facedet: 0 files done, 0 faces, 2 files done before, 0 failures, 1 skipped',
    );
    expect((await hide({})).counts).toBe('facedet: 2 files done, 2 faces, 0 failures, 1 skipped');
  }, 30_000);

  it('is searched for faces with the same counts', async () => {
    fill();
    const { failed, counts, text } = await output((context) => runDetect(context, { jsonl: true }, [at('in')]));
    expect(failed.filter((code) => !code.startsWith('VIDEO'))).toEqual(
      broken.filter((code) => !code.startsWith('VIDEO')),
    );
    expect(counts).toBe(`facedet: 6 files done, 6 faces, ${failed.length} failures, 11 skipped`);
    const rows = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { faces?: unknown[]; error?: unknown });
    expect([rows.filter(({ faces }) => faces).length, rows.filter(({ error }) => error).length]).toEqual([
      6,
      failed.length,
    ]);
  });
});

describe('a folder run', () => {
  it('leaves nothing of a truncated video, and all of an interrupted one', async () => {
    copyFileSync(at('good.mp4'), at('in/a.mp4'));
    writeFileSync(at('in/b.webm'), readFileSync(at('good.webm')).subarray(0, 0.6 * statSync(at('good.webm')).size));
    copyFileSync(at('good.mp4'), at('in/c.mp4'));
    let seen = 0;
    const stop = new AbortController();
    const names = () =>
      readdirSync(at('out'))
        .filter((name) => !name.endsWith('.lock'))
        .sort();
    onDetect = () => {
      // In the middle of the third film.
      if (existsSync(at('out/c.partial.mp4')) && ++seen === 30) stop.abort(new Error('Ctrl-C'));
    };
    await expect(hide({}, stop.signal)).rejects.toThrow();
    const rows = 'c.mp4.partial.analysis.jsonl.partial';
    expect(names()).toEqual(['.facedet-run.partial.json', 'a.mp4', rows, `${rows}.json`]);
    const { counts, failed } = await hide({ resume: true });
    expect([counts, failed]).toEqual([
      'facedet: 1 file done, 100 frames, 100 faces, 1 file done before, 1 failure, 0 skipped; --resume tries ' +
        'what is missing again',
      ['VIDEO_TRUNCATED'],
    ]);
    expect(names()).toEqual(['a.mp4', 'c.mp4']);
  }, 30_000);

  it.each([
    ['a film', ['a.mp4']],
    ['several', ['a.mp4', 'b.png', 'c.mp4']],
  ] as const)(
    'that is interrupted is continued with --resume only where something is kept: %s',
    async (_, names) => {
      const inputs = names.map((name) => at('in', name));
      for (const [i, name] of names.entries())
        copyFileSync(at(name.endsWith('png') ? 'good.png' : 'good.mp4'), inputs[i]!);
      const output = names.length > 1 ? at('out') : at('out/a.mp4');
      const counts = async (when: (call: number) => boolean) => {
        const stop = new AbortController();
        onDetect = (call) => {
          if (when(call)) stop.abort(new Error('Ctrl-C'));
          stop.signal.throwIfAborted();
        };
        const lines: string[] = [];
        await expect(hide({ output }, stop.signal, inputs, lines)).rejects.toThrow();
        return lines.at(-1);
      };
      expect(await counts(() => true)).toMatch(/^facedet: 0 files done, .*; interrupted$/);
      expect(existsSync(at('out')) ? readdirSync(at('out')) : []).toEqual([]);
      expect(await counts((call) => call === 50)).toMatch(/^facedet: .*; interrupted, continue with --resume$/);
      expect(readdirSync(at('out')).length).toBeGreaterThan(0);
    },
    30_000,
  );

  it.each(['a folder', 'a list'])(
    'that is complete is passed over by --resume: %s',
    async (kind) => {
      const inputs = ['a.mp4', 'b.png'].map((name) => at('in', name));
      copyFileSync(at('good.mp4'), inputs[0]!);
      copyFileSync(at('good.png'), inputs[1]!);
      const again = (flags: Partial<AnonymizeFlags> = {}, more: string[] = []) =>
        hide({ ...flags, resume: true }, undefined, kind === 'a list' ? [...inputs, ...more] : [at('in')]);
      expect((await again()).counts).toBe('facedet: 2 files done, 100 frames, 101 faces, 0 failures, 0 skipped');
      expect(readdirSync(at('out')).sort()).toEqual(['a.mp4', 'b.png']);
      const before = 'facedet: 0 files done, 0 frames, 0 faces, 2 files done before, 0 failures, 0 skipped';
      for (const _ of [1, 2]) expect((await again()).counts).toBe(before);
      await expect(again({ margin: 2 })).rejects.toMatchObject({ code: 'RESUME_MISMATCH', exitCode: 2 });
      expect((await again()).counts).toBe(before);
      // What was removed or added since is done.
      rmSync(at('out/b.png'));
      copyFileSync(at('good.png'), at('in/c.png'));
      const { counts } = await again({}, [at('in/c.png')]);
      expect(counts).toBe('facedet: 2 files done, 0 frames, 2 faces, 1 file done before, 0 failures, 0 skipped');
    },
    30_000,
  );

  it('takes very many files', async () => {
    for (let i = 0; i < 400; i++) copyFileSync(at('good.png'), at(`in/${i}.png`));
    const { counts, lines } = await hide({});
    expect(lines.filter((line) => line.includes(' ['))).toEqual([]);
    expect(counts).toBe('facedet: 400 files done, 400 faces, 0 failures, 0 skipped');
    expect(readdirSync(at('out')).length).toBe(400);
  }, 60_000);
});
