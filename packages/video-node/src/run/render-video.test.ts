import { copyFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FaceDetError, isRasterSource, type Detector, type Face, type ImageSource } from '@facedet/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersOf, evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import type { GalleryDocument } from './gallery-document.ts';
import { processVideo } from './process-video.ts';
import { renderVideo } from './render-video.ts';
import { readRows } from './rows-file.ts';
import type { Row } from './rows.ts';

let folder: string;
let film: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = tempFolder();
  film = await writeNumbered(at('source.mp4'), evenTimes(60));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A face for 40 frames, a weak detection that starts no track, and a frame that fails. */
function detector(): Detector {
  const detect = async (image: ImageSource): Promise<Face[]> => {
    const { data } = isRasterSource(image) ? await image.rasterize(12, 8) : image;
    const frame = numbersOf([data[0]!])[0]!;
    if (frame === 50) throw new FaceDetError('WORKER_CRASHED', 'a thread died');
    return [
      ...(frame < 40 ? [{ box: { x: 30.123456, y: 20, width: 20, height: 24 }, score: 0.9 }] : []),
      { box: { x: 2, y: 2, width: 8.00001, height: 8 }, score: 0.3 },
    ];
  };
  return {
    concurrency: 1,
    fingerprint: { model: 'fake' },
    detect,
    detectBatch: (images: readonly ImageSource[]) => Promise.all(images.map(detect)),
    warmup: async () => {},
    drain: async () => {},
    dispose: async () => {},
  } as unknown as Detector;
}

const anonymize = { effect: 'solid', color: [255, 255, 255] } as const;
const encoding = { crf: 0 };
const analyzed = async () => {
  await processVideo(film, {
    detector: detector(),
    smoother: false,
    onError: 'skip',
    output: at('first.mp4'),
    jsonl: at('rows.jsonl'),
    anonymize,
    encoding,
  });
  return readFileSync(at('rows.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
};

async function pixelsOf(path: string): Promise<Buffer[]> {
  const pictures: Buffer[] = [];
  for await (const frame of await openVideo(path)) {
    const { data } = await frame.rasterize(frame.width, frame.height);
    pictures.push(Buffer.from(data));
    frame.close();
  }
  return pictures;
}

describe('rows of an anonymizing run', () => {
  it('render to the same pictures, with detections without a track, ended tracks and failed frames', async () => {
    const rows = await analyzed();
    expect(rows[10]!.faces.map(({ id, state }) => [id, state])).toEqual([
      [1, 'detected'],
      [null, 'detected'],
    ]);
    expect(rows[50]!.failed).toBe(true);
    expect(rows.filter(({ failed }) => failed).length).toBe(1);
    await renderVideo(film, { output: at('second.mp4'), tracks: at('rows.jsonl'), anonymize, encoding });
    const [first, second] = [await pixelsOf(at('first.mp4')), await pixelsOf(at('second.mp4'))];
    expect(first.length).toBe(60);
    first.forEach((picture, i) => expect(picture.equals(second[i]!), `frame ${i}`).toBe(true));
    // All of a failed frame is white, corners too, however small the margin.
    await renderVideo(film, {
      output: at('third.mp4'),
      tracks: at('rows.jsonl'),
      anonymize: { ...anonymize, margin: 0.1 },
      encoding,
    });
    const failed = (await pixelsOf(at('third.mp4')))[50]!;
    expect(failed.every((level) => level > 225)).toBe(true);
  });

  it('have masks that are not in the gallery: a track is there while it is found', async () => {
    await processVideo(film, {
      detector: detector(),
      smoother: false,
      onError: 'skip',
      output: at('first.mp4'),
      jsonl: at('rows.jsonl'),
      gallery: at('tracks'),
      anonymize,
    });
    const { rows } = await readRows(at('rows.jsonl'));
    const masked = [...rows.values()].filter(({ faces }) => faces.some(({ id }) => id === 1)).length;
    const { tracks } = JSON.parse(readFileSync(at('tracks/tracks.json'), 'utf8')) as GalleryDocument;
    expect(tracks.map(({ id }) => id)).toEqual([1]);
    expect(tracks[0]!.frames).toBeLessThan(masked);
    expect(tracks[0]!.crop!.frame).toBeLessThan(40);
  });

  it('match any source where either came through a pipe', async () => {
    await analyzed();
    const file = await readRows(at('rows.jsonl'));
    const piped = { ...file, analysis: { ...file.analysis!, input: { kind: 'pipe', sha256: '' } } };
    const options = { output: at('out.mp4'), anonymize, encoding };
    expect((await renderVideo(film, { ...options, tracks: piped })).totalFrames).toBe(60);
    // But no face is uncovered by rows that may be those of another source.
    const keepIds = [1];
    await expect(
      renderVideo(film, { ...options, anonymize: { ...anonymize, keepIds }, tracks: piped }),
    ).rejects.toMatchObject({ code: 'TRACKS_MISMATCH' });
  });

  it('say how they were made, in the first row only', async () => {
    const rows = await analyzed();
    expect(rows[0]!.analysis).toMatchObject({
      detector: { model: 'fake' },
      isAnonymized: true,
      options: { smoother: false, onError: 'skip' },
    });
    expect(rows.slice(1).every(({ analysis }) => analysis === undefined)).toBe(true);
    const file = await readRows(at('rows.jsonl'));
    expect(file.ids).toEqual([1]);
    expect(file.analysis).toEqual(rows[0]!.analysis);
  });

  it('belong to their file, wherever it is and whenever it was copied', async () => {
    await analyzed();
    copyFileSync(film, at('copy.mp4'));
    utimesSync(at('copy.mp4'), 1, 1);
    const options = { output: at('out.mp4'), tracks: at('rows.jsonl'), anonymize };
    expect((await renderVideo(at('copy.mp4'), options)).totalFrames).toBe(60);
    const other = await writeNumbered(
      at('other.mp4'),
      evenTimes(60).map((t) => t * 2),
    );
    await expect(renderVideo(other, options)).rejects.toMatchObject({ code: 'TRACKS_MISMATCH' });
  });

  it('name the IDs that can be kept visible; others are an error', async () => {
    await analyzed();
    const options = { output: at('out.mp4'), tracks: at('rows.jsonl') };
    await expect(renderVideo(film, { ...options, anonymize: { keepIds: [1, 7] } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/they have 1\b.*received 7/) as string,
    });
    await renderVideo(film, { ...options, anonymize: { ...anonymize, keepIds: [1] }, encoding });
    const level = (picture: Buffer) => picture[3 * (30 * 96 + 40)]!;
    const width = (await openVideo(film)).metadata.width;
    expect(width).toBe(96);
    const [kept, masked] = [await pixelsOf(at('out.mp4')), await pixelsOf(at('first.mp4'))];
    expect(level(masked[10]!)).toBeGreaterThan(225);
    expect(level(kept[10]!)).toBeLessThan(225);
    await expect(
      processVideo(film, { detector: detector(), output: at('x.mp4'), anonymize: { keepIds: [1] } }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('refuses an analysis that is not one', async () => {
    writeFileSync(at('bad.jsonl'), '{"frame":0,"timestamp":0,"faces":[],"analysis":7}\n');
    await expect(readRows(at('bad.jsonl'))).rejects.toMatchObject({ code: 'MALFORMED_FILE' });
  });
});
