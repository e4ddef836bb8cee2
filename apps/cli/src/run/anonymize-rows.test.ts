import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Detector } from '@facedet/core';
import { writeImage } from '@facedet/runtime-node';
import { createVideoWriter, processVideo, readRows, type ProcessVideoOptions } from '@facedet/video-node';
import type { Context } from '../shared/context.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import { run } from './anonymize.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-rows-'));
const at = (...names: string[]) => join(folder, ...names);
process.env.FACEDET_MODELS = at('cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const detect = async () => [
  { box: { x: 4, y: 4, width: 16, height: 16 }, score: 0.9 },
  { box: { x: 36, y: 20, width: 16, height: 16 }, score: 0.8 },
];
const detector = {
  concurrency: 1,
  fingerprint: { model: 'fake' },
  detect,
  detectBatch: (images: readonly unknown[]) => Promise.all(images.map(detect)),
  warmup: async () => {},
  drain: async () => {},
  dispose: async () => {},
} as unknown as Detector;
vi.mock('../shared/detector.ts', () => ({ openDetector: async () => ({ detector, model: 'fake' }) }));

const gray = { data: new Uint8Array(64 * 48 * 3).fill(90), width: 64, height: 48, format: 'rgb' as const };

beforeAll(async () => {
  mkdirSync(at('in'));
  await writeImage(at('photo.png'), gray);
  for (const [name, frames] of [
    ['a.mp4', 20],
    ['b.mp4', 21],
  ] as const) {
    const writer = await createVideoWriter(at(name), { like: { width: 64, height: 48, fps: 25 } });
    for (let i = 0; i < frames; i++) await writer.write({ ...gray, timestamp: i / 25 });
    await writer.finish();
  }
});

async function anonymize(inputs: string[], flags: Partial<AnonymizeFlags>) {
  const log: string[] = [];
  const failed: string[] = [];
  const fail = (_: string, error: Error & { code?: string }) => {
    failed.push(error.code ?? '');
    return { code: '', message: '' };
  };
  const context = { write: async () => {}, log: (line: string) => void log.push(line), fail, terminal: false };
  const signal = new AbortController().signal;
  await run({ ...context, signal } as unknown as Context, { audio: true, output: at('out.mp4'), ...flags }, inputs);
  return { log, failed };
}

const refused = (inputs: string[], flags: Partial<AnonymizeFlags>) =>
  anonymize(inputs, flags).then(
    () => 'accepted',
    ({ message, exitCode }: Error & { exitCode?: number }) => `${exitCode}: ${message}`,
  );

/** Rows of `processVideo` with the settings of anonymizing, and others. */
const rowsWith = async (name: string, options: Partial<ProcessVideoOptions>) => {
  const tracker = { preset: 'aggressive', highScoreThreshold: 0.3 } as const;
  const base = { detector, tracker, smoother: false, lookAhead: 1, jsonl: at(name) } as const;
  await processVideo(at('a.mp4'), { ...base, ...options });
  return at(name);
};

