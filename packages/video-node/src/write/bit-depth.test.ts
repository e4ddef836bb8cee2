import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anonymizePlanes, drawPlanes, type AnonymizeOptions, type YuvPlanes } from '@facedet/draw';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import type { HdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import { numbersOf, numberedPicture, show, evenTimes, tempFolder, writeByGraph, writeNumbered } from '../fixtures.ts';
import { summarizeColors } from '../read/color-summary.ts';
import { openVideo } from '../read/open-video.ts';
import { createDecodeTimes } from './decode-times.ts';
import { createVideoWriter, type VideoWriterOptions } from './writer.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PQ = { space: 9, primaries: 9, transfer: 16, range: 1 };
const [width, height] = [192, 128];
const graph = `testsrc2=size=${width}x${height}:rate=25`;
const FORMS = [
  ['a.mp4', 'hevc'],
  ['b.mov', 'hevc'],
  ['c.mkv', 'hevc'],
  ['d.mp4', 'av1'],
  ['e.mkv', 'av1'],
  ['f.webm', 'av1'],
  ['g.webm', 'vp9'],
] as const;

const source10 = (name = 'source.mov', encoder = 'libx264') =>
  writeByGraph(at(name), { graph, encoder, pixelFormat: 'yuv420p10le', frames: 3, size: [width, height], color: PQ });

async function metadataOf(path: string) {
  const video = await openVideo(path);
  await video.close();
  return video.metadata;
}

async function copy(
  from: string,
  to: string,
  options: Partial<VideoWriterOptions> = {},
  edit?: (planes: YuvPlanes) => void,
) {
  const video = await openVideo(from);
  const writer = await createVideoWriter(to, { bitDepth: 10, ...options, like: video.metadata });
  for await (const frame of video) {
    await writer.write(frame, edit);
    frame.close();
  }
  await writer.finish();
  return writer;
}

/** All samples of a picture's planes, without padding. */
function samplesOf({ width: w, height: h, planes, strides, bitDepth }: YuvPlanes): number[][] {
  return planes.map((plane, i) => {
    const [columns, rows] = i === 0 ? [w, h] : [w / 2, h / 2];
    const bytes = plane as Buffer;
    return Array.from({ length: columns * rows }, (_, k) => {
      const [x, y] = [k % columns, Math.floor(k / columns)];
      return bitDepth === 10 ? bytes.readUInt16LE(y * strides[i]! + 2 * x) : bytes[y * strides[i]! + x]!;
    });
  });
}

async function decoded(path: string): Promise<number[][]> {
  const video = await openVideo(path);
  for await (const frame of video) {
    const native = frame.native();
    const found = samplesOf({
      width,
      height,
      planes: native.data!,
      strides: native.linesize,
      subsampling: '420',
      bitDepth: 10,
    });
    frame.close();
    await video.close();
    return found;
  }
  throw new Error('no frame');
}

describe('10 bits', () => {
  it.each(FORMS)('decode to what was written: %s in %s', async (name, codec) => {
    const times = evenTimes(30).map((t, i) => t + (i > 20 ? 0.5 : 0));
    const path = await writeNumbered(at(name), times, { codec, bitDepth: 10 });
    const read = await show(path);
    expect(read.error).toBeUndefined();
    expect(read.times).toEqual(times.map((t) => expect.closeTo(t, 3)));
    numbersOf(read.levels).forEach((number, i) => expect(Math.abs(number - i)).toBeLessThanOrEqual(2));
    expect(await metadataOf(path)).toMatchObject({ codec, pixelFormat: 'yuv420p10le', width: 96, height: 64 });
    // Apple's players reject HEVC under any other tag.
    if (codec === 'hevc' && !name.endsWith('.mkv')) expect(readFileSync(path).includes('hvc1')).toBe(true);
  });

  it('are HEVC by default, VP9 in WebM; 8-bit HEVC is possible too', async () => {
    expect((await metadataOf(await writeNumbered(at('a.mp4'), evenTimes(3), { bitDepth: 10 }))).codec).toBe('hevc');
    expect((await metadataOf(await writeNumbered(at('b.webm'), evenTimes(3), { bitDepth: 10 }))).codec).toBe('vp9');
    const shallow = await metadataOf(await writeNumbered(at('c.mp4'), evenTimes(3), { codec: 'hevc' }));
    expect([shallow.codec, shallow.pixelFormat]).toEqual(['hevc', 'yuv420p']);
  });

  it.each([
    ['a.mp4', { codec: 'h264', bitDepth: 10 }, 'hevc, av1 or vp9 for 10 bits but received h264'],
    ['a.webm', { codec: 'hevc' }, 'vp9 or av1 in a WebM but received hevc'],
    ['a.mp4', { bitDepth: 12 }, '8 or 10 for bitDepth but received 12'],
  ])('are refused where nothing can hold them: %s %j', async (name, options, message) => {
    const writing = createVideoWriter(at(name), { like: { width, height, fps: 25 }, ...(options as object) });
    await expect(writing).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });

  it.each(['ultrafast', 'medium', 'slower', 'placebo'])(
    'are encoded at one frame per second by preset %s',
    async (preset) => {
      const writer = await createVideoWriter(at('slow.mp4'), {
        like: { width: 96, height: 64, fps: 1 },
        codec: 'hevc',
        preset,
        threads: 32,
      });
      for (let i = 0; i < 3; i++) await writer.write({ ...numberedPicture(i, 96, 64), timestamp: i });
      await writer.finish();
      expect((await show(at('slow.mp4'))).times).toEqual([0, 1, 2]);
    },
  );
});

describe('HEVC', () => {
  // x265 invents times if there are fewer pictures than its delay, and FFmpeg then aborts the process.
  it.each(['ultrafast', 'superfast', 'veryfast', 'slower'])(
    'of 1 to 9 pictures has their times: %s',
    async (preset) => {
      for (let count = 1; count <= 9; count++)
        for (const name of ['short.mp4', 'short.mkv']) {
          await writeNumbered(at(name), evenTimes(count), { codec: 'hevc', preset, threads: 4 });
          expect((await show(at(name))).times, `${count} in ${name}`).toEqual(
            evenTimes(count).map((t) => expect.closeTo(t, 2)),
          );
        }
    },
  );

  it('has decoding times that increase and never exceed the time of the picture, at any frame rate', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 40 }),
        fc.constantFrom(0, 1, 2),
        fc.nat(),
        (steps, delay, seed) => {
          const times = createDecodeTimes(delay);
          let pts = 7n;
          const shown = steps.map((step) => {
            times.shown(pts, BigInt(step));
            const at = pts;
            pts += BigInt(step);
            return at;
          });
          // Groups of a later picture and the up to `delay` before it.
          const stored: bigint[] = [];
          for (let i = 0; i < shown.length;) {
            const size = 1 + ((seed + i) % (delay + 1));
            const group = shown.slice(i, i + size);
            stored.push(...group.slice(-1), ...group.slice(0, -1));
            i += size;
          }
          const dts = stored.map(() => times.next());
          dts.forEach((time, i) => {
            expect(time <= stored[i]!).toBe(true);
            expect(i === 0 || time > dts[i - 1]!).toBe(true);
          });
        },
      ),
    );
  });
});

