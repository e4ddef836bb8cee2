import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { FaceDetError, isRasterSource, type Detector, type Face, type ImageSource } from '@facedet/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVideo } from '../read/open-video.ts';
import type { OutputPaths } from './output-paths.ts';
import { processVideo } from './process-video.ts';
import type { ProcessVideoOptions, VideoSummary } from './process-video-options.ts';
import { renderVideo } from './render-video.ts';
import { encodeImage, writeImage } from '@facedet/runtime-node';
import { numberedPicture, numbersOf, show, evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';

let folder: string;
let film: string;
const at = (name: string) => join(folder, name);
const cache = process.env.FACEDET_MODELS;
beforeEach(async () => {
  folder = tempFolder();
  process.env.FACEDET_MODELS = at('cache');
  film = await writeNumbered(at('source.mp4'), evenTimes(80));
});
afterEach(() => {
  if (cache === undefined) delete process.env.FACEDET_MODELS;
  else process.env.FACEDET_MODELS = cache;
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Finds one face, the further to the right the brighter the picture's left half is, and another that no tracker would
 * begin.
 */
function fakeDetector(fail: (call: number) => boolean = () => false): Detector & { calls: number } {
  const detector = {
    concurrency: 2,
    fingerprint: { model: 'fake' },
    calls: 0,
    async detect(image: ImageSource): Promise<Face[]> {
      const call = detector.calls++;
      const pixels = isRasterSource(image) ? await image.rasterize(12, 8) : image;
      if (fail(call)) throw new FaceDetError('WORKER_CRASHED', 'a thread died');
      return [
        { box: { x: 10 + pixels.data[0]! / 8, y: 20, width: 20, height: 24 }, score: 0.9 },
        { box: { x: 2, y: 2, width: 8, height: 8 }, score: 0.3 },
      ];
    },
    async detectBatch(images: readonly ImageSource[]) {
      return Promise.all(images.map((image) => detector.detect(image)));
    },
    async warmup() {},
    async drain() {},
    async dispose() {},
  };
  return detector;
}

/** Finds a face up to a frame, and then none. */
function vanishing(last: number): Detector {
  const detector = fakeDetector();
  return {
    ...detector,
    fingerprint: { model: 'fake', last },
    async detect(image: ImageSource): Promise<Face[]> {
      const { data } = isRasterSource(image) ? await image.rasterize(12, 8) : image;
      return numbersOf([data[0]!])[0]! <= last ? [{ box: { x: 30, y: 20, width: 20, height: 24 }, score: 0.9 }] : [];
    },
  };
}

const names = { jsonl: 'rows.jsonl', mot: 'rows.mot', csv: 'rows.csv', output: 'out.mp4' };
const outputs = (prefix: string) =>
  Object.fromEntries(Object.entries(names).map(([key, name]) => [key, at(`${prefix}-${name}`)])) as Record<
    keyof typeof names,
    string
  >;
const rowsOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { frame: number; timestamp: number; faces: { id: number; state: string }[] });
const left = (prefix: string) =>
  readdirSync(folder)
    .filter((file) => file.startsWith(`${prefix}-`))
    .sort();

describe('a run', () => {
  it('writes rows and a video of all frames, and nothing else', async () => {
    const files = outputs('a');
    const seen: number[] = [];
    const summary = await processVideo(film, {
      detector: fakeDetector(),
      ...files,
      onFrame: ({ index }) => void seen.push(index),
    });
    expect(summary).toMatchObject({ totalFrames: 80, identities: 1, failedFrames: 0 });
    expect(seen).toEqual(Array.from({ length: 80 }, (_, i) => i));
    const rows = rowsOf(files.jsonl);
    expect(rows.map(({ frame }) => frame)).toEqual(seen);
    const faces = rows.reduce((n, row) => n + row.faces.length, 0);
    expect(faces).toBeGreaterThanOrEqual(79);
    expect(summary.avgFacesPerFrame).toBeCloseTo(faces / 80, 9);
    expect(readFileSync(files.mot, 'utf8').trim().split('\n').length).toBe(faces);
    expect(readFileSync(files.csv, 'utf8').trim().split('\n').length).toBe(faces + 1);
    expect((await show(files.output)).times).toEqual(rows.map(({ timestamp }) => expect.closeTo(timestamp, 4)));
    expect(left('a')).toEqual(
      Object.values(names)
        .map((name) => `a-${name}`)
        .sort(),
    );
  });

  it('stops at what breaks: what was written stays under partial names', async () => {
    const whole = await writeNumbered(at('whole.mkv'), evenTimes(100));
    writeFileSync(at('cut.mkv'), readFileSync(whole).subarray(0, statSync(whole).size / 2));
    const files = outputs('b');
    await expect(processVideo(at('cut.mkv'), { detector: fakeDetector(), ...files })).rejects.toMatchObject({
      code: 'VIDEO_TRUNCATED',
    });
    expect(left('b')).toEqual([
      'b-out.mp4.partial.json',
      'b-out.partial.mp4',
      ...['csv', 'jsonl', 'mot'].flatMap((kind) => [`b-rows.${kind}.partial`, `b-rows.${kind}.partial.json`]),
    ]);
    const rows = rowsOf(`${files.jsonl}.partial`);
    expect(rows.length).toBeGreaterThan(10);
    expect((await show(at('b-out.partial.mp4'))).times.length).toBe(rows.length);
  });

  it.each([
    ['plain', {}],
    ['every third', { detectEvery: 3 }],
    ['auto', { detectEvery: 'auto' }],
    ['with a preset', { tracker: { preset: 'conservative' } }],
  ] as const)('keeps an ID through pictures that are ten seconds apart: %s', async (_name, options) => {
    mkdirSync(at('pictures'));
    for (let i = 0; i < 12; i++) await writeImage(at(`pictures/${i}.png`), numberedPicture(i, 96, 64));
    const { jsonl } = outputs('slow');
    await processVideo(at('pictures'), { detector: fakeDetector(), fps: 0.1, jsonl, shotCuts: false, ...options });
    const rows = rowsOf(jsonl);
    expect(rows.map(({ timestamp }) => timestamp)).toEqual(
      Array.from({ length: 12 }, (_, i) => expect.closeTo(10 * i, 3)),
    );
    expect(rows.map(({ faces }) => faces.map(({ id }) => id))).toEqual(Array(12).fill([1]));
  });

  it('writes nothing where the source does not open, and refuses one file for two outputs', async () => {
    await expect(processVideo(at('none.mp4'), { detector: fakeDetector(), ...outputs('c') })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(left('c')).toEqual([]);
    await expect(processVideo(film, { detector: fakeDetector(), jsonl: at('x'), mot: at('x') })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('resume', () => {
  const interrupted = async (prefix: string, options: Partial<ProcessVideoOptions> = {}) => {
    const stop = new AbortController();
    await expect(
      processVideo(film, {
        detector: fakeDetector(),
        ...outputs(prefix),
        ...options,
        signal: stop.signal,
        onFrame: ({ index }) => void (index === 45 && stop.abort(new Error('Ctrl-C'))),
      }),
    ).rejects.toThrow('Ctrl-C');
  };

  it.each([
    ['plain', {}],
    ['look-ahead', { lookAhead: 0.5 }],
    ['every third frame', { detectEvery: 3 }],
    ['no tracker', { tracker: false as const, smoother: false as const }],
  ])(
    'ends with the same rows without running the detector again: %s',
    async (_, options: Partial<ProcessVideoOptions>) => {
      const [alone, files] = [outputs('a'), outputs('b')];
      await processVideo(film, { detector: fakeDetector(), ...alone, ...options });
      await interrupted('b', options);
      const before = readFileSync(`${files.jsonl}.partial`, 'utf8');
      expect(before.endsWith('\n')).toBe(true);
      expect(before.trim().split('\n').length).toBeGreaterThanOrEqual(45);
      const detector = fakeDetector();
      const summary = await processVideo(film, { detector, ...files, ...options, resume: true });
      for (const name of ['jsonl', 'mot', 'csv'] as const)
        expect(readFileSync(files[name], 'utf8')).toBe(readFileSync(alone[name], 'utf8'));
      expect(readFileSync(files.jsonl, 'utf8').startsWith(before)).toBe(true);
      expect((await show(files.output)).times.length).toBe(80);
      expect(summary.totalFrames).toBe(80);
      expect(detector.calls).toBeLessThan(60);
      expect(left('b').length).toBe(4);
    },
  );

  it('ends with the same rows after a kill that tore the files, and where its state is gone', async () => {
    const [alone, files] = [outputs('a'), outputs('b')];
    await processVideo(film, { detector: fakeDetector(), ...alone });
    await interrupted('b');
    for (const name of ['jsonl', 'mot', 'csv'] as const)
      truncateSync(`${files[name]}.partial`, statSync(`${files[name]}.partial`).size - 11);
    rmSync(at('cache'), { recursive: true });
    await processVideo(film, { detector: fakeDetector(), ...files, resume: true });
    for (const name of ['jsonl', 'mot', 'csv'] as const)
      expect(readFileSync(files[name], 'utf8')).toBe(readFileSync(alone[name], 'utf8'));
    expect((await show(files.output)).times.length).toBe(80);
  });

  it('gives the files their names where every frame was done', async () => {
    const [alone, files] = [outputs('a'), outputs('b')];
    await processVideo(film, { detector: fakeDetector(), ...alone });
    const stop = new AbortController();
    await expect(
      processVideo(film, {
        detector: fakeDetector(),
        ...files,
        signal: stop.signal,
        onProgress: ({ frames }) => void (frames === 80 && stop.abort(new Error('Ctrl-C'))),
      }),
    ).rejects.toThrow('Ctrl-C');
    const detector = fakeDetector();
    const { totalFrames } = await processVideo(film, { detector, ...files, resume: true });
    expect([totalFrames, detector.calls]).toEqual([80, 0]);
    expect(readFileSync(files.jsonl, 'utf8')).toBe(readFileSync(alone.jsonl, 'utf8'));
    expect((await show(files.output)).times.length).toBe(80);
  });

  it('ends with the same rows where only some outputs are asked for', async () => {
    const alone = outputs('a');
    await processVideo(film, { detector: fakeDetector(), ...alone });
    const mot = at('b-rows.mot');
    const stop = new AbortController();
    await expect(
      processVideo(film, {
        detector: fakeDetector(),
        mot,
        signal: stop.signal,
        onFrame: ({ index }) => void (index === 40 && stop.abort(new Error('Ctrl-C'))),
      }),
    ).rejects.toThrow('Ctrl-C');
    await processVideo(film, { detector: fakeDetector(), mot, resume: true });
    expect(readFileSync(mot, 'utf8')).toBe(readFileSync(alone.mot, 'utf8'));
  });

  it.each([
    ['film', { output: 'film.mp4' }],
    ['csv', { csv: 'rows.csv' }],
    ['mot', { mot: 'rows.txt' }],
    ['jsonl', { jsonl: 'rows.jsonl' }],
  ])('ends with the same sums where only one output is asked for: %s', async (_, names) => {
    const sums = ({ totalFrames, totalFaces, identities, avgFacesPerFrame }: VideoSummary) => ({
      totalFrames,
      totalFaces,
      identities,
      avgFacesPerFrame,
    });
    const paths = (prefix: string) =>
      Object.fromEntries(Object.entries(names).map(([kind, name]) => [kind, at(`${prefix}-${name}`)]));
    const alone = await processVideo(film, { detector: fakeDetector(), ...paths('a') });
    const stop = new AbortController();
    await expect(
      processVideo(film, {
        detector: fakeDetector(),
        ...paths('b'),
        signal: stop.signal,
        onFrame: ({ index }) => void (index === 50 && stop.abort(new Error('Ctrl-C'))),
      }),
    ).rejects.toThrow('Ctrl-C');
    expect(sums(await processVideo(film, { detector: fakeDetector(), ...paths('b'), resume: true }))).toEqual(
      sums(alone),
    );
    expect(sums(alone)).toMatchObject({ totalFrames: 80, totalFaces: 80 });
  });
});

describe('a run manifest', () => {
  const stopped = async (options: ProcessVideoOptions, from: string = film, at = 45) => {
    const stop = new AbortController();
    const onFrame = ({ index }: { index: number }) => void (index === at && stop.abort(new Error('Ctrl-C')));
    await expect(processVideo(from, { ...options, signal: stop.signal, onFrame })).rejects.toThrow('Ctrl-C');
  };
  const all = (): ProcessVideoOptions => ({
    detector: fakeDetector(),
    ...outputs('m'),
    anonymize: { shape: 'box' },
  });

  it('refuses to continue with any other option, detector or input, and names what differs', async () => {
    await stopped(all());
    const files = left('m');
    const changed: [string, Partial<ProcessVideoOptions>][] = [
      ['shape', { anonymize: {} }],
      ['shape', { anonymize: { shape: 'ellipse' } }],
      ['anonymize', { anonymize: false }],
      ['effect', { anonymize: { shape: 'box', effect: 'solid' } }],
      ['margin', { anonymize: { shape: 'box', margin: 0.5 } }],
      ['image', { anonymize: { shape: 'box', effect: 'image', image: numberedPicture(1, 8, 8) } }],
      ['draw', { draw: true }],
      ['detector', { detector: { ...fakeDetector(), fingerprint: { model: 'another' } } }],
      ['highScoreThreshold', { tracker: { highScoreThreshold: 0.7 } }],
      ['tracker', { tracker: false, smoother: false }],
      ['smoother', { smoother: false }],
      ['detectEvery', { detectEvery: 2 }],
      ['refine', { detectEvery: 2, refine: true }],
      ['lookAhead', { lookAhead: 1 }],
      ['shotCuts', { shotCuts: false }],
      ['rotate', { rotate: 0 }],
      ['onError', { onError: 'skip' }],
      ['crf', { encoding: { crf: 30 } }],
      ['keepMetadata', { encoding: { keepMetadata: false } }],
      ['deinterlace', { deinterlace: false }],
      ['fingerprint', { fingerprint: 'mine' }],
    ];
    for (const [name, change] of changed) {
      const run = processVideo(film, { ...all(), ...change, resume: true });
      await expect(run, name).rejects.toMatchObject({
        code: 'RESUME_MISMATCH',
        message: expect.stringContaining(name) as string,
      });
      expect(left('m'), name).toEqual(files);
    }
    const other = await writeNumbered(at('other.mp4'), evenTimes(81));
    await expect(processVideo(other, { ...all(), resume: true })).rejects.toMatchObject({ code: 'RESUME_MISMATCH' });
    // Only how fast it runs.
    await stopped({ ...all(), decodeAhead: 2, resume: true }, film, 60);
    await stopped({ ...all(), threads: 2, resume: true }, film, 70);
    expect((await processVideo(film, { ...all(), resume: true })).totalFrames).toBe(80);
  });

  it('is needed beside a partial file, whole, and gone when the outputs are complete', async () => {
    for (const spoil of [
      (path: string) => rmSync(path),
      (path: string) => truncateSync(path, 20),
      (path: string) => writeFileSync(path, 'null'),
      (path: string) => writeFileSync(path, '{"format":2}'),
    ]) {
      await stopped(all());
      spoil(`${outputs('m').output}.partial.json`);
      await expect(processVideo(film, { ...all(), resume: true })).rejects.toMatchObject({ code: 'RESUME_MISMATCH' });
    }
    await processVideo(film, all());
    expect(left('m')).toEqual(
      Object.values(names)
        .map((name) => `m-${name}`)
        .sort(),
    );
    expect((await processVideo(film, { ...all(), resume: true })).totalFrames).toBe(80);
  });

  it('of a run that was killed while it opened its outputs lets resume start from the beginning', async () => {
    await processVideo(film, all());
    const whole = readFileSync(outputs('m').jsonl, 'utf8');
    for (const path of Object.values(outputs('m'))) rmSync(path);
    await stopped({ ...all(), lookAhead: 1 });
    // As the next run leaves it, with other settings, before any of its outputs is open.
    for (const path of Object.values(outputs('m'))) {
      const file = `${path}.partial.json`;
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), opening: true }));
    }
    expect((await processVideo(film, { ...all(), resume: true })).totalFrames).toBe(80);
    expect(readFileSync(outputs('m').jsonl, 'utf8')).toBe(whole);
    expect(left('m')).toEqual(
      Object.values(names)
        .map((name) => `m-${name}`)
        .sort(),
    );
  });

  it('needs a fingerprint where parts say nothing about themselves', async () => {
    const own = (): ProcessVideoOptions => ({ ...all(), onError: () => 'skip' as const });
    await stopped(own());
    await expect(processVideo(film, { ...own(), resume: true })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('onError') as string,
    });
    const { fingerprint: _, ...silent } = fakeDetector();
    await stopped({ ...all(), detector: silent });
    await expect(processVideo(film, { ...all(), detector: silent, resume: true })).rejects.toMatchObject({
      message: expect.stringContaining('detector') as string,
    });
    await stopped({ ...own(), fingerprint: 1 });
    expect((await processVideo(film, { ...own(), fingerprint: 1, resume: true })).totalFrames).toBe(80);
  });

  it('completes the names of a run that was killed while it gave them, without a detection', async () => {
    const files = outputs('m');
    await processVideo(film, { ...all(), ...outputs('n') });
    const count = Object.keys(names).length;
    for (let named = 0; named <= count; named++) {
      // As right before each name.
      await stopped(all());
      const manifest = JSON.parse(readFileSync(`${files.jsonl}.partial.json`, 'utf8')) as object;
      const summary: unknown = await processVideo(film, { ...all(), resume: true });
      const order = [files.output, files.jsonl, files.mot, files.csv];
      for (const [i, path] of order.entries()) {
        const partial = path === files.output ? at('m-out.partial.mp4') : `${path}.partial`;
        if (i >= named) renameSync(path, partial);
        writeFileSync(`${path}.partial.json`, JSON.stringify({ ...manifest, summary }));
      }
      const detector = fakeDetector();
      const again = await processVideo(film, { ...all(), detector, resume: true });
      expect([again.totalFrames, again.identities, detector.calls]).toEqual([80, 1, 0]);
      expect(left('m')).toEqual(
        Object.values(names)
          .map((name) => `m-${name}`)
          .sort(),
      );
      expect(readFileSync(files.jsonl, 'utf8')).toBe(readFileSync(outputs('n').jsonl, 'utf8'));
      for (const name of left('m')) rmSync(at(name));
    }
  });

  it('draws the same trails after an interruption', async () => {
    const options = (prefix: string): ProcessVideoOptions => ({
      detector: fakeDetector(),
      jsonl: outputs(prefix).jsonl,
      output: outputs(prefix).output,
      draw: { trails: true },
      encoding: { crf: 4 },
    });
    await processVideo(film, options('a'));
    await stopped(options('b'));
    await processVideo(film, { ...options('b'), resume: true });
    const pixels = async (path: string) => {
      const video = await openVideo(path);
      const sums: number[] = [];
      for await (const frame of video) {
        const { data } = await frame.rasterize(96, 64);
        let sum = 0;
        for (const value of data) sum += value;
        sums.push(sum / data.length);
        frame.close();
      }
      return sums;
    };
    const [alone, resumed] = [await pixels(outputs('a').output), await pixels(outputs('b').output)];
    expect(resumed).toEqual(alone.map((mean) => expect.closeTo(mean, 0)));
  });
});

it('is a failure where every frame failed, and says why', async () => {
  const run = processVideo(film, {
    detector: fakeDetector(() => true),
    ...outputs('z'),
    anonymize: true,
    onError: 'skip',
  });
  await expect(run).rejects.toMatchObject({
    code: 'NOTHING_ANALYZED',
    message: expect.stringContaining('a thread died') as string,
  });
  expect(left('z').every((name) => name.includes('.partial'))).toBe(true);
});

describe('a live source', () => {
  /** Sends numbered pictures as MJPEG until it is closed. */
  async function camera() {
    const pictures = await Promise.all(
      Array.from({ length: 20 }, (_, i) => encodeImage(numberedPicture(i, 96, 64), { format: 'jpeg' })),
    );
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
      let index = 0;
      const timer = setInterval(() => {
        const picture = pictures[index++ % pictures.length]!;
        response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`);
        response.write(picture);
        response.write('\r\n');
      }, 20);
      response.on('close', () => clearInterval(timer));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/`, close: () => (server.closeAllConnections(), server.close()) };
  }

  it('that is lost for good leaves complete outputs, and the summary says so', async () => {
    const source = await camera();
    try {
      const {
        lost,
        totalFrames,
        outputs: paths,
      } = await processVideo(source.url, {
        detector: fakeDetector(),
        ...outputs('lost'),
        reconnects: 0,
        onFrame: ({ index }) => void (index === 10 && source.close()),
      });
      expect(lost).toMatchObject({ code: 'STREAM_LOST' });
      expect(totalFrames).toBeGreaterThan(10);
      expect(rowsOf(paths.jsonl!).length).toBe(totalFrames);
      expect((await show(paths.output!)).times.length).toBe(totalFrames);
      expect(left('lost').filter((name) => name.includes('partial'))).toEqual([]);
    } finally {
      source.close();
    }
  });

  it('ends normally at the signal, and a new start overwrites nothing', async () => {
    const source = await camera();
    try {
      const record = async (frames: number) => {
        const stop = new AbortController();
        let open: OutputPaths | undefined;
        const summary = await processVideo(source.url, {
          detector: fakeDetector(),
          ...outputs('live'),
          signal: stop.signal,
          onStart: (run) => void (open = run.outputs),
          onFrame: ({ index }) => void (index === frames && stop.abort(new Error('SIGTERM'))),
        });
        expect(open).toEqual(summary.outputs);
        return summary;
      };
      const began = Date.now();
      const [first, second] = [await record(12), await record(7)];
      expect(first.outputs).toEqual(outputs('live'));
      expect(second.outputs).toEqual(
        Object.fromEntries(
          Object.entries(outputs('live')).map(([kind, path]) => [kind, path.replace(/(\.\w+)$/, '-2$1')]),
        ),
      );
      for (const { outputs: paths, totalFrames } of [first, second]) {
        expect(totalFrames).toBeGreaterThan(7);
        const rows = rowsOf(paths.jsonl!) as unknown as { time: string; timestamp: number }[];
        expect(rows.length).toBe(totalFrames);
        for (const { time } of rows) {
          expect(new Date(time).toISOString()).toBe(time);
          expect(Date.parse(time)).toBeGreaterThanOrEqual(began - 1);
          expect(Date.parse(time)).toBeLessThanOrEqual(Date.now() + 2000);
        }
        expect((await show(paths.output!)).times.length).toBe(totalFrames);
      }
      expect(left('live').filter((name) => name.includes('partial'))).toEqual([]);
      await expect(
        processVideo(source.url, { detector: fakeDetector(), ...outputs('live'), resume: true }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      // What a killed run left is not overwritten either.
      writeFileSync(`${at('live-rows-3.mot')}.partial`, 'rows');
      expect((await record(3)).outputs.jsonl).toBe(at('live-rows-4.jsonl'));
    } finally {
      source.close();
    }
  });
});

describe('anonymizing', () => {
  const levels = async (path: string, region: { x: number; y: number; width: number; height: number }) => {
    const result: number[] = [];
    const video = await openVideo(path);
    for await (const frame of video) {
      const { data } = await frame.rasterize(4, 4, { region });
      result.push(data[3 * 5]!);
      frame.close();
    }
    return result;
  };

  it('masks a face for a moment after its last detection, also where a resumed run begins in that moment', async () => {
    const options = {
      anonymize: { effect: 'solid', shape: 'box', color: [255, 255, 255] } as const,
      encoding: { crf: 8 },
    };
    const run = (output: string, rest: Partial<ProcessVideoOptions> = {}) =>
      processVideo(film, { detector: vanishing(44), output, ...options, ...rest });
    await run(at('k-out.mp4'));
    const stop = new AbortController();
    await expect(
      run(at('l-out.mp4'), {
        signal: stop.signal,
        onFrame: ({ index }) => void (index === 45 && stop.abort(new Error('Ctrl-C'))),
      }),
    ).rejects.toThrow('Ctrl-C');
    await run(at('l-out.mp4'), { resume: true });
    const hiddenIn = async (name: string) =>
      (await levels(at(name), { x: 36, y: 28, width: 8, height: 8 })).map((level) => level > 225);
    const expected = await hiddenIn('k-out.mp4');
    expect([expected[44], expected[48], expected[60]]).toEqual([true, true, false]);
    expect(await hiddenIn('l-out.mp4')).toEqual(expected);
  });

  it('masks faces, also those without a track, and the whole frame where detection failed', async () => {
    const output = at('d-out.mp4');
    const failed = 30;
    const summary = await processVideo(film, {
      detector: fakeDetector((call) => call === failed),
      output,
      anonymize: { effect: 'solid', shape: 'box', color: [255, 255, 255] },
      onError: 'skip',
      encoding: { crf: 8 },
    });
    expect(summary.failedFrames).toBe(1);
    const unsure = await levels(output, { x: 4, y: 4, width: 4, height: 4 });
    expect(unsure.every((level) => level > 225)).toBe(true);
    const elsewhere = await levels(output, { x: 2, y: 50, width: 8, height: 8 });
    expect(elsewhere.filter((level) => level > 225).length).toBe(1);
  });

  it('ends the run at a failure unless failures are to be skipped', async () => {
    await expect(
      processVideo(film, { detector: fakeDetector((call) => call === 20), output: at('e-out.mp4'), anonymize: true }),
    ).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    expect(left('e')).toEqual(['e-out.mp4.partial.json', 'e-out.partial.mp4']);
  });

  it('renders rows that a person corrected, and refuses a video that has more frames than they', async () => {
    const tracks = at('rows.jsonl');
    writeFileSync(
      tracks,
      evenTimes(80)
        .map(
          (timestamp, frame) =>
            `${JSON.stringify({ frame, timestamp, faces: [{ id: 1, box: { x: 2, y: 50, width: 8, height: 8 } }] })}\n`,
        )
        .join(''),
    );
    const { totalFrames } = await renderVideo(film, {
      output: at('g-out.mp4'),
      tracks,
      anonymize: { effect: 'solid', shape: 'box', color: [255, 255, 255] },
      encoding: { crf: 8 },
    });
    expect(totalFrames).toBe(80);
    expect((await levels(at('g-out.mp4'), { x: 4, y: 52, width: 4, height: 4 })).every((level) => level > 225)).toBe(
      true,
    );
    writeFileSync(tracks, readFileSync(tracks, 'utf8').split('\n').slice(0, 50).join('\n'));
    await expect(renderVideo(film, { output: at('h-out.mp4'), tracks, anonymize: {} })).rejects.toMatchObject({
      code: 'TRACKS_INCOMPLETE',
    });
    expect(left('h')).toEqual(['h-out.partial.mp4']);
    writeFileSync(
      tracks,
      evenTimes(90)
        .map((timestamp, frame) => `${JSON.stringify({ frame, timestamp, faces: [] })}\n`)
        .join(''),
    );
    await expect(renderVideo(film, { output: at('i-out.mp4'), tracks, anonymize: {} })).rejects.toMatchObject({
      code: 'TRACKS_MISMATCH',
    });
    expect(left('i')).toEqual(['i-out.partial.mp4']);
  });

  it('refuses rows that would leave a face clear, and says in which line', async () => {
    const tracks = at('rows.jsonl');
    const good = '{"frame":0,"timestamp":0,"faces":[]}';
    for (const line of [
      'nonsense',
      'null',
      '{"frame":1}',
      good,
      '{"frame":1,"faces":[{"id":1}]}',
      '{"frame":1,"faces":[{"box":{"x":1,"y":2,"width":"30","height":40}}]}',
      '{"frame":1,"faces":[{"box":{"x":1,"y":2,"width":0,"height":40}}]}',
      '{"frame":1,"faces":[null]}',
    ]) {
      writeFileSync(tracks, `${good}\n${line}\n`);
      await expect(renderVideo(film, { output: at('j-out.mp4'), tracks, anonymize: {} }), line).rejects.toMatchObject({
        code: 'MALFORMED_FILE',
        message: expect.stringContaining('line 2') as string,
      });
    }
    expect(left('j')).toEqual([]);
  });
});

/** A sum of each picture's pixels, with its time. */
async function picturesOf(path: string): Promise<string[]> {
  const pictures: string[] = [];
  for await (const frame of await openVideo(path)) {
    const { data } = await frame.rasterize(frame.width, frame.height);
    pictures.push(`${frame.timestamp} ${createHash('sha256').update(data).digest('hex')}`);
    frame.close();
  }
  return pictures;
}

describe('look-ahead beyond its bytes', () => {
  it('writes the same rows and the same film, from a film that is read twice', async () => {
    const source = await writeNumbered(
      at('own.mkv'),
      evenTimes(60).map((time, i) => time + (i % 5 === 2 ? 0.012 : 0)),
    );
    const run = async (name: string, lookAheadBytes: number) => {
      const outputs = { output: at(`${name}.mp4`), jsonl: at(`${name}.jsonl`) };
      // Without loss: of equal pictures x264 does not always make equal bytes.
      const options = { encoding: { crf: 0 }, anonymize: true, detectEvery: 4, lookAhead: 0.5, lookAheadBytes };
      const { earlyResults } = await processVideo(source, { detector: fakeDetector(), ...outputs, ...options });
      expect(earlyResults).toBe(0);
      return { pictures: await picturesOf(outputs.output), rows: readFileSync(outputs.jsonl, 'utf8') };
    };
    const small = await run('small', 20_000);
    expect(small.pictures).toHaveLength(60);
    expect(small).toEqual(await run('large', 1e12));
  });
});
