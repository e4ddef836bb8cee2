import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { layoutOf } from '../ffmpeg/pixel-layout.ts';
import { colorTagsOf } from '../ffmpeg/colors.ts';
import { upright } from '../ffmpeg/orientation.ts';
import { displayMatrix, tempFolder, writeByGraph } from '../fixtures.ts';
import { filterFrames } from '../read/filters.ts';
import { summarizeColors } from '../read/color-summary.ts';
import { openVideo } from '../read/open-video.ts';
import type { ColorTags, VideoMetadata } from '../read/metadata.ts';
import { createVideoWriter, type VideoWriterOptions } from './writer.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BT709: Partial<ColorTags> = { space: 1, primaries: 1, transfer: 1, range: 1 };
const HLG: Partial<ColorTags> = { space: 9, primaries: 9, transfer: 18, range: 1 };
const PQ: Partial<ColorTags> = { space: 9, primaries: 9, transfer: 16, range: 1 };
const BT2020: Partial<ColorTags> = { space: 9, primaries: 9, transfer: 14, range: 1 };
const P3: Partial<ColorTags> = { space: 1, primaries: 12, transfer: 13, range: 1 };
const PAL: Partial<ColorTags> = { space: 5, primaries: 5, transfer: 4, range: 1 };
const NTSC: Partial<ColorTags> = { space: 6, primaries: 6, transfer: 6, range: 1 };
const FULL: Partial<ColorTags> = { ...BT709, range: 2 };

/** The means of Y, U and V of the first frame on the 8-bit scale, and the container's color tags. */
async function firstFrame(path: string): Promise<{ means: number[]; metadata: VideoMetadata }> {
  const ffmpeg = await loadFfmpeg();
  const video = await openVideo(path);
  for await (const frame of video) {
    const native = frame.native();
    const { planes, bitDepth } = layoutOf(ffmpeg.avGetPixFmtName(native.format as never)!)!;
    const means = planes.slice(0, 3).map(({ bytes, shiftX, shiftY }, i) => {
      const [w, h] = [-(-native.width >> shiftX), -(-native.height >> shiftY)];
      const [data, stride] = [native.data![i]!, native.linesize[i]!];
      let sum = 0;
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) sum += bytes === 2 ? data.readUInt16LE(y * stride + 2 * x) : data[y * stride + x]!;
      return sum / (w * h) / 2 ** (bitDepth - 8);
    });
    frame.close();
    await video.close();
    return { means, metadata: video.metadata };
  }
  throw new Error('no frame');
}

async function copy(from: string, to: string, options: Partial<VideoWriterOptions> = {}) {
  const video = await openVideo(from);
  const writer = await createVideoWriter(to, { crf: 4, ...options, like: video.metadata });
  for await (const frame of video) {
    await writer.write(frame, () => {});
    frame.close();
  }
  await writer.finish();
  return writer;
}

const tagsOf = ({ color: { space, primaries, transfer } }: VideoMetadata) => ({ space, primaries, transfer });

// Chroma is at the left of each pair of pixels: at 192 pixels, the two edges alone change V of 4:4:4 by 0.5.
const graph = 'testsrc2=size=384x256:rate=25';
const size = [384, 256] as const;
const pixelFormats = {
  '8-bit 4:2:0': ['libx264', 'yuv420p'],
  '8-bit 4:2:2': ['libx264', 'yuv422p'],
  '8-bit 4:4:4': ['libx264', 'yuv444p'],
  '10-bit 4:2:0': ['libx264', 'yuv420p10le'],
  '10-bit 4:2:2': ['libx264', 'yuv422p10le'],
  '10-bit 4:4:4': ['libx264', 'yuv444p10le'],
  ProRes: ['prores_ks', 'yuv422p10le'],
} as const;