describe('masks on 10-bit frames', () => {
  const face = { box: { x: 40, y: 30, width: 60, height: 50 }, id: 1, score: 0.9 };
  const stamp = { data: new Uint8Array(12).fill(200), width: 2, height: 2, format: 'rgb' } as const;

  it.each(
    (['blur', 'pixelate', 'solid', 'image'] as const).flatMap((effect) =>
      (['ellipse', 'box'] as const).map((shape) => [effect, shape] as const),
    ),
  )('change every sample inside and none outside: %s, %s', async (effect, shape) => {
    const source = await source10();
    const options: AnonymizeOptions = { effect, shape, margin: 1, image: stamp };
    let before: number[][] = [];
    let after: number[][] = [];
    await copy(source, at('copy.mp4'), { crf: 0 }, (planes) => {
      const first = before.length === 0;
      if (first) before = samplesOf(planes);
      anonymizePlanes(planes, [face], options);
      if (first) after = samplesOf(planes);
    });
    // The edited samples are the decoded ones, with all 10 bits.
    expect(before).toEqual(await decoded(source));
    const { x, y, width: w, height: h } = face.box;
    after.forEach((plane, i) => {
      const scale = i === 0 ? 1 : 0.5;
      const columns = width * scale;
      const inside: number[] = [];
      let changedOutside = 0;
      plane.forEach((sample, k) => {
        const [px, py] = [((k % columns) + 0.5) / scale, (Math.floor(k / columns) + 0.5) / scale];
        const [u, v] = [(px - x - w / 2) / (w / 2), (py - y - h / 2) / (h / 2)];
        const depth = shape === 'box' ? Math.max(Math.abs(u), Math.abs(v)) : Math.hypot(u, v);
        if (depth > 1.1) changedOutside += Number(sample !== before[i]![k]);
        else if (depth < 1) inside.push(sample);
        expect(sample).toBeLessThan(1024);
      });
      expect(changedOutside).toBe(0);
      // Of the test picture's many values only a smooth field, tiles, or one color remain.
      const edges = inside.filter((sample, k) => k > 0 && Math.abs(sample - inside[k - 1]!) > 60).length;
      expect(edges / inside.length, `plane ${i}`).toBeLessThan(0.05);
      if (effect === 'solid' || effect === 'image') expect(new Set(inside).size).toBe(1);
    });
    // The same in the encoded file.
    const stored = await decoded(at('copy.mp4'));
    stored[0]!.forEach((sample, k) => expect(Math.abs(sample - after[0]![k]!)).toBeLessThan(16));
  });

  it('overlays are drawn as on 8 bits', async () => {
    const draw = async (bitDepth: 8 | 10) => {
      let found: number[][] = [];
      const source = await writeByGraph(at('s.mov'), {
        graph,
        encoder: 'libx264',
        pixelFormat: 'yuv420p',
        frames: 1,
        size: [width, height],
      });
      await copy(source, at('o.mp4'), { bitDepth }, (planes) => {
        drawPlanes(planes, [face]);
        found = samplesOf(planes);
      });
      return found;
    };
    const [shallow, deep] = [await draw(8), await draw(10)];
    shallow.forEach((plane, i) =>
      plane.forEach((sample, k) => expect(Math.abs(deep[i]![k]! / 4 - sample)).toBeLessThanOrEqual(1)),
    );
  });

  it.each([
    ['HLG', 18, 0.75],
    ['PQ', 16, 0.58],
    ['SDR', 14, 1],
  ])('white is drawn at reference white, not at the peak: %s', async (_, transfer, level) => {
    const source = await writeByGraph(at('s.mov'), {
      graph,
      encoder: 'libx264',
      pixelFormat: 'yuv420p10le',
      frames: 1,
      size: [width, height],
      color: { ...PQ, transfer },
    });
    let found: number[][] = [];
    await copy(source, at('o.mp4'), {}, (planes) => {
      anonymizePlanes(planes, [face], { effect: 'solid', color: [255, 255, 255] });
      found = samplesOf(planes);
    });
    expect(found[0]![55 * width + 70]).toBe(Math.round(64 + 876 * level));
  });

  it('an 8-bit source is stored in 10 bits, its samples unchanged', async () => {
    const source = await writeByGraph(at('s.mov'), {
      graph,
      encoder: 'libx264',
      pixelFormat: 'yuv420p',
      frames: 1,
      size: [width, height],
    });
    const seen = { 8: [] as number[][], 10: [] as number[][] };
    for (const bitDepth of [8, 10] as const)
      await copy(source, at('o.mp4'), { bitDepth }, (planes) => (seen[bitDepth] = samplesOf(planes)));
    expect(seen[10]).toEqual(seen[8].map((plane) => plane.map((sample) => 4 * sample)));
  });
});