describe('rows and track IDs', () => {
  it('are written with a gallery, and one line says which IDs there are', async () => {
    const { log } = await anonymize([at('a.mp4')], { jsonl: at('rows.jsonl'), gallery: at('who') });
    expect(log[0]).toBe(`facedet: ${at('a.mp4')}: 20 frames, 40 faces, 2 tracks (IDs 1, 2)`);
    expect((await readRows(at('rows.jsonl'))).ids).toEqual([1, 2]);
    expect(readdirSync(at('who')).sort()).toEqual(['0001.jpg', '0002.jpg', 'index.html', 'tracks.json']);
  });

  it('uncover a person of the same file', async () => {
    await anonymize([at('a.mp4')], { jsonl: at('rows.jsonl') });
    const { failed } = await anonymize([at('a.mp4')], { output: at('k.mp4'), tracks: at('rows.jsonl'), keep: [2] });
    expect(failed).toEqual([]);
    expect(
      (await anonymize([at('b.mp4')], { output: at('l.mp4'), tracks: at('rows.jsonl'), keep: [2] })).failed,
    ).toEqual(['TRACKS_MISMATCH']);
  });

  it('are needed to keep a person visible, and have the IDs that are named', async () => {
    await anonymize([at('a.mp4')], { jsonl: at('rows.jsonl') });
    expect(await refused([at('a.mp4')], { keep: [1] })).toMatch(/^2: expected --keep together with --tracks.*--jsonl/);
    expect(await refused([at('photo.png')], { output: at('p.png'), keep: [1] })).toMatch(
      /^2: .*pictures, which have no/,
    );
    expect(await refused([at('photo.png')], { output: at('p.mp4'), tracks: at('rows.jsonl'), keep: [1] })).toMatch(
      /^2:/,
    );
    expect(await refused([at('a.mp4')], { tracks: at('rows.jsonl'), keep: [1, 9] })).toMatch(
      /^2: .*\(1, 2\).*received 9$/,
    );
    expect(await refused([at('a.mp4'), at('b.mp4')], { output: at('in'), jsonl: at('r.jsonl') })).toMatch(
      /^2: expected one video for --jsonl but received a folder, a pattern or several inputs/,
    );
    expect(await refused([at('a.mp4')], { tracks: at('missing.jsonl') })).toMatch(/^2: .*missing\.jsonl/);
  });

  it.each<[string, Partial<ProcessVideoOptions>]>([
    ['the settings of video', { tracker: {}, lookAhead: 0 }],
    ['a higher score', { tracker: { preset: 'aggressive', highScoreThreshold: 0.5 } }],
    ['skipped frames', { detectEvery: 2 }],
    ['no tracks', { tracker: false, lookAhead: 0 }],
    // Even so they lack detections without a track, and the moment after a track's end.
    ['the same settings, but not for anonymizing', {}],
  ])('are refused where they were made with %s', async (_, options) => {
    const message = await refused([at('a.mp4')], { tracks: await rowsWith('less.jsonl', options) });
    expect(message).toMatch(/^2: .*expected rows of facedet anonymize.*facedet anonymize .* --jsonl/);
  });

  it('are accepted without their origin, with a notice, but uncover nobody then', async () => {
    await anonymize([at('a.mp4')], { jsonl: at('rows.jsonl') });
    const rows = readFileSync(at('rows.jsonl'), 'utf8').replace(/,"analysis":\{.*\}\}\n/, '}\n');
    expect(rows).not.toContain('analysis');
    writeFileSync(at('own.jsonl'), `\uFEFF${rows.replaceAll('\n', '\r\n')}`);
    const flags = { output: at('m.mp4'), tracks: at('own.jsonl') };
    const { log, failed } = await anonymize([at('a.mp4')], flags);
    expect([failed, log[0]]).toEqual([[], expect.stringContaining('do not say how they were made')]);
    expect((await anonymize([at('a.mp4')], { ...flags, keep: [1] })).failed).toEqual(['TRACKS_MISMATCH']);
  });

  it('are an input: a video is never written over them', async () => {
    await anonymize([at('a.mp4')], { jsonl: at('rows.mp4') });
    expect(await refused([at('a.mp4')], { output: at('rows.mp4'), tracks: at('rows.mp4') })).toMatch(/^2: .*rows\.mp4/);
  });

  it.each([
    ['score', { score: 0.1 }],
    ['tiles', { tiles: true as const }],
    ['model', { model: 'other' }],
    ['jsonl', { jsonl: at('again.jsonl') }],
    ['look-ahead', { lookAhead: 2 }],
  ])('make --%s idle, which is refused', async (name, flags) => {
    const tracks = await rowsWith('idle.jsonl', { anonymize: true });
    expect(await refused([at('a.mp4')], { tracks, ...flags })).toContain(`--${name} has no effect with --tracks`);
  });
});
