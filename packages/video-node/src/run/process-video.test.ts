import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FaceDetError, isRasterSource, type Detector, type Face, type ImageSource } from '@facedet/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVideo } from '../read/open-video.ts';
import { processVideo, type ProcessVideoOptions } from './process-video.ts';
import { renderVideo } from './render-video.ts';
import { writeImage } from '@facedet/runtime-node';
import { numberedPicture, numbersOf, show, steady, tempFolder, writeNumbered } from '../fixtures.ts';

let folder: string;
let film: string;
const at = (name: string) => join(folder, name);
const cache = process.env.FACEDET_MODELS;
beforeEach(async () => {
  folder = tempFolder();
  process.env.FACEDET_MODELS = at('cache');
  film = await writeNumbered(at('source.mp4'), steady(80));
});
afterEach(() => {
  if (cache === undefined) delete process.env.FACEDET_MODELS;
  else process.env.FACEDET_MODELS = cache;
  rmSync(folder, { recursive: true, force: true });
});

/** Finds one face, the further to the right the brighter the picture's left half is, and another that no tracker would begin. */
function fakeDetector(fail: (call: number) => boolean = () => false): Detector & { calls: number } {
  const detector = {
    concurrency: 2,
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
    async detect(image: ImageSource): Promise<Face[]> {
      const { data } = isRasterSource(image) ? await image.rasterize(12, 8) : image;
      return numbersOf([data[0]!])[0]! <= last ? [{ box: { x: 30, y: 20, width: 20, height: 24 }, score: 0.9 }] : [];
    },
  };
}

const names = { jsonl: 'rows.jsonl', mot: 'rows.mot', csv: 'rows.csv', output: 'out.mp4' };
const outputs = (prefix: string) => Object.fromEntries(Object.entries(names).map(([key, name]) => [key, at(`${prefix}-${name}`)])) as Record<keyof typeof names, string>;
const rowsOf = (path: string) => readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { frame: number; timestamp: number; faces: { id: number; state: string }[] });
const left = (prefix: string) => readdirSync(folder).filter((file) => file.startsWith(`${prefix}-`)).sort();