describe('a resumed run', () => {
  it.each(['film.mp4', 'film.mkv'])('continues in HEVC: %s', async (name) => {
    const options = { like: { width: 96, height: 64, fps: 25 }, bitDepth: 10, crf: 8 } as const;
    const first = await createVideoWriter(at(name), options);
    for (let i = 0; i < 40; i++) await first.write({ ...numberedPicture(i, 96, 64), timestamp: i / 25 });
    await first.flush();
    for (const other of [{ bitDepth: 8, codec: 'hevc' }, { codec: 'av1' }] as const)
      await expect(createVideoWriter(at(name), { ...options, ...other, resume: true })).rejects.toMatchObject({
        code: 'RESUME_MISMATCH',
      });
    const second = await createVideoWriter(at(name), { ...options, resume: true });
    expect(second.frames).toBe(40);
    for (let i = 40; i < 60; i++) await second.write({ ...numberedPicture(i, 96, 64), timestamp: i / 25 });
    await second.finish();
    const read = await show(at(name));
    expect(read.error).toBeUndefined();
    expect(read.times).toEqual(evenTimes(60).map((t) => expect.closeTo(t, 2)));
    numbersOf(read.levels).forEach((number, i) => expect(Math.abs(number - i)).toBeLessThanOrEqual(2));
  });
});