describe.each(Object.entries({ HLG, PQ, BT2020, P3, PAL, NTSC, FULL }))('%s', (_, color) => {
  it.each(Object.entries(pixelFormats))(
    'keeps the means of Y, U and V, and the tags, in 8 and 10 bits: %s',
    async (name, [encoder, pixelFormat]) => {
      if (name === 'ProRes' && color === FULL) color = { ...BT709 }; // ProRes has no full range
      const source = await writeByGraph(at('source.mov'), { graph, encoder, pixelFormat, frames: 2, size, color });
      const before = await firstFrame(source);
      expect(tagsOf(before.metadata)).toEqual({
        space: color.space,
        primaries: color.primaries,
        transfer: color.transfer,
      });
      for (const bitDepth of [8, 10] as const) {
        await copy(source, at('copy.mp4'), { bitDepth, ...(bitDepth === 10 && { preset: 'ultrafast' }) });
        const after = await firstFrame(at('copy.mp4'));
        expect(tagsOf(after.metadata)).toEqual(tagsOf(before.metadata));
        expect(summarizeColors(after.metadata).bitDepth).toBe(bitDepth);
        after.means.forEach((mean, i) =>
          expect(Math.abs(mean - before.means[i]!), `${bitDepth} bits, plane ${i}`).toBeLessThan(0.5),
        );
      }
    },
  );
});

it('keeps tags and samples of pictures that filters rotate or fit into the first size', async () => {
  const matrix = displayMatrix(0, 1, -1, 0);
  const source = await writeByGraph(at('source.mov'), {
    graph,
    encoder: 'libx264',
    pixelFormat: 'yuv420p10le',
    frames: 1,
    size,
    color: { ...HLG, transfer: 9 },
    matrix,
  });
  await copy(source, at('copy.mp4'));
  const [turned, copied] = [await firstFrame(source), await firstFrame(at('copy.mp4'))];
  expect([turned.metadata.width, turned.metadata.height, turned.metadata.rotation]).toEqual([256, 384, 90]);
  expect(tagsOf(copied.metadata)).toEqual({ space: 9, primaries: 9, transfer: 9 });
  copied.means.forEach((mean, i) => expect(Math.abs(mean - turned.means[i]!), `plane ${i}`).toBeLessThan(0.5));

  // A picture of another size and with another transfer function in the middle of a folder.
  const still = (name: string, side: readonly [number, number], transfer: number) =>
    writeByGraph(at(name), {
      graph: `testsrc2=size=${side[0]}x${side[1]}:rate=25`,
      encoder: 'libx264',
      pixelFormat: 'yuv420p',
      frames: 1,
      size: side,
      color: { ...BT709, transfer },
    });
  await still('a.mp4', [384, 256], 1);
  await still('b.mp4', [192, 128], 9);
  const ffmpeg = await loadFfmpeg();
  const options = {
    name: 'two',
    timeBase: { num: 1, den: 25 },
    orientation: upright,
    deinterlace: true,
    size: { width: 0, height: 0 },
  };
  const seen: ColorTags[] = [];
  async function* pictures() {
    for (const name of ['a.mp4', 'b.mp4'])
      for await (const frame of await openVideo(at(name))) {
        yield { frame: frame.native().clone()!, seconds: 0, duration: 0 };
        frame.close();
      }
  }
  for await (const { frame } of filterFrames(ffmpeg, pictures(), options)) {
    expect([frame.width, frame.height]).toEqual([384, 256]);
    seen.push(colorTagsOf(frame));
    frame.free();
  }
  expect(seen.map(({ primaries, transfer }) => [primaries, transfer])).toEqual([
    [1, 1],
    [1, 9],
  ]);
});

describe('every value of a color tag', () => {
  const values = Array.from({ length: 23 }, (_, value) => value);
  it.each(['space', 'primaries', 'transfer'] as const)(
    '%s: the film is scaled and copied, its samples unchanged',
    async (field) => {
      for (const value of values) {
        const color = { ...BT709, [field]: value };
        const source = await writeByGraph(at('source.mov'), {
          graph,
          encoder: 'libx264',
          pixelFormat: 'yuv422p',
          frames: 1,
          size,
          color,
        });
        const video = await openVideo(source);
        for await (const frame of video) {
          const { data } = await frame.rasterize(48, 32);
          expect(new Set(data).size, `${field} ${value}`).toBeGreaterThan(20);
          frame.close();
        }
        await copy(source, at('copy.mp4'));
        const [before, after] = [await firstFrame(source), await firstFrame(at('copy.mp4'))];
        after.means.forEach((mean, i) =>
          expect(Math.abs(mean - before.means[i]!), `${field} ${value}, plane ${i}`).toBeLessThan(0.5),
        );
      }
    },
    60_000,
  );
});
