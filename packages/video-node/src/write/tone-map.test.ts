import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anonymizePlanes } from '@facedet/draw';
import { tempFolder, writeByGraph } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import type { ColorTags } from '../read/metadata.ts';
import { toneMapFilters } from './tone-map.ts';
import { createVideoWriter, type VideoWriterOptions } from './writer.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HLG: Partial<ColorTags> = { space: 9, primaries: 9, transfer: 18, range: 1 };
const PQ: Partial<ColorTags> = { space: 9, primaries: 9, transfer: 16, range: 1 };
const SDR: Partial<ColorTags> = { space: 9, primaries: 9, transfer: 14, range: 1 };
const STEPS = 16;
const STEP_WIDTH = 16;
const [width, height] = [STEPS * STEP_WIDTH, 48];
// Gray from black to the peak in 16 steps.
const rampOf = (luma: string) =>
  `nullsrc=size=${width}x${height}:rate=25,format=yuv420p10le,` +
  `geq=lum='${luma}*floor(X/${STEP_WIDTH})/${STEPS - 1}':cb=512:cr=512`;
const ramp = rampOf('64+876');

const source = (name: string, color: Partial<ColorTags>, graph = ramp, pixelFormat = 'yuv420p10le') =>
  writeByGraph(at(name), { graph, encoder: 'libx264', pixelFormat, frames: 2, size: [width, height], color });

async function mapped(
  from: string,
  options: Partial<VideoWriterOptions> = {},
  edit?: Parameters<Awaited<ReturnType<typeof createVideoWriter>>['write']>[1],
) {
  const video = await openVideo(from);
  const writer = await createVideoWriter(at('sdr.mp4'), { toneMap: 'sdr', crf: 1, ...options, like: video.metadata });
  for await (const frame of video) {
    await writer.write(frame, edit);
    frame.close();
  }
  await writer.finish();
  const result = await openVideo(at('sdr.mp4'));
  for await (const frame of result) {
    const { data, linesize } = frame.native();
    const bytes = options.bitDepth === 10 ? 2 : 1;
    const sample = (plane: number, x: number, y: number) => {
      const place = y * linesize[plane]! + x * bytes;
      return bytes === 2 ? data![plane]!.readUInt16LE(place) / 4 : data![plane]![place]!;
    };
    // Sampled at the center of each step.
    const line = (plane: number) =>
      Array.from({ length: STEPS }, (_, i) =>
        sample(plane, ((i + 0.5) * STEP_WIDTH) / (plane ? 2 : 1), height / (plane ? 4 : 2)),
      );
    const planes = [line(0), line(1), line(2)] as const;
    frame.close();
    await result.close();
    return { planes, metadata: result.metadata, leftOut: writer.leftOut };
  }
  throw new Error('no frame');
}

/** Display light of a gray HLG signal, cd/m²: ARIB STD-B67's inverse OETF, BT.2100's OOTF (gamma 1.2, 1,000 cd/m²). */
function hlgLight(signal: number): number {
  const [a, b, c] = [0.17883277, 0.28466892, 0.55991073];
  const scene = signal <= 0.5 ? signal ** 2 / 3 : (Math.exp((signal - c) / a) + b) / 12;
  return 1000 * scene ** 1.2;
}

/** SMPTE ST 2084's EOTF, cd/m². */
function pqLight(signal: number): number {
  const [m1, m2, c1, c2, c3] = [0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875];
  const power = signal ** (1 / m2);
  return 10_000 * (Math.max(0, power - c1) / (c2 - c3 * power)) ** (1 / m1);
}

/** The 8-bit luma of light in cd/m²: Möbius curve, BT.1886. */
function expectedLuma(light: number, peak: number): number {
  const [j, p, x] = [0.3, peak / 203, Math.min(light, peak) / 203];
  const a = (-j * j * (p - 1)) / (j * j - 2 * j + p);
  const b = (j * j - 2 * j * p + p) / (p - 1);
  const curve = x <= j ? x : (((b * b + 2 * b * j + j * j) / (b - a)) * (x + a)) / (x + b);
  return 16 + 219 * Math.min(1, curve) ** (1 / 2.4);
}

const signals = Array.from({ length: STEPS }, (_, i) => i / (STEPS - 1));

