import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { evenTimes, tempFolder, writeNumbered } from './fixtures.ts';
import { loadFfmpeg, type Ffmpeg } from './ffmpeg/load.ts';
import { openDecoder } from './read/decoder.ts';
import { openInput } from './read/input.ts';
import { blackFrame } from './read/picture-frame.ts';
import { openEncoder } from './write/encoder.ts';
import { createMuxer } from './write/muxer.ts';

let ffmpeg: Ffmpeg;
let folder: string;
let film: string;
beforeEach(async () => {
  ffmpeg = await loadFfmpeg();
  folder = tempFolder();
  film = await writeNumbered(join(folder, 'a.mp4'), evenTimes(3));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Native objects that are allocated and not freed from here on. */
function countNative(): () => number {
  const { CodecContext, FormatContext, Frame, Packet } = ffmpeg;
  const live = new Set<object>();
  const watch = (prototype: object, allocate: readonly string[], free: readonly string[]) => {
    for (const [names, change] of [
      [allocate, 'add'],
      [free, 'delete'],
    ] as const)
      for (const name of names) {
        const original = (prototype as Methods)[name]!;
        vi.spyOn(prototype as Methods, name).mockImplementation(function (this: object, ...args: unknown[]) {
          live[change](this);
          return original.apply(this, args);
        });
      }
  };
  watch(CodecContext.prototype, ['allocContext3'], ['freeContext']);
  watch(FormatContext.prototype, ['allocContext', 'allocOutputContext2'], ['freeContext', 'closeInput']);
  watch(Frame.prototype, ['alloc'], ['free']);
  watch(Packet.prototype, ['alloc'], ['free']);
  return () => live.size;
}

const fail = (prototype: object, name: string, value: unknown = -22) =>
  vi.spyOn(prototype as Methods, name).mockImplementation(() => {
    if (value instanceof Error) throw value;
    return value;
  });

const encoderOptions = {
  codec: 'h264',
  width: 64,
  height: 48,
  timeBase: { num: 1, den: 90_000 },
  fps: 25,
  sampleAspectRatio: { num: 1, den: 1 },
  color: { range: 0, space: 2, primaries: 2, transfer: 2, chromaLocation: 0 },
  threads: 1,
  reorder: true,
  bitDepth: 8,
} as const;

describe('an error frees everything that was allocated before it', () => {
  const sides = (path: string) => ({ path, audio: true, subtitles: true, metadata: true, startTime: 0 });
  const muxer: [string, (f: Ffmpeg) => void, string | undefined][] = [
    ['the source of the sound is missing', () => {}, 'none.mp4'],
    [
      'no stream can be made',
      (f) => void fail(f.FormatContext.prototype, 'newStream', new Error('no memory')),
      undefined,
    ],
    ['the file cannot be opened', (f) => void fail(f.FormatContext.prototype, 'openOutput'), 'a.mp4'],
    ['the header cannot be written', (f) => void fail(f.FormatContext.prototype, 'writeHeader'), 'a.mp4'],
  ];
  it.each(muxer)('createMuxer: %s', async (_, spoil, source) => {
    const encoder = await openEncoder(ffmpeg, encoderOptions as never);
    const left = countNative();
    spoil(ffmpeg);
    const path = join(folder, 'out.mp4');
    const options = { path, container: 'mp4', encoder: encoder.context, timeBase: encoderOptions.timeBase };
    const opening = createMuxer(ffmpeg, { ...options, ...(source && { sides: sides(join(folder, source)) }) } as never);
    await expect(opening).rejects.toThrow();
    expect(left()).toBe(0);
    encoder.close();
  });

  it('openEncoder: settings that are refused', async () => {
    const left = countNative();
    await expect(openEncoder(ffmpeg, { ...encoderOptions, preset: 'none' } as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(left()).toBe(0);
  });

  it.each(['parametersToContext', 'open2'])('openDecoder: %s', async (step) => {
    const left = countNative();
    const input = await openInput(ffmpeg, { kind: 'file', name: 'a', path: film });
    fail(ffmpeg.CodecContext.prototype, step);
    const options = { name: 'a', threads: 1, hwaccel: 'none', pixelLimit: 1e6, finite: true } as const;
    await expect(openDecoder(ffmpeg, input, options)).rejects.toMatchObject({ code: 'VIDEO_CODEC_UNSUPPORTED' });
    await input.close();
    expect(left()).toBe(0);
  });

  it('a picture for which there is no memory', () => {
    const left = countNative();
    fail(ffmpeg.Frame.prototype, 'getBuffer', -12);
    expect(() => blackFrame(ffmpeg, 64, 48)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
    expect(left()).toBe(0);
  });
});
