import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FaceDetError, type Detector, type Face, type ImageSource } from '@facedet/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VideoStatistics } from '@facedet/pipeline';
import { evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import type { VideoFrame } from '../read/frame.ts';
import { openVideo } from '../read/open-video.ts';
import { anonymizeVideo, type AnonymizeVideoOptions } from './anonymize-video.ts';
import { renderVideo } from './render-video.ts';
import { createRowPlayer } from './row-player.ts';
import { parseRow, type Row } from './rows.ts';

const WHITE = { effect: 'solid', shape: 'box', color: [255, 255, 255] } as const;
const FRAMES = 80;

let folder: string;
let film: string;
const at = (name: string) => join(folder, name);
const cache = process.env.FACEDET_MODELS;
beforeEach(async () => {
  folder = tempFolder();
  process.env.FACEDET_MODELS = at('cache');
  film = await writeNumbered(at('source.mp4'), evenTimes(FRAMES));
});
afterEach(() => {
  if (cache === undefined) delete process.env.FACEDET_MODELS;
  else process.env.FACEDET_MODELS = cache;
  rmSync(folder, { recursive: true, force: true });
});

const PERSON = { x: 30, y: 20, width: 16, height: 16 };
const PATCH = { x: 4, y: 30, width: 12, height: 12 };

/**
 * A person in frames 30 to 49, seen weakly from 35 to 39 and not in 42 to 44; and a patch of background that a
 * detector takes for a large face now and then.
 */
function detectorOf(onCall: (frame: number) => void = () => {}): Detector & { calls: number } {
  const detector = {
    concurrency: 1,
    fingerprint: { model: 'fake' },
    calls: 0,
    async detect(image: ImageSource): Promise<Face[]> {
      detector.calls++;
      const frame = (image as unknown as VideoFrame).index;
      onCall(frame);
      const faces: Face[] = [];
      if (frame >= 30 && frame < 50 && !(frame >= 42 && frame < 45))
        faces.push({ box: PERSON, score: frame >= 35 && frame < 40 ? 0.15 : 0.8 });
      if (frame < 20) faces.push({ box: PATCH, score: 0.4 });
      return faces;
    },
    async detectBatch() {
      throw new Error('not used');
    },
    async dispose() {},
  };
  return detector as unknown as Detector & { calls: number };
}

const settings = (output: string, rest: Partial<AnonymizeVideoOptions> = {}): AnonymizeVideoOptions => ({
  detector: detectorOf(),
  tracker: { preset: 'aggressive', highScoreThreshold: 0.3, newTrackThreshold: 0.35, lowScoreThreshold: 0.1 },
  smoother: false,
  shotCuts: false,
  output: at(output),
  anonymize: WHITE,
  encoding: { crf: 8 },
  hold: 0.1,
  ...rest,
});

/** Frames in which the middle of a box is white. */
async function maskedIn(path: string, { x, y, width, height }: typeof PERSON): Promise<number[]> {
  const region = { x: x + width / 4, y: y + height / 4, width: width / 2, height: height / 2 };
  const frames: number[] = [];
  const video = await openVideo(path);
  for await (const frame of video) {
    const { data } = await frame.rasterize(4, 4, { region });
    if (data[3 * 5]! > 225) frames.push(frame.index);
    frame.close();
  }
  return frames;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const rowsOf = (name: string): Row[] => readFileSync(at(name), 'utf8').trim().split('\n').map(parseRow);
const outputs = () =>
  readdirSync(folder)
    .filter((name) => name.startsWith('out') && !name.endsWith('.lock'))
    .sort();

describe('anonymizeVideo', () => {
  it('masks a person without a gap from before the first to after the last detection, and no background', async () => {
    const summary = await anonymizeVideo(film, settings('out.mp4', { jsonl: at('out.jsonl'), gallery: at('tracks') }));
    // 25 frames per second: 0.1 s are two frames.
    expect(await maskedIn(at('out.mp4'), PERSON)).toEqual(range(28, 52));
    expect(await maskedIn(at('out.mp4'), PATCH)).toEqual([]);
    const rows = rowsOf('out.jsonl');
    expect(rows.map(({ faces }) => faces.map(({ state }) => state[0]).join('')).join('.')).toMatch(
      /^\.{28}p\.p\.(?:d\.){12}i\.i\.i\.(?:d\.){5}p\.p\.+$/,
    );
    expect(rows[0]!.analysis).toMatchObject({ isAnonymized: true });
    expect(summary).toMatchObject({ totalFrames: FRAMES, totalFaces: 24, failedFrames: 0 });
    expect(summary.trackIds).toHaveLength(1);
    const { tracks } = JSON.parse(readFileSync(at('tracks/tracks.json'), 'utf8')) as { tracks: { id: number }[] };
    expect(tracks.map(({ id }) => id)).toEqual(summary.trackIds);
    expect(outputs()).toEqual(['out.jsonl', 'out.mp4']);
  });

  it('writes rows that give the same picture', async () => {
    await anonymizeVideo(film, settings('out.mp4', { jsonl: at('out.jsonl') }));
    const { anonymize, encoding } = settings('');
    await renderVideo(film, {
      output: at('again.mp4'),
      tracks: at('out.jsonl'),
      anonymize: anonymize as typeof WHITE,
      encoding: encoding!,
    });
    expect(readFileSync(at('again.mp4')).equals(readFileSync(at('out.mp4')))).toBe(true);
  });

  it('masks every detection from a given score up', async () => {
    await anonymizeVideo(film, settings('out.mp4', { score: 0.3 }));
    expect(await maskedIn(at('out.mp4'), PATCH)).toEqual(range(0, 22));
    expect(await maskedIn(at('out.mp4'), PERSON)).toEqual(range(28, 52));
  });

  it('masks frames whole that could not be analyzed', async () => {
    const detector = detectorOf((frame) => {
      if (frame === 60) throw new FaceDetError('WORKER_CRASHED', 'a thread died');
    });
    const summary = await anonymizeVideo(film, settings('out.mp4', { detector, onError: 'skip' }));
    expect(summary).toMatchObject({ failedFrames: 1, firstFailure: 'a thread died' });
    expect(await maskedIn(at('out.mp4'), PATCH)).toEqual([60]);
  });

  it.each([
    ['in the first pass', 'analysis', 40],
    ['at the end of the first pass', 'analysis', FRAMES],
    ['in the second pass', undefined, 50],
  ] as const)('continues a run that was interrupted %s, and ends the same', async (_, pass, after) => {
    await anonymizeVideo(film, settings('whole.mp4', { jsonl: at('whole.jsonl') }));
    const stop = new AbortController();
    const options = settings('out.mp4', { jsonl: at('out.jsonl') });
    await expect(
      anonymizeVideo(film, {
        ...options,
        signal: stop.signal,
        onProgress: (reached) => {
          if (reached.pass === pass && reached.frames === after) stop.abort(new Error('Ctrl-C'));
        },
      }),
    ).rejects.toThrow('Ctrl-C');
    const left = outputs();
    expect(left.some((name) => name.startsWith('out.mp4.partial.analysis.jsonl'))).toBe(true);
    expect(left).not.toContain('out.mp4');
    const detector = detectorOf();
    await anonymizeVideo(film, { ...options, detector, resume: true });
    if (pass === undefined || after === FRAMES) expect(detector.calls).toBe(0);
    expect(rowsOf('out.jsonl')).toEqual(rowsOf('whole.jsonl'));
    expect(await maskedIn(at('out.mp4'), PERSON)).toEqual(range(28, 52));
    expect(outputs()).toEqual(['out.jsonl', 'out.mp4']);
  });

  it('leaves nothing beside the output where nothing is to be kept', async () => {
    const detector = detectorOf((frame) => {
      if (frame === 20) throw new FaceDetError('WORKER_CRASHED', 'a thread died');
    });
    await expect(
      anonymizeVideo(film, settings('out.mp4', { detector, keepPartial: () => false })),
    ).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    expect(outputs()).toEqual([]);
  });

  it('refuses what can be read only once', async () => {
    execFileSync('mkfifo', [at('pipe.mp4')]);
    await expect(anonymizeVideo(at('pipe.mp4'), settings('out.mp4'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('processVideo'),
    });
    expect(outputs()).toEqual([]);
  });
});

describe('rows that are played', () => {
  const frame = (index: number) => ({ index, timestamp: index, close() {} }) as VideoFrame;
  const row = (index: number): Row => ({ frame: index, timestamp: index, faces: [] });
  const play = async (frames: number, rows: number) => {
    const statistics = {} as VideoStatistics;
    const player = createRowPlayer(async () => ({ rows: range(0, rows).map(row), statistics }));
    const results: number[] = [];
    const source = (async function* () {
      for (const index of range(0, frames)) yield frame(index);
    })();
    for await (const { index } of player.run(source)) results.push(index);
    return results;
  };

  it('fit their frames, or the run fails: no frame is shown that was not analyzed', async () => {
    expect(await play(3, 3)).toEqual([0, 1, 2]);
    await expect(play(4, 3)).rejects.toMatchObject({ code: 'TRACKS_INCOMPLETE' });
    await expect(play(2, 3)).rejects.toMatchObject({ code: 'TRACKS_INCOMPLETE' });
  });
});
