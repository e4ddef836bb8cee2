import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Detector } from '@facedet/core';
import { writeImage } from '@facedet/runtime-node';
import { createVideoWriter } from '@facedet/video-node';
import { anonymize } from '../commands/anonymize.ts';
import { video } from '../commands/video.ts';
import type { Context } from '../shared/context.ts';
import { detectionOptions, type DetectorFlags } from '../shared/model-option.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import { run as runAnonymize } from './anonymize.ts';
import { run as runVideo, type VideoFlags } from './video.ts';

// Every option of the commands that can be resumed either decides rows and pixels, and is then in the manifest, or does
// not. A new option belongs into one of the lists here: one that is in neither makes this test fail.
const DETECTOR = {
  model: ['--model', 'other.onnx'],
  size: ['--size', '320'],
  pixels: ['--pixels', '100k'],
  rotate: ['--rotate', '90'],
  preset: ['--preset', 'paper'],
  score: ['--score', '0.7'],
  iou: ['--iou', '0.3'],
  maxFaces: ['--max-faces', '3'],
  tiles: ['--tiles', '512'],
  clahe: ['--clahe'],
  provider: ['--provider', 'cuda'],
};
const FILM = {
  trackerPreset: ['--tracker-preset', 'conservative'],
  codec: ['--codec', 'av1'],
  bitDepth: ['--bit-depth', '10'],
  toneMap: ['--tone-map', 'sdr'],
  crf: ['--crf', '30'],
  encoderPreset: ['--encoder-preset', 'fast'],
  encoderThreads: ['--encoder-threads', '2'],
  audio: ['--no-audio'],
  onError: ['--on-error', 'stop'],
  detectEvery: ['--detect-every', '2'],
  lookAhead: ['--look-ahead', '2'],
};
const DECIDES: Record<string, Record<string, string[]>> = {
  anonymize: {
    ...DETECTOR,
    ...FILM,
    effect: ['--effect', 'pixelate'],
    image: ['--effect', 'image', '--image', 'IMAGE'],
    color: ['--effect', 'blur', '--color', '00ff00'],
    shape: ['--shape', 'box'],
    margin: ['--margin', '1.5'],
    keepMetadata: ['--keep-metadata'],
  },
  video: {
    ...DETECTOR,
    ...FILM,
    fps: ['--fps', '10'],
    hwaccel: ['--hwaccel', 'auto'],
    live: ['--live'],
    track: ['--no-track'],
    smooth: ['--no-smooth'],
    refine: ['--refine'],
  },
};
// Where results go, how fast, and what is printed. `--tracks` and its `--keep` are not resumed; `--show` would open a
// page.
const DECIDES_NOT: Record<string, Record<string, string[]>> = {
  anonymize: {
    output: [],
    resume: ['--resume'],
    acceptLicense: ['--accept-license'],
    threads: ['--threads', '1'],
    workers: ['--workers', '1'],
    tracks: [],
    keep: [],
    // For one video, not for a folder.
    jsonl: [],
    gallery: [],
  },
  video: {
    output: [],
    jsonl: [],
    mot: ['--mot', 'rows.txt'],
    csv: ['--csv', 'rows.csv'],
    json: ['--json'],
    gallery: ['--gallery', 'who'],
    show: [],
    resume: ['--resume'],
    acceptLicense: ['--accept-license'],
    threads: ['--threads', '1'],
    workers: ['--workers', '1'],
    reconnects: ['--reconnects', '3'],
  },
};