describe('toneMap', () => {
  it.each([
    ['HLG', HLG, hlgLight],
    ['PQ', PQ, pqLight],
  ] as const)('%s: greys have the light that the formulas give, and BT.709 tags', async (_, color, light) => {
    const { planes, metadata, leftOut } = await mapped(await source('hdr.mov', color));
    expect(metadata).toMatchObject({
      codec: 'h264',
      pixelFormat: 'yuv420p',
      color: { space: 1, primaries: 1, transfer: 1, range: 1 },
    });
    expect(leftOut).toEqual([]);
    planes[0].forEach((luma, i) =>
      expect(Math.abs(luma - expectedLuma(light(signals[i]!), 1000)), `step ${i}: ${luma}`).toBeLessThan(3),
    );
    for (const chroma of [...planes[1], ...planes[2]]) expect(Math.abs(chroma - 128)).toBeLessThanOrEqual(1);
  });

  it.each([
    ['8 bits', 'yuv420p', 'format=yuv420p'],
    ['4:2:2', 'yuv422p10le', 'format=yuv422p10le'],
    ['4:4:4', 'yuv444p10le', 'format=yuv444p10le'],
  ])('takes %s', async (_, pixelFormat, form) => {
    const { planes } = await mapped(await source('hdr.mov', HLG, `${ramp},${form}`, pixelFormat));
    planes[0].forEach((luma, i) =>
      expect(Math.abs(luma - expectedLuma(hlgLight(signals[i]!), 1000)), `step ${i}: ${luma}`).toBeLessThan(4),
    );
  });

  it('accepts full range, and writes 10 bits if requested', async () => {
    const full = rampOf('1023');
    const { planes, metadata } = await mapped(await source('hdr.mov', { ...HLG, range: 2 }, full), { bitDepth: 10 });
    expect(metadata).toMatchObject({ codec: 'hevc', pixelFormat: 'yuv420p10le', color: { transfer: 1, range: 1 } });
    planes[0].forEach((luma, i) =>
      expect(Math.abs(luma - expectedLuma(hlgLight(signals[i]!), 1000)), `step ${i}: ${luma}`).toBeLessThan(3),
    );
  });

  it('keeps hues: a BT.2020 color within BT.709 stays the same color', async () => {
    const tinted = `nullsrc=size=${width}x${height}:rate=25,format=yuv420p10le,geq=lum=400:cb=480:cr=560`;
    const { planes } = await mapped(await source('hdr.mov', HLG, tinted));
    // BT.2020 samples → R′G′B′ → scene light → display light, with a peak of 1,000 cd/m².
    const [y, u, v] = [(400 - 64) / 876, (480 - 512) / 896, (560 - 512) / 896];
    const signal = [y + 1.4746 * v, y - 0.16455 * u - 0.57135 * v, y + 1.8814 * u];
    const scene = signal.map((value) => (hlgLight(value) / 1000) ** (1 / 1.2));
    const luminance = 0.2627 * scene[0]! + 0.678 * scene[1]! + 0.0593 * scene[2]!;
    const [r, g, b] = scene.map((value) => (1000 / 203) * luminance ** 0.2 * value) as [number, number, number];
    // BT.2020 → BT.709 (BT.2087).
    const linear = [
      1.6605 * r - 0.5876 * g - 0.0728 * b,
      -0.1246 * r + 1.1329 * g - 0.0083 * b,
      -0.0182 * r - 0.1006 * g + 1.1187 * b,
    ];
    expect(Math.max(...linear)).toBeLessThan(0.3); // where the curve is straight
    const [red, green, blue] = linear.map((value) => value ** (1 / 2.4)) as [number, number, number];
    const luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    const wanted = [16 + 219 * luma, 128 + (224 * (blue - luma)) / 1.8556, 128 + (224 * (red - luma)) / 1.5748];
    planes.forEach((line, i) =>
      expect(Math.abs(line[8]! - wanted[i]!), `${line[8]} for ${wanted[i]}`).toBeLessThan(1.5),
    );
  });

  it('does not change SDR', async () => {
    const from = await source('plain.mov', SDR);
    const { planes, metadata } = await mapped(from);
    expect(metadata.color).toMatchObject({ space: 9, primaries: 9, transfer: 14 });
    planes[0].forEach((luma, i) => expect(Math.abs(luma - (16 + 219 * signals[i]!))).toBeLessThan(2));
  });

  it('is applied before masks', async () => {
    const from = await source('hdr.mov', HLG);
    const { planes } = await mapped(from, {}, (picture) =>
      anonymizePlanes(picture, [{ box: { x: 0, y: 0, width, height } }], {
        effect: 'solid',
        color: [255, 255, 255],
        shape: 'box',
      }),
    );
    for (const luma of planes[0]) expect(Math.abs(luma - 235)).toBeLessThanOrEqual(1);
  });

  it('rejects other values', async () => {
    const like = { width: 64, height: 64, fps: 25 };
    await expect(createVideoWriter(at('a.mp4'), { like, toneMap: 'hable' as never })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it("compresses up to the source's own peak", () => {
    const color = { range: 1, space: 9, primaries: 9, transfer: 16, chromaLocation: 0 };
    const peak = (maxCll: number) =>
      /peak=([\d.]+)/.exec(toneMapFilters(color, { contentLight: { maxCll, maxFall: 100 } }, 8).join())![1];
    expect([100, 406, 4060, 65_535].map((light) => Number(peak(light)))).toEqual([
      1.5,
      2,
      20,
      expect.closeTo(49.26, 2),
    ]);
  });
});