describe('a run', () => {
  it('writes rows and a video of all frames, and nothing else', async () => {
    const files = outputs('a');
    const seen: number[] = [];
    const summary = await processVideo(film, { detector: fakeDetector(), ...files, onFrame: ({ index }) => void seen.push(index) });
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
    expect(left('a')).toEqual(Object.values(names).map((name) => `a-${name}`).sort());
  });

  it('stops at what breaks: what was written stays under partial names', async () => {
    const whole = await writeNumbered(at('whole.mkv'), steady(100));
    writeFileSync(at('cut.mkv'), readFileSync(whole).subarray(0, statSync(whole).size / 2));
    const files = outputs('b');
    await expect(processVideo(at('cut.mkv'), { detector: fakeDetector(), ...files })).rejects.toMatchObject({ code: 'VIDEO_TRUNCATED' });
    expect(left('b')).toEqual(['b-out.partial.mp4', 'b-rows.csv.partial', 'b-rows.jsonl.partial', 'b-rows.mot.partial']);
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
    await expect(processVideo(at('none.mp4'), { detector: fakeDetector(), ...outputs('c') })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(left('c')).toEqual([]);
    await expect(processVideo(film, { detector: fakeDetector(), jsonl: at('x'), mot: at('x') })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('resume', () => {
  const interrupted = async (prefix: string, options: Partial<ProcessVideoOptions> = {}) => {
    const stop = new AbortController();
    await expect(processVideo(film, { detector: fakeDetector(), ...outputs(prefix), ...options, signal: stop.signal, onFrame: ({ index }) => void (index === 45 && stop.abort(new Error('Ctrl-C'))) })).rejects.toThrow('Ctrl-C');
  };

  it.each([['plain', {}], ['look-ahead', { lookAhead: 0.5 }], ['every third frame', { detectEvery: 3 }], ['no tracker', { tracker: false as const, smoother: false as const }]])('ends with the same rows and does not look again: %s', async (_, options: Partial<ProcessVideoOptions>) => {
    const [alone, files] = [outputs('a'), outputs('b')];
    await processVideo(film, { detector: fakeDetector(), ...alone, ...options });
    await interrupted('b', options);
    const before = readFileSync(`${files.jsonl}.partial`, 'utf8');
    expect(before.endsWith('\n')).toBe(true);
    expect(before.trim().split('\n').length).toBeGreaterThanOrEqual(45);
    const detector = fakeDetector();
    const summary = await processVideo(film, { detector, ...files, ...options, resume: true });
    for (const name of ['jsonl', 'mot', 'csv'] as const) expect(readFileSync(files[name], 'utf8')).toBe(readFileSync(alone[name], 'utf8'));
    expect(readFileSync(files.jsonl, 'utf8').startsWith(before)).toBe(true);
    expect((await show(files.output)).times.length).toBe(80);
    expect(summary.totalFrames).toBe(80);
    expect(detector.calls).toBeLessThan(60);
    expect(left('b').length).toBe(4);
  });

  it('ends with the same rows after a kill that tore the files, and where its state is gone', async () => {
    const [alone, files] = [outputs('a'), outputs('b')];
    await processVideo(film, { detector: fakeDetector(), ...alone });
    await interrupted('b');
    for (const name of ['jsonl', 'mot', 'csv'] as const) truncateSync(`${files[name]}.partial`, statSync(`${files[name]}.partial`).size - 11);
    rmSync(at('cache'), { recursive: true });
    await processVideo(film, { detector: fakeDetector(), ...files, resume: true });
    for (const name of ['jsonl', 'mot', 'csv'] as const) expect(readFileSync(files[name], 'utf8')).toBe(readFileSync(alone[name], 'utf8'));
    expect((await show(files.output)).times.length).toBe(80);
  });

  it('gives the files their names where every frame was done', async () => {
    const [alone, files] = [outputs('a'), outputs('b')];
    await processVideo(film, { detector: fakeDetector(), ...alone });
    const stop = new AbortController();
    await expect(processVideo(film, { detector: fakeDetector(), ...files, signal: stop.signal, onProgress: ({ frames }) => void (frames === 80 && stop.abort(new Error('Ctrl-C'))) })).rejects.toThrow('Ctrl-C');
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
    await expect(processVideo(film, { detector: fakeDetector(), mot, signal: stop.signal, onFrame: ({ index }) => void (index === 40 && stop.abort(new Error('Ctrl-C'))) })).rejects.toThrow('Ctrl-C');
    await processVideo(film, { detector: fakeDetector(), mot, resume: true });
    expect(readFileSync(mot, 'utf8')).toBe(readFileSync(alone.mot, 'utf8'));
  });
});

describe('anonymising', () => {
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

  it('hides a face for a moment after it was last found, also where a resumed run begins in that moment', async () => {
    const options = { anonymize: { effect: 'solid', shape: 'box', color: [255, 255, 255] } as const, encoding: { crf: 8 } };
    const run = (output: string, rest: Partial<ProcessVideoOptions> = {}) => processVideo(film, { detector: vanishing(44), output, ...options, ...rest });
    await run(at('k-out.mp4'));
    const stop = new AbortController();
    await expect(run(at('l-out.mp4'), { signal: stop.signal, onFrame: ({ index }) => void (index === 45 && stop.abort(new Error('Ctrl-C'))) })).rejects.toThrow('Ctrl-C');
    await run(at('l-out.mp4'), { resume: true });
    const hiddenIn = async (name: string) => (await levels(at(name), { x: 36, y: 28, width: 8, height: 8 })).map((level) => level > 225);
    const expected = await hiddenIn('k-out.mp4');
    expect([expected[44], expected[48], expected[60]]).toEqual([true, true, false]);
    expect(await hiddenIn('l-out.mp4')).toEqual(expected);
  });

  it('hides faces, also those of no identity, and a frame whose detection failed whole', async () => {
    const output = at('d-out.mp4');
    const failed = 30;
    const summary = await processVideo(film, { detector: fakeDetector((call) => call === failed), output, anonymize: { effect: 'solid', shape: 'box', color: [255, 255, 255] }, onError: 'skip', encoding: { crf: 8 } });
    expect(summary.failedFrames).toBe(1);
    const unsure = await levels(output, { x: 4, y: 4, width: 4, height: 4 });
    expect(unsure.every((level) => level > 225)).toBe(true);
    const elsewhere = await levels(output, { x: 2, y: 50, width: 8, height: 8 });
    expect(elsewhere.filter((level) => level > 225).length).toBe(1);
  });

  it('ends the run at a failure, unless it is told to go on, and leaves identities clear that are allowed', async () => {
    await expect(processVideo(film, { detector: fakeDetector((call) => call === 20), output: at('e-out.mp4'), anonymize: true })).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    expect(left('e')).toEqual(['e-out.partial.mp4']);
    await processVideo(film, { detector: fakeDetector(), output: at('f-out.mp4'), anonymize: { effect: 'solid', color: [255, 255, 255], clear: [1] }, encoding: { crf: 8 }, tracker: { newTrackThreshold: 0.5 } });
    const face = await levels(at('f-out.mp4'), { x: 26, y: 28, width: 4, height: 4 });
    expect(face.slice(2).every((level) => level < 225)).toBe(true);
  });

  it('renders rows that a person corrected, and refuses a video that has more frames than they', async () => {
    const tracks = at('rows.jsonl');
    writeFileSync(tracks, steady(80).map((timestamp, frame) => `${JSON.stringify({ frame, timestamp, faces: [{ id: 1, box: { x: 2, y: 50, width: 8, height: 8 } }] })}\n`).join(''));
    const { totalFrames } = await renderVideo(film, { output: at('g-out.mp4'), tracks, anonymize: { effect: 'solid', shape: 'box', color: [255, 255, 255] }, encoding: { crf: 8 } });
    expect(totalFrames).toBe(80);
    expect((await levels(at('g-out.mp4'), { x: 4, y: 52, width: 4, height: 4 })).every((level) => level > 225)).toBe(true);
    writeFileSync(tracks, readFileSync(tracks, 'utf8').split('\n').slice(0, 50).join('\n'));
    await expect(renderVideo(film, { output: at('h-out.mp4'), tracks, anonymize: {} })).rejects.toMatchObject({ code: 'TRACKS_INCOMPLETE' });
    expect(left('h')).toEqual(['h-out.partial.mp4']);
    writeFileSync(tracks, steady(90).map((timestamp, frame) => `${JSON.stringify({ frame, timestamp, faces: [] })}\n`).join(''));
    await expect(renderVideo(film, { output: at('i-out.mp4'), tracks, anonymize: {} })).rejects.toMatchObject({ code: 'TRACKS_MISMATCH' });
    expect(left('i')).toEqual(['i-out.partial.mp4']);
  });

  it('refuses rows that would leave a face clear, and says in which line', async () => {
    const tracks = at('rows.jsonl');
    const good = '{"frame":0,"timestamp":0,"faces":[]}';
    for (const line of ['nonsense', 'null', '{"frame":1}', good, '{"frame":1,"faces":[{"id":1}]}', '{"frame":1,"faces":[{"box":{"x":1,"y":2,"width":"30","height":40}}]}', '{"frame":1,"faces":[{"box":{"x":1,"y":2,"width":0,"height":40}}]}', '{"frame":1,"faces":[null]}']) {
      writeFileSync(tracks, `${good}\n${line}\n`);
      await expect(renderVideo(film, { output: at('j-out.mp4'), tracks, anonymize: {} }), line).rejects.toMatchObject({ code: 'MALFORMED_FILE', message: expect.stringContaining('line 2') as string });
    }
    expect(left('j')).toEqual([]);
  });
});
