import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaceDetError, isRasterSource, type Detector, type Face, type ImageSource } from '@facedet/core';
import { readImage, writeImage } from '@facedet/runtime-node';
import { createVideoWriter, openVideo, summarizeColors } from '@facedet/video-node';
import type { Context } from '../shared/context.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { hasHeifEnc, tiledHeic } from '../testing/tiled-heic.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import { run } from './anonymize.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-anonymize-'));
const at = (name: string) => join(folder, name);
// States of runs are not kept in the user's cache.
process.env.FACEDET_MODELS = at('cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two places where faces may be; the second is surer of none than of one. */
const [UNSURE, UNLIKELY] = [
  { x: 8, y: 8, width: 16, height: 16 },
  { x: 40, y: 8, width: 16, height: 16 },
];
/** The highest number of detections in parallel. */
let together = 0;
let fails: (call: number) => boolean = () => false;

vi.mock('../shared/detector.ts', () => ({
  openDetector: async (_: Context, flags: DetectorFlags) => {
    const threshold = flags.score ?? 0.5;
    let [calls, now] = [0, 0];
    const detector: Detector = {
      concurrency: 1,
      fingerprint: { model: 'fake', threshold },
      async detect(image: ImageSource): Promise<Face[]> {
        together = Math.max(together, ++now);
        if (isRasterSource(image)) await image.rasterize(8, 6);
        now--;
        if (fails(calls++)) throw new FaceDetError('WORKER_CRASHED', 'a thread died');
        return [
          { box: UNSURE, score: 0.25 },
          { box: UNLIKELY, score: 0.15 },
        ].filter(({ score }) => score >= threshold);
      },
      detectBatch: (images) => Promise.all(images.map((image) => detector.detect(image))),
      async warmup() {},
      async drain() {},
      async dispose() {},
    };
    return { detector, model: 'fake' };
  },
}));

const hide = async (
  inputs: string[],
  flags: Partial<AnonymizeFlags>,
  signal: AbortSignal = new AbortController().signal,
) => {
  const [failed, log] = [[] as unknown[], [] as string[]];
  const context = {
    write: async () => {},
    log: (line: string) => void log.push(line),
    fail: (_: string, error: { code: string }) => void failed.push(error.code),
    signal,
    terminal: false,
  };
  await run(
    context as unknown as Context,
    { output: at('out'), effect: 'solid', color: [255, 255, 255], shape: 'box', ...flags },
    inputs,
  );
  return {
    failed,
    log: log.filter((line) => !COUNTS.test(line) && !DONE.test(line)),
    done: log.filter((line) => DONE.test(line)),
    counts: log.filter((line) => COUNTS.test(line)).join(),
  };
};
/** The line of a file that is done. */
const DONE = /^facedet: .*: (?:\d+ frames?, )?\d+ faces?(?:, \d+ tracks?(?: \(IDs .*\))?)?$/;
/** The line that ends every run. */
const COUNTS = /^facedet: \d+ files? done/;
const gray = { data: new Uint8Array(64 * 48 * 3).fill(90), width: 64, height: 48, format: 'rgb' as const };

const heif = hasHeifEnc();
const ffmpeg = spawnSync('ffmpeg', ['-version']).error === undefined;
if (!ffmpeg) process.stderr.write('A test of APNG that needs ffmpeg is skipped: it is not installed.\n');

async function frameCount(path: string): Promise<number> {
  const video = await openVideo(path);
  let count = 0;
  for await (const frame of video) {
    frame.close();
    count++;
  }
  return count;
}

beforeAll(async () => {
  await writeImage(at('photo.png'), gray);
  const writer = await createVideoWriter(at('film.mp4'), { like: { width: 64, height: 48, fps: 25 } });
  for (let i = 0; i < 20; i++) await writer.write({ ...gray, timestamp: i / 25 });
  await writer.finish();
});
beforeEach(() => {
  fails = () => false;
});

describe('anonymize', () => {
  const level = async (path: string, { x, y }: { x: number; y: number }) => {
    const image = await readImage(path);
    const { data } = await image.rasterize(64, 48);
    image.close();
    return data[3 * (64 * (y + 8) + x + 8)]!;
  };

  it('masks faces at lower scores than detection returns, or at --score where it is given', async () => {
    expect((await hide([at('photo.png')], { output: at('a.png') })).failed).toEqual([]);
    expect([await level(at('a.png'), UNSURE), await level(at('a.png'), UNLIKELY)]).toEqual([255, 90]);
    await hide([at('photo.png')], { output: at('b.png'), score: 0.5 });
    expect([await level(at('b.png'), UNSURE), await level(at('b.png'), UNLIKELY)]).toEqual([90, 90]);
    await hide([at('photo.png')], { output: at('c.png'), score: 0.1 });
    expect([await level(at('c.png'), UNSURE), await level(at('c.png'), UNLIKELY)]).toEqual([255, 255]);
  });

  it('keeps titles, dates and places only with --keep-metadata', async () => {
    const tags = {
      Make: 'Maker',
      DateTimeOriginal: '2024:05:01 12:30:00',
      GPSLatitudeRef: 'N',
      GPSLatitude: '52/1 31/1 12/1',
    };
    await writeImage(at('place.jpg'), gray, { tags });
    const tagsOf = async (name: string) => {
      const image = await readImage(at(name));
      image.close();
      return image.tags;
    };
    await hide([at('place.jpg')], { output: at('dropped.jpg') });
    await hide([at('place.jpg')], { output: at('kept.jpg'), keepMetadata: true });
    expect([await tagsOf('place.jpg'), await tagsOf('dropped.jpg'), await tagsOf('kept.jpg')]).toEqual([
      tags,
      {},
      tags,
    ]);
    const { log } = await hide([at('place.jpg')], { output: at('kept.tif'), keepMetadata: true });
    expect(log).toEqual([expect.stringContaining("can't be kept in TIFF")]);
  });

  describe('pictures of all formats', () => {
    const [RED, BLUE] = [
      [220, 20, 20],
      [20, 20, 220],
    ] as const;
    const colorAt = async (path: string, x: number, y: number) => {
      const image = await readImage(path);
      const { data, width } = await image.pixels();
      image.close();
      return Array.from(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3), (v) => (v > 128 ? 1 : 0)).join('');
    };

    it.skipIf(!heif)('anonymizes the whole of a tiled, turned HEIC [needs heif-enc]', async () => {
      // A quarter turn against the clock puts the right tile on top.
      writeFileSync(at('phone.heic'), await tiledHeic(at('phone'), [RED, BLUE], 1));
      const check = async (path: string) => {
        const image = await readImage(path);
        expect([image.format, image.width, image.height]).toEqual(['jpeg', 64, 128]);
        expect([await colorAt(path, 32, 40), await colorAt(path, 32, 120), await colorAt(path, 16, 16)]).toEqual([
          '001',
          '100',
          '111',
        ]);
      };
      expect((await hide([at('phone.heic')], { output: at('phone.jpg') })).failed).toEqual([]);
      await check(at('phone.jpg'));
      // Into a folder, under a false name and among others; what can't be read does not keep the others from being
      // done.
      mkdirSync(at('shots'));
      copyFileSync(at('phone.heic'), at('shots/a.heic'));
      copyFileSync(at('phone.heic'), at('shots/b.jpg'));
      copyFileSync(at('phone.heic'), at('shots/c'));
      writeFileSync(at('shots/d.heic'), 'no picture');
      writeFileSync(at('shots/notes.txt'), 'text');
      copyFileSync(at('photo.png'), at('shots/a.jpg'));
      const { failed, log } = await hide([at('shots')], { output: at('shots-out') });
      expect(failed).toEqual(['IMAGE_UNREADABLE']);
      expect(log.join()).toContain('1 file passed over: 1 text');
      expect(readdirSync(at('shots-out')).sort()).toEqual(['a-2.jpg', 'a.jpg', 'b.jpg', 'c']);
      const turned = (await Promise.all(['a.jpg', 'a-2.jpg'].map((name) => readImage(at(`shots-out/${name}`))))).map(
        ({ height }) => height,
      );
      expect(turned.sort()).toEqual([128, 48]);
      for (const name of ['b.jpg', 'c']) await check(at(`shots-out/${name}`));
      expect((await hide([at('shots/notes.txt'), at('phone.heic')], { output: at('named-out') })).failed).toEqual([
        'IMAGE_UNREADABLE',
      ]);
      expect(readdirSync(at('named-out'))).toEqual(['phone.jpg']);
    });

    const frames = Buffer.concat([90, 100, 110].map((v) => Buffer.alloc(64 * 48 * 3, v)));
    const animation = () => sharp(frames, { raw: { width: 64, height: 144, channels: 3, pageHeight: 48 } });

    it('takes animated WebP and GIF as films, and those of one picture as pictures', async () => {
      mkdirSync(at('moving'));
      await animation()
        .webp({ lossless: true, delay: [100, 100, 100], loop: 0 })
        .toFile(at('moving/w.webp'));
      await animation()
        .gif({ delay: [100, 100, 100] })
        .toFile(at('moving/g.gif'));
      await writeImage(at('moving/one.webp'), gray);
      await writeImage(at('moving/one.gif'), gray);
      expect((await hide([at('moving')], { output: at('moving-out') })).failed).toEqual([]);
      expect(readdirSync(at('moving-out')).sort()).toEqual(['g.mp4', 'one.gif', 'one.webp', 'w.mp4']);
      for (const name of ['w.mp4', 'g.mp4']) expect(await frameCount(at(`moving-out/${name}`)), name).toBe(3);
      expect((await hide([at('moving/w.webp')], { output: at('w.mp4') })).failed).toEqual([]);
      expect(await frameCount(at('w.mp4'))).toBe(3);
      const { log } = await hide([at('moving/w.webp')], { output: at('first.png') });
      expect(log).toEqual([
        expect.stringMatching(/the first of its 3 pictures was taken; facedet anonymize -o NAME\.mp4 takes all/),
      ]);
    });

    it.skipIf(!ffmpeg)('takes APNG as a film [needs ffmpeg]', async () => {
      await animation()
        .gif({ delay: [100, 100, 100] })
        .toFile(at('apng.gif'));
      execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', at('apng.gif'), '-f', 'apng', at('apng.png')]);
      expect((await hide([at('apng.png')], { output: at('apng-out/') })).failed).toEqual([]);
      expect(await frameCount(at('apng-out/apng.mp4'))).toBe(3);
      const { log } = await hide([at('apng.png')], { output: at('first-of-apng.png') });
      expect(log).toEqual([expect.stringContaining('the first of its 3 pictures')]);
    });
  });

  describe('a folder run', () => {
    const names = ['a.png', 'b.png', 'c.png', 'd.png'];
    const fill = (count = names.length) => {
      rmSync(at('in'), { recursive: true, force: true });
      rmSync(at('batch'), { recursive: true, force: true });
      mkdirSync(at('in'));
      for (const name of names.slice(0, count)) copyFileSync(at('photo.png'), at(`in/${name}`));
    };
    /** Interrupts the run at its third picture. */
    const interrupt = async () => {
      const stop = new AbortController();
      fails = (call) => (call === 2 && stop.abort(new Error('Ctrl-C')), stop.signal.aborted);
      await expect(hide([at('in')], { output: at('batch') }, stop.signal)).rejects.toThrow();
      fails = () => false;
    };
    const times = () => names.map((name) => statSync(at(`batch/${name}`), { throwIfNoEntry: false })?.mtimeMs);

    it('makes OUT a folder, however many files are in it', async () => {
      for (const argument of ['in', 'in/*.png']) {
        fill(1);
        expect(await hide([at(argument)], { output: at('batch') })).toEqual({
          failed: [],
          log: [],
          done: [expect.stringContaining('1 face') as string],
          counts: 'facedet: 1 file done, 1 face, 0 failures, 0 skipped',
        });
        expect(readdirSync(at('batch'))).toEqual(['a.png']);
      }
    });

    it('resumes after an interruption: completed outputs stay, unless they or their inputs changed', async () => {
      fill();
      await interrupt();
      expect(readdirSync(at('batch'))).toEqual(['.facedet-run.partial.json', 'a.png', 'b.png']);
      const before = times();
      const { counts, failed } = await hide([at('in')], { output: at('batch'), resume: true });
      expect([counts, failed]).toEqual([
        'facedet: 2 files done, 2 faces, 2 files done before, 0 failures, 0 skipped',
        [],
      ]);
      expect(times().map((time, i) => time === before[i])).toEqual([true, true, false, false]);
      // Only results are in the folder.
      expect(readdirSync(at('batch'))).toEqual(names);

      fill();
      await interrupt();
      writeFileSync(at('batch/a.png'), 'spoilt');
      await writeImage(at('in/b.png'), { ...gray, data: new Uint8Array(64 * 48 * 3).fill(91) });
      const again = await hide([at('in')], { output: at('batch'), resume: true });
      expect(again.counts).not.toContain('before');
      expect((await (await readImage(at('batch/a.png'))).pixels()).width).toBe(64);
      const { data } = await (await readImage(at('batch/b.png'))).pixels();
      expect(data[3 * 64 * 40]).toBe(91);
    });

    it('is not continued with other settings', async () => {
      const options: [string, Partial<AnonymizeFlags>][] = [
        ['score', { score: 0.1 }],
        ['effect', { effect: 'blur' }],
        ['shape', { shape: 'ellipse' }],
        ['margin', { margin: 1 }],
        ['color', { color: [0, 0, 0] }],
        ['keepMetadata', { keepMetadata: true }],
      ];
      fill();
      await interrupt();
      const before = readdirSync(at('batch'));
      for (const [name, change] of options) {
        const run = hide([at('in')], { output: at('batch'), ...change, resume: true });
        await expect(run, name).rejects.toMatchObject({
          code: 'RESUME_MISMATCH',
          exitCode: 2,
          message: expect.stringContaining(name) as string,
        });
        expect(readdirSync(at('batch'))).toEqual(before);
      }
      for (const text of ['', 'null', '{"format":2}', '{"format":1}']) {
        writeFileSync(at('batch/.facedet-run.partial.json'), text);
        await expect(hide([at('in')], { output: at('batch'), resume: true })).rejects.toMatchObject({ exitCode: 2 });
      }
    });
  });

  it('writes no picture that could not be analyzed', async () => {
    fails = () => true;
    expect((await hide([at('photo.png')], { output: at('d.png') })).failed).toEqual(['WORKER_CRASHED']);
    expect(existsSync(at('d.png'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('masks frames that could not be analyzed as a whole, and reports how many', async () => {
    fails = (call) => call === 7;
    const { failed, log } = await hide([at('film.mp4')], { output: at('e.mp4') });
    expect([failed, log]).toEqual([
      [],
      [`facedet: ${at('film.mp4')}: 1 frame could not be analyzed and is masked whole; the first: a thread died`],
    ]);
    const white: number[] = [];
    const film = await openVideo(at('e.mp4'));
    for await (const frame of film) {
      const { data } = await frame.rasterize(4, 3);
      if (data.every((value) => value > 225)) white.push(frame.index);
      frame.close();
    }
    expect(white).toEqual([7]);
  });

  it('says that only the first picture of a moving GIF was written as a GIF', async () => {
    const picture = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];
    const gif = [
      ...Buffer.from('GIF89a'),
      1,
      0,
      1,
      0,
      0x80,
      0,
      0,
      0,
      0,
      0,
      255,
      255,
      255,
      ...picture,
      ...picture,
      0x3b,
    ];
    writeFileSync(at('moving.gif'), Uint8Array.from(gif));
    const { failed, log } = await hide([at('moving.gif')], { output: at('still.gif') });
    expect([failed, log]).toEqual([
      [],
      [`facedet: ${at('moving.gif')}: the first of its 2 pictures was taken; facedet anonymize -o NAME.mp4 takes all`],
    ]);
  });

  it('refuses options of detection together with --tracks', async () => {
    const flags = { tracks: at('rows.jsonl'), output: at('f.mp4') };
    await expect(hide([at('film.mp4')], { ...flags, lookAhead: 2, resume: true })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/^--look-ahead, --resume have no effect with --tracks/),
    });
    await expect(hide([at('film.mp4')], { ...flags, detectEvery: 'auto' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(hide([at('film.mp4')], { ...flags, trackerPreset: 'balanced' })).rejects.toMatchObject({
      code: 'USAGE',
    });
    expect(existsSync(at('f.mp4'))).toBe(false);
  });

  it('processes pictures in parallel, and reports each failure', async () => {
    for (let i = 0; i < 4; i++) await writeImage(at(`many-${i}.png`), gray);
    writeFileSync(at('many-4.png'), 'no picture');
    const { failed } = await hide(
      [0, 4, 1, 2, 3].map((i) => at(`many-${i}.png`)),
      { output: at('many') },
    );
    expect(failed).toEqual(['IMAGE_UNREADABLE']);
    expect(readdirSync(at('many')).sort()).toEqual([0, 1, 2, 3].map((i) => `many-${i}.png`));
    expect(together).toBeGreaterThan(1);
  });
});

describe('a 10-bit HDR film', () => {
  const film = async (name: string) => {
    const tags = 'setparams=range=tv:color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc';
    const source = await openVideo({ lavfi: `testsrc2=size=64x48:rate=25:duration=0.8,format=yuv420p10le,${tags}` });
    const writer = await createVideoWriter(at(name), { like: source.metadata, bitDepth: 10 });
    for await (const frame of source) {
      await writer.write(frame);
      frame.close();
    }
    await writer.finish();
    return at(name);
  };
  const written = async (path: string) => {
    const video = await openVideo(path);
    await video.close();
    return { ...summarizeColors(video.metadata), codec: video.metadata.codec, frames: await frameCount(path) };
  };

  it('keeps 10 bits where requested, else reports the reduction in one line, and resumes only the same', async () => {
    const source = await film('hlg.mp4');
    const shallow = await hide([source], { output: at('shallow.mp4') });
    expect(shallow.log).toEqual([
      `facedet: ${at('shallow.mp4')}: the source is 10-bit HLG (HDR), this film 8-bit with the same color ` +
        'tags; --bit-depth 10 keeps 10 bits, --tone-map sdr makes it SDR',
    ]);
    expect(await written(at('shallow.mp4'))).toEqual({ bitDepth: 8, dynamicRange: 'hlg', codec: 'h264', frames: 20 });
    expect(await hide([source], { output: at('deep.mp4'), bitDepth: 10 })).toMatchObject({ log: [], failed: [] });
    expect(await written(at('deep.mp4'))).toEqual({ bitDepth: 10, dynamicRange: 'hlg', codec: 'hevc', frames: 20 });
    expect(await hide([source], { output: at('sdr.mp4'), toneMap: 'sdr' })).toMatchObject({ log: [], failed: [] });
    expect(await written(at('sdr.mp4'))).toEqual({ bitDepth: 8, dynamicRange: 'sdr', codec: 'h264', frames: 20 });
    const stopping = new AbortController();
    fails = (call) => {
      if (call === 15) stopping.abort(new Error('stopped'));
      return false;
    };
    try {
      await expect(
        hide([source], { output: at('cut.mp4'), bitDepth: 10, lookAhead: 0 }, stopping.signal),
      ).rejects.toThrow('stopped');
    } finally {
      fails = () => false;
    }
    await expect(hide([source], { output: at('cut.mp4'), lookAhead: 0, resume: true })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringContaining('bitDepth'),
    });
    expect(await hide([source], { output: at('cut.mp4'), bitDepth: 10, lookAhead: 0, resume: true })).toMatchObject({
      log: [],
      failed: [],
    });
    expect(await written(at('cut.mp4'))).toEqual({ bitDepth: 10, dynamicRange: 'hlg', codec: 'hevc', frames: 20 });
  });
});