const folder = mkdtempSync(join(tmpdir(), 'facedet-deciding-'));
const at = (...names: string[]) => join(folder, ...names);
process.env.FACEDET_MODELS = at('cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let out = '';
let onDetect = () => {};
vi.mock('../shared/detector.ts', () => ({
  openDetector: async (_: Context, flags: DetectorFlags) => {
    const detector = {
      concurrency: 1,
      // As a real one: what finds other faces, not how many threads find them.
      fingerprint: { model: flags.model, provider: flags.provider, settings: detectionOptions(flags) },
      async detect() {
        onDetect();
        return [];
      },
      async detectBatch() {
        return [];
      },
      async warmup() {},
      async dispose() {},
    } as unknown as Detector;
    return { detector, model: 'fake' };
  },
}));

beforeAll(async () => {
  mkdirSync(at('in'));
  const pixels = { data: new Uint8Array(64 * 48 * 3).fill(90), width: 64, height: 48, format: 'rgb' as const };
  await writeImage(at('image.png'), pixels);
  for (const name of ['a.mp4', 'b.mp4']) {
    const writer = await createVideoWriter(at('in', name), { like: { width: 64, height: 48, fps: 25 } });
    for (let i = 0; i < 5; i++) await writer.write({ ...pixels, timestamp: i / 25 });
    await writer.finish();
  }
});

/** The flags that the command parses. */
function flagsOf(command: Command, argv: string[]): Record<string, unknown> {
  let flags: Record<string, unknown> = {};
  command.exitOverride().action((_, options: Record<string, unknown>) => void (flags = options));
  command.parse(
    argv.map((argument) => (argument === 'IMAGE' ? at('image.png') : argument)),
    { from: 'user' },
  );
  return flags;
}

/** The manifests of a run that has begun, by name. */
async function manifests(name: string, argv: readonly string[]): Promise<Map<string, string>> {
  rmSync(at('out'), { recursive: true, force: true });
  out = at('out');
  const found = new Map<string, string>();
  const stop = new AbortController();
  onDetect = () => {
    for (const file of readdirSync(out))
      if (file.endsWith('.partial.json'))
        found.set(file, readFileSync(join(out, file), 'utf8').split('\n{"output"')[0]!);
    stop.abort(new Error('enough'));
  };
  const fail = (_: string, error: Error) => {
    failure ??= error;
    return { code: '', message: '' };
  };
  let failure: Error | undefined;
  const context = { write: async () => {}, log() {}, fail, signal: stop.signal } as unknown as Context;
  const inOut = argv.map((argument) =>
    ['rows.txt', 'rows.csv', 'who'].includes(argument) ? join(out, argument) : argument,
  );
  const run =
    name === 'anonymize'
      ? runAnonymize(context, flagsOf(anonymize(), [at('in'), '-o', out, ...inOut]) as unknown as AnonymizeFlags, [
          at('in'),
        ])
      : runVideo(
          context,
          flagsOf(video(), [
            at('in/a.mp4'),
            '--jsonl',
            join(out, 'rows.jsonl'),
            '-o',
            join(out, 'a.mp4'),
            ...inOut,
          ]) as unknown as VideoFlags,
          at('in/a.mp4'),
        );
  await run.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  if (failure && found.size === 0) throw failure;
  return found;
}

describe.each([
  ['anonymize', anonymize],
  ['video', video],
] as const)('%s', (name, make) => {
  const names =
    name === 'anonymize'
      ? ['.facedet-run.partial.json', 'a.mp4.partial.analysis.jsonl.partial.json', 'a.mp4.partial.json']
      : ['a.mp4.partial.json', 'rows.jsonl.partial.json'];

  it('has options that decide rows or pixels, and others, and no more', () => {
    const options = make().options.map((option) => option.attributeName());
    expect([...Object.keys(DECIDES[name]!), ...Object.keys(DECIDES_NOT[name]!)].sort()).toEqual(options.sort());
  });

  it('has in its manifests what decides, and nothing else', async () => {
    const base = await manifests(name, []);
    expect([...base.keys()].sort()).toEqual(names);
    expect(await manifests(name, [])).toEqual(base);
    for (const [option, argv] of Object.entries(DECIDES[name]!)) {
      const changed = await manifests(name, argv);
      for (const file of names) {
        // Files that are done are done, whatever is to happen after a failure.
        const differs = !(option === 'onError' && file === '.facedet-run.partial.json');
        expect([option, file, changed.has(file), changed.get(file) !== base.get(file)]).toEqual([
          option,
          file,
          true,
          differs,
        ]);
      }
    }
    for (const [option, argv] of Object.entries(DECIDES_NOT[name]!)) {
      const same = await manifests(name, argv);
      for (const file of names) expect([option, same.get(file)]).toEqual([option, base.get(file)]);
    }
  });
});
