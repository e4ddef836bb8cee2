import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resizeBilinear, type Detector, type Landmarks, type PixelBuffer, type RasterSource } from '@facedet/core';
import type { VideoFace } from '@facedet/pipeline';
import { evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { openGallery as open, type GalleryPage } from './gallery.ts';
import type { GalleryDocument } from './gallery-document.ts';
import { processVideo } from './process-video.ts';

const page: GalleryPage = ({ tracks }, imageOf) => tracks.map(({ id }) => `<img src="${imageOf(id)}">`).join('');
const openGallery = (folder: string, options: Parameters<typeof open>[1]) => open(folder, { ...options, page });

let folder: string;
beforeEach(() => {
  folder = join(tempFolder(), 'who');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const [WIDTH, HEIGHT] = [320, 180];
/** A picture of one brightness, with stripes where it is sharp; counts what is cut from it. */
function picture(level: number, sharp = true): RasterSource & { cuts: number } {
  const data = new Uint8Array(WIDTH * HEIGHT * 3).fill(level);
  if (sharp) for (let i = 0; i < data.length; i += 3) if (Math.floor(i / 3 / 4) % 2) data.fill(level + 60, i, i + 3);
  const pixels: PixelBuffer = { data, width: WIDTH, height: HEIGHT, format: 'rgb' };
  const source = {
    width: WIDTH,
    height: HEIGHT,
    cuts: 0,
    rasterize(
      width: number,
      height: number,
      { region }: { region?: { x: number; y: number; width: number; height: number } } = {},
    ) {
      source.cuts++;
      return resizeBilinear(pixels, width, height, region ?? { x: 0, y: 0, width: WIDTH, height: HEIGHT });
    },
  };
  return source;
}

function face(id: number | null, { x = 100, turn = 0, score = 0.9, side = 60 } = {}): VideoFace {
  const [cx, cy] = [x + side / 2, 50 + side / 2];
  const landmarks = [
    [-0.2, -0.1],
    [0.2, -0.1],
    [0.4 * turn, 0.1],
    [-0.15, 0.25],
    [0.15, 0.25],
  ].map(([u, v]) => ({ x: cx + u! * side, y: cy + v! * side })) as Landmarks;
  return { id, box: { x, y: 50, width: side, height: side }, score, landmarks, state: 'detected' };
}
const row = (frame: number, ...faces: VideoFace[]) => ({ frame, timestamp: frame / 25, faces });
const until = (frame: number) => (frame + 1) / 25;
const result = () => JSON.parse(readFileSync(join(folder, 'tracks.json'), 'utf8')) as GalleryDocument;
async function brightness(name: string): Promise<number> {
  const { channels } = await sharp(join(folder, name)).stats();
  return channels[0]!.mean;
}

describe('a gallery', () => {
  it('keeps the crop that is sharp, frontal, large and sure', async () => {
    const gallery = await openGallery(folder, { source: 'film.mp4' });
    const shots: [number, boolean, Parameters<typeof face>[1]][] = [
      [20, true, { turn: 0.35 }],
      [40, false, {}],
      [160, true, {}],
      [60, true, { side: 24 }],
      [80, true, { score: 0.4 }],
      [100, true, { turn: -0.3 }],
    ];
    for (const [i, [level, sharp, like]] of shots.entries())
      await gallery.add(picture(level, sharp), row(10 * i, face(1, like)), until(10 * i));
    await gallery.finish();
    const [track] = result().tracks;
    expect(track).toMatchObject({
      id: 1,
      image: '0001.jpg',
      frames: 6,
      crop: { frame: 20, timestamp: 0.8, score: 0.9 },
    });
    expect(await brightness('0001.jpg')).toBeGreaterThan(150);
    expect(readdirSync(folder).sort()).toEqual(['0001.jpg', 'index.html', 'tracks.json']);
  });

  it('keeps the tracks that were seen last, where it has a limit, and counts the others', async () => {
    const gallery = await openGallery(folder, { source: 'camera 0', limit: 20 });
    for (let i = 0; i < 200; i++) {
      await gallery.add(picture(40 + (i % 100)), row(i, face(1), face(i + 2, { x: 200 })), until(i));
      if (i % 50 === 49) {
        await gallery.leave();
        expect(readdirSync(folder).length).toBe(20 + 2);
      }
    }
    await gallery.finish();
    const { removed, tracks } = result();
    expect(removed).toBe(201 - 20);
    expect(tracks.map(({ id }) => id)).toEqual([1, ...Array.from({ length: 19 }, (_, i) => 183 + i)]);
    expect(tracks[0]!.frames).toBe(200);
    expect(readdirSync(folder).length).toBe(20 + 2);
  });

  it('knows who was there when: short gaps are none, order is that of the first appearance', async () => {
    const gallery = await openGallery(folder, { source: 'film.mp4' });
    for (let i = 0; i < 100; i++) {
      const there = [
        ...(i >= 10 ? [face(3)] : []),
        ...(i < 20 || (i >= 25 && i < 40) || i >= 80 ? [face(12, { x: 200 })] : []),
        face(null),
      ];
      await gallery.add(picture(90), row(i, ...there), until(i));
    }
    await gallery.finish();
    const { tracks, frames, seconds } = result();
    expect([frames, seconds]).toEqual([100, 4]);
    expect(tracks.map(({ id, spans, frames }) => ({ id, spans, frames }))).toEqual([
      {
        id: 12,
        spans: [
          [0, 1.6],
          [3.2, 4],
        ],
        frames: 55,
      },
      { id: 3, spans: [[0.4, 4]], frames: 90 },
    ]);
  });

  it('cuts few pictures where nothing gets better, and holds none for long', async () => {
    const gallery = await openGallery(folder, { source: 'film.mp4' });
    const frame = picture(90);
    for (let i = 0; i < 1500; i++) await gallery.add(frame, row(i, face(1), face(2, { x: 200 })), until(i));
    await gallery.finish();
    // Two tracks for a minute, each at most every two seconds after the first tries.
    expect(frame.cuts).toBeLessThan(90);
    const many = await openGallery(folder, { source: 'film.mp4' });
    for (let i = 0; i < 200; i++) await many.add(picture(90), row(i, face(i + 1)), until(i));
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial.jpg')).length).toBeGreaterThanOrEqual(128);
    await many.finish();
    expect(readdirSync(folder).filter((name) => /^\d{4}\.jpg$/.test(name)).length).toBe(200);
  });

  it('goes on where an interrupted run ended, and ends the same; frames seen again change nothing', async () => {
    const at = (i: number) =>
      [
        picture(60 + (i % 7) * 10),
        row(i, face(1, { turn: 0.3 - i / 400 }), ...(i > 30 ? [face(2, { x: 200 })] : [])),
        until(i),
      ] as const;
    const whole = await openGallery(folder, { source: 'film.mp4' });
    for (let i = 0; i < 80; i++) await whole.add(...at(i));
    await whole.finish();
    const expected = result();

    const first = await openGallery(folder, { source: 'film.mp4' });
    for (let i = 0; i < 50; i++) await first.add(...at(i));
    await first.leave();
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining(['0001.partial.jpg', 'tracks.json.partial', 'index.partial.html', 'index.html']),
    );
    expect(readFileSync(join(folder, 'index.partial.html'), 'utf8')).toContain('src="0001.partial.jpg"');
    const second = await openGallery(folder, { source: 'film.mp4', resume: true });
    expect(second.frames).toBe(50);
    for (let i = 42; i < 80; i++) await second.add(...at(i));
    await second.finish();
    expect(result().tracks.map(({ id, spans, frames }) => ({ id, spans, frames }))).toEqual(
      expected.tracks.map(({ id, spans, frames }) => ({ id, spans, frames })),
    );
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('is completed where a run ended while it gave names', async () => {
    const first = await openGallery(folder, { source: 'film.mp4' });
    await first.add(picture(90), row(0, face(1), face(7, { x: 200 })), until(0));
    await first.leave();
    renameSync(join(folder, '0001.partial.jpg'), join(folder, '0001.jpg'));
    const second = await openGallery(folder, { source: 'film.mp4', resume: true });
    await second.finish();
    expect(readdirSync(folder).sort()).toEqual(['0001.jpg', '0007.jpg', 'index.html', 'tracks.json']);
  });

  it('starts empty for another video, without resume, and with a torn state; earlier crops are removed', async () => {
    const first = await openGallery(folder, { source: 'film.mp4' });
    await first.add(picture(90), row(0, face(1), face(7, { x: 200 })), until(0));
    await first.leave();
    const state = join(folder, 'tracks.json.partial');
    const text = readFileSync(state, 'utf8');
    expect((await openGallery(folder, { source: 'other.mp4', resume: true })).frames).toBe(0);
    expect(existsSync(state)).toBe(false);
    writeFileSync(state, text.slice(0, -20));
    expect((await openGallery(folder, { source: 'film.mp4', resume: true })).frames).toBe(0);
    writeFileSync(state, text);
    const third = await openGallery(folder, { source: 'film.mp4', resume: true });
    expect(third.frames).toBe(1);
    third.restart();
    await third.add(picture(90), row(0, face(1), face(7, { x: 200 })), until(0));
    await third.finish();
    writeFileSync(join(folder, '9999.jpg'), 'of somebody else');
    const fourth = await openGallery(folder, { source: 'film.mp4' });
    await fourth.add(picture(90), row(0, face(1)), until(0));
    await fourth.finish();
    expect(readdirSync(folder).sort()).toEqual(['0001.jpg', '9999.jpg', 'index.html', 'tracks.json']);
  });

  it('has no page where nobody makes one, nor that of an earlier gallery', async () => {
    const first = await openGallery(folder, { source: 'film.mp4' });
    await first.add(picture(90), row(0, face(1)), until(0));
    await first.finish();
    expect(readdirSync(folder)).toContain('index.html');
    const second = await open(folder, { source: 'film.mp4' });
    await second.add(picture(90), row(0, face(1)), until(0));
    await second.leave();
    expect(readdirSync(folder)).not.toContain('index.partial.html');
    await second.finish();
    expect(readdirSync(folder).sort()).toEqual(['0001.jpg', 'tracks.json']);
  });

  it('says so where the folder can not be written', async () => {
    mkdirSync(join(folder, '..'), { recursive: true });
    writeFileSync(folder, 'a file');
    await expect(openGallery(folder, { source: 'film.mp4' })).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });
});

describe('processVideo with a gallery', () => {
  const detector: Detector = {
    concurrency: 1,
    fingerprint: { model: 'fake' },
    detect: async () => [{ box: { x: 20, y: 12, width: 30, height: 36 }, score: 0.9 }],
    detectBatch: async (images) => images.map(() => [{ box: { x: 20, y: 12, width: 30, height: 36 }, score: 0.9 }]),
    warmup: async () => {},
    drain: async () => {},
    dispose: async () => {},
  };

  it('writes them, and goes on after an interruption', async () => {
    const film = await writeNumbered(join(folder, 'film.mp4'), evenTimes(60));
    const out = join(folder, 'out');
    const stop = new AbortController();
    const interrupted = processVideo(film, {
      detector,
      gallery: out,
      galleryPage: page,
      jsonl: join(folder, 'rows.jsonl'),
      signal: stop.signal,
      onFrame: ({ index }) => void (index === 30 && stop.abort(new Error('enough'))),
    });
    await expect(interrupted).rejects.toThrow('enough');
    expect(readdirSync(out)).toContain('index.partial.html');
    const seen: number[] = [];
    await processVideo(film, {
      detector,
      gallery: out,
      galleryPage: page,
      jsonl: join(folder, 'rows.jsonl'),
      resume: true,
      onFrame: ({ index }) => void seen.push(index),
    });
    expect(readdirSync(out).sort()).toEqual(['0001.jpg', 'index.html', 'tracks.json']);
    const { tracks, frames } = JSON.parse(readFileSync(join(out, 'tracks.json'), 'utf8')) as GalleryDocument;
    expect(frames).toBe(60);
    expect(tracks).toMatchObject([{ id: 1, spans: [[0, 2.4]], frames: 60 }]);
    expect(seen.at(-1)).toBe(59);
    expect(seen.length).toBeLessThan(60);
  });

  it('needs a tracker', async () => {
    await expect(processVideo('film.mp4', { detector, gallery: folder, tracker: false })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