describe('pictures stored out of order', () => {
  // How FFmpeg detects the order of an MP4 depends on where in the file it changes.
  it.each(['h264', 'hevc'] as const)('are continued in every short file: %s', async (codec) => {
    const moving = (i: number) => ({ ...numberedPicture(13 * i * (i + 7), 96, 64), timestamp: i / 25 });
    for (const count of [2, 3, 4, 5, 9, 40]) {
      const options = { like: { width: 96, height: 64, fps: 25 }, codec } as const;
      const first = await createVideoWriter(at(`${count}.mp4`), options);
      for (let i = 0; i < count; i++) await first.write(moving(i));
      await first.flush();
      const second = await createVideoWriter(at(`${count}.mp4`), { ...options, resume: true });
      expect(second.frames).toBe(count);
      for (let i = count; i < count + 9; i++) await second.write(moving(i));
      await second.finish();
      const read = await show(at(`${count}.mp4`));
      expect(read.error).toBeUndefined();
      expect(read.times).toEqual(evenTimes(count + 9).map((t) => expect.closeTo(t, 3)));
    }
  });
});

describe('HDR metadata', () => {
  const hdr: HdrMetadata = {
    masteringDisplay: {
      red: [0.68, 0.32],
      green: [0.265, 0.69],
      blue: [0.15, 0.06],
      white: [0.3127, 0.329],
      minLuminance: 0.005,
      maxLuminance: 1000,
    },
    contentLight: { maxCll: 900, maxFall: 300 },
  };
  const close = (value: unknown): unknown =>
    typeof value === 'number'
      ? expect.closeTo(value, 3)
      : Array.isArray(value)
        ? value.map(close)
        : Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, close(item)]));

  /** A source with mastering metadata, written by this package from one without. */
  async function sourceWithHdr(): Promise<string> {
    const plain = await source10();
    const video = await openVideo(plain);
    const writer = await createVideoWriter(at('hdr.mp4'), { like: { ...video.metadata, hdr }, bitDepth: 10 });
    for await (const frame of video) {
      await writer.write(frame);
      frame.close();
    }
    await writer.finish();
    return at('hdr.mp4');
  }

  it.each(FORMS)('is kept with 10 bits: %s in %s', async (name, codec) => {
    const source = await sourceWithHdr();
    expect((await metadataOf(source)).hdr).toEqual(close(hdr));
    const writer = await copy(source, at(name), { codec });
    expect(writer.leftOut).toEqual([]);
    const after = await metadataOf(at(name));
    expect(after.hdr).toEqual(close(hdr));
    expect(after.color).toMatchObject({ space: 9, primaries: 9, transfer: 16 });
    expect(summarizeColors(after)).toEqual({ bitDepth: 10, dynamicRange: 'pq' });
  });

  it('is in the pictures too, for readers that ignore the container', async () => {
    const ffmpeg = await loadFfmpeg();
    for (const [name, codec] of FORMS.filter(([, form]) => form !== 'vp9')) {
      await copy(await sourceWithHdr(), at(name), { codec });
      for await (const frame of await openVideo(at(name))) {
        const found = frame.native().getSideData(ffmpeg.constants.AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
        expect(found, name).not.toBeNull();
        frame.close();
        break;
      }
    }
  });

  it.each([8, 10] as const)('of single frames is reported once and removed: %i bits', async (bitDepth) => {
    const { constants } = await loadFfmpeg();
    const video = await openVideo(await source10());
    const writer = await createVideoWriter(at('copy.mp4'), { like: video.metadata, bitDepth });
    for await (const frame of video) {
      frame.native().newSideData(constants.AV_FRAME_DATA_DYNAMIC_HDR_PLUS, 64);
      await writer.write(frame);
      // The caller's frame keeps it.
      expect(frame.native().getSideData(constants.AV_FRAME_DATA_DYNAMIC_HDR_PLUS)).not.toBeNull();
      frame.close();
    }
    await writer.finish();
    expect(writer.leftOut).toEqual([{ kind: 'hdr', codec: 'HDR10+', reason: expect.any(String) }]);
  });

  it('is reported as left out of 8-bit output', async () => {
    const { leftOut } = await copy(await sourceWithHdr(), at('copy.mp4'), { bitDepth: 8 });
    expect(leftOut).toEqual([
      { kind: 'hdr', codec: 'mastering display', reason: expect.any(String) },
      { kind: 'hdr', codec: 'content light level', reason: expect.any(String) },
    ]);
  });
});
