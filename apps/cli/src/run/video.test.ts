import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScene } from '@facedet/eval/synthetic';
import { encodeImage, writeImage } from '@facedet/runtime-node';
import { openVideo } from '@facedet/video-node';
import type { Context } from '../shared/context.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import { run as anonymize } from './anonymize.ts';
import { run as synth } from './synth.ts';
import { run as video, type VideoFlags } from './video.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-video-command-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scene = { seed: 5, width: 320, height: 180, fps: 25, duration: 1.2, faces: 2, events: 'none' };

function context() {
  const seen = { output: '', log: [] as string[], failed: [] as { input: string; code: string | undefined }[] };
  const fake = {
    write: async (data: string) => void (seen.output += data),
    log: (line: string) => void seen.log.push(line),
    fail: (input: string, error: { code?: string; message: string }) => (
      seen.failed.push({ input, code: error.code }),
      { code: error.code ?? '', message: error.message }
    ),
    signal: new AbortController().signal,
    terminal: false,
  };
  return { seen, context: fake as unknown as Context };
}

const follow = async (source: string, flags: Partial<VideoFlags> = {}) => {
  const { seen, context: fake } = context();
  await video(fake, { track: true, smooth: true, audio: true, workers: 1, ...flags }, source);
  return seen;
};
const hide = async (inputs: string[], flags: Partial<AnonymizeFlags> & { output: string }) => {
  const { seen, context: fake } = context();
  await anonymize(fake, { audio: true, workers: 1, ...flags }, inputs);
  return seen;
};
const lines = (path: string) => readFileSync(path, 'utf8').trim().split('\n');

beforeAll(async () => {
  await synth(context().context, { output: at('scene.mp4'), ...scene });
});

describe('synth', () => {
  it('writes a video and its truth, the same for the same seed', async () => {
    expect(lines(at('scene.truth.jsonl')).length).toBe(30);
    const { frame, faces } = JSON.parse(lines(at('scene.truth.jsonl'))[7]!) as {
      frame: number;
      faces: { id: number; visibility: number }[];
    };
    expect([frame, faces.map(({ id }) => id)]).toEqual([7, [1, 2]]);
    expect(lines(at('scene.gt.txt')).every((line) => line.split(',').length === 9)).toBe(true);
    mkdirSync(at('again'));
    await synth(context().context, { output: at('again/scene.mp4'), ...scene });
    for (const name of ['scene.truth.jsonl', 'scene.gt.txt'])
      expect(readFileSync(at(`again/${name}`))).toEqual(readFileSync(at(name)));
    await expect(synth(context().context, { output: at('scene.txt'), ...scene })).rejects.toMatchObject({
      exitCode: 2,
    });
    await expect(synth(context().context, { output: at('x.mp4'), ...scene, events: 'party' })).rejects.toMatchObject({
      exitCode: 2,
    });
    await expect(
      synth(context().context, { output: at('y.mp4'), ...scene, encoderPreset: 'nonsense' }),
    ).rejects.toMatchObject({ exitCode: 2, code: 'USAGE' });
    expect(readdirSync(folder).filter((name) => /^[xy]\./.test(name))).toEqual([]);
  });
});

describe('video', () => {
  it('says how many frames are damaged in the source, as anonymize does', async () => {
    const bytes = readFileSync(at('scene.mp4'));
    const data = bytes.lastIndexOf('mdat');
    const length = bytes.readUInt32BE(data - 4);
    for (const part of [0.3, 0.5, 0.7]) {
      const from = data + Math.round(part * length);
      for (let i = from; i < from + 30; i++) bytes[i]! ^= 0x33;
    }
    const source = at('damaged.mp4');
    writeFileSync(source, bytes);
    const { output, log, failed } = await follow(source, { jsonl: at('damaged.jsonl'), json: true });
    const { damagedFrames } = JSON.parse(output) as { damagedFrames: number };
    expect([damagedFrames > 0, failed]).toEqual([true, []]);
    const line = new RegExp(
      `: ${damagedFrames} of \\d+ frames (is|are) damaged in the source, the first at \\d\\.\\d\\d s;`,
    );
    expect(log.filter((each) => line.test(each))).toHaveLength(1);
    const hidden = await hide([source], { output: at('damaged-hidden.mp4'), lookAhead: 0 });
    expect(hidden.log.filter((each) => line.test(each))).toHaveLength(1);
    const whole = await follow(at('scene.mp4'), { jsonl: at('whole.jsonl'), json: true });
    expect(JSON.parse(whole.output)).toMatchObject({ damagedFrames: 0 });
    expect(whole.log.filter((each) => each.includes('damaged'))).toEqual([]);
  });

  it('writes what it is asked for and prints statistics', async () => {
    const { output, failed } = await follow(at('scene.mp4'), {
      output: at('marked.mp4'),
      jsonl: at('rows.jsonl'),
      mot: at('rows.mot'),
      csv: at('rows.csv'),
      json: true,
    });
    expect(failed).toEqual([]);
    expect(JSON.parse(output)).toMatchObject({ totalFrames: 30, source: { width: 320, height: 180 } });
    expect(lines(at('rows.jsonl')).length).toBe(30);
    expect(existsSync(at('marked.mp4'))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('.partial'))).toEqual([]);
  });

  it('reports an unreadable source, and writes nothing', async () => {
    const { failed } = await follow(at('missing.mp4'), { jsonl: at('none.jsonl') });
    expect(failed).toEqual([{ input: at('missing.mp4'), code: 'NOT_FOUND' }]);
    expect(readdirSync(folder).filter((name) => name.startsWith('none'))).toEqual([]);
  });

  it('skips a broken picture of a folder and reports it, or stops there with --on-error stop', async () => {
    mkdirSync(at('broken'));
    const pixels = { data: new Uint8Array(64 * 48 * 3).fill(90), width: 64, height: 48, format: 'rgb' as const };
    for (const index of [1, 2, 3, 4]) await writeImage(at(`broken/${index}.png`), pixels);
    writeFileSync(at('broken/3.png'), readFileSync(at('broken/3.png')).subarray(0, 60));
    const skipped = await follow(at('broken'), { jsonl: at('broken.jsonl') });
    expect(skipped.failed).toEqual([{ input: at('broken'), code: 'FRAMES_FAILED' }]);
    expect(lines(at('broken.jsonl')).length).toBe(4);
    const stopped = await follow(at('broken'), { jsonl: at('stopped.jsonl'), onError: 'stop' });
    expect(stopped.failed.map(({ code }) => code)).toEqual(['VIDEO_BROKEN']);
    expect(existsSync(at('stopped.jsonl'))).toBe(false);
    const hidden = await hide([at('broken/3.png'), at('scene.mp4')], { output: at('hidden-until'), onError: 'stop' });
    expect(hidden.failed.map(({ input }) => input)).toEqual([at('broken/3.png')]);
    expect(hidden.log.filter((line) => line.includes('1 file not processed, 1 failure'))).toHaveLength(1);
    expect(existsSync(at('hidden-until/scene.mp4'))).toBe(false);
  });

  it('plays a file at its own speed with --live, and so keeps most of its frames', async () => {
    // Two frames per second, so that a busy machine has time for each; without a pace all but the last would be
    // dropped.
    await synth(context().context, { output: at('slow.mp4'), ...scene, fps: 2, duration: 3 });
    const { output, failed } = await follow(at('slow.mp4'), { live: true, json: true });
    expect(failed).toEqual([]);
    const { totalFrames, droppedFrames } = JSON.parse(output) as { totalFrames: number; droppedFrames: number };
    expect(totalFrames + droppedFrames).toBe(6);
    expect(totalFrames).toBeGreaterThan(3);
  });

  it('completes the outputs of a camera that is lost for good, and reports it', async () => {
    const { image } = createScene({ ...scene, frames: 1, events: [] }).frame(0);
    const jpeg = Buffer.from(await encodeImage(image, { format: 'jpeg' }));
    const head = `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
      response.write(
        Buffer.concat(Array.from({ length: 12 }, () => [Buffer.from(head), jpeg, Buffer.from('\r\n')]).flat()),
      );
      setTimeout(() => (response.destroy(), server.close()), 300);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const { failed, log, output } = await follow(`http://127.0.0.1:${port}/`, {
      jsonl: at('gone.jsonl'),
      reconnects: 0,
      json: true,
    });
    expect(failed.map(({ code }) => code)).toEqual(['STREAM_LOST']);
    const { totalFrames, lost } = JSON.parse(output) as { totalFrames: number; lost?: unknown };
    expect([lines(at('gone.jsonl')).length, lost]).toEqual([totalFrames, undefined]);
    expect(log.join('\n')).toMatch(/\d+ frames/);
  });

  it('ends normally when a camera that never answered is given up by a signal', async () => {
    const source = 'http://127.0.0.1:1/cam';
    const stopAt = (flags: Partial<VideoFlags>) => {
      const stop = new AbortController();
      const { seen, context: fake } = context();
      const log = (line: string) => {
        seen.log.push(line);
        if (line.includes('not connected')) stop.abort(new Error('stopped'));
      };
      const stoppable = { ...fake, log, signal: stop.signal } as Context;
      return { seen, end: video(stoppable, { track: true, smooth: true, audio: true, workers: 1, ...flags }, source) };
    };
    const { seen, end } = stopAt({ reconnects: 'forever', json: true, jsonl: at('never.jsonl') });
    expect(await end).toBe(0);
    expect(JSON.parse(seen.output)).toMatchObject({ totalFrames: 0, identities: 0 });
    expect(existsSync(at('never.jsonl'))).toBe(false);
    const silent = stopAt({ reconnects: 3 });
    expect(await silent.end).toBe(0);
    expect(silent.seen.log.at(-1)).toMatch(/^facedet: 0 sources done, 0 frames/);
  });

  it('refuses flags that contradict each other and outputs that are inputs, before anything is read', async () => {
    for (const flags of [
      { output: at('film.txt') },
      { output: at('scene.mp4') },
      { jsonl: at('a'), mot: at('a') },
      { track: false, detectEvery: 3 },
      { live: true, lookAhead: 1 },
      { output: at('a.webm'), codec: 'h264' as const },
    ]) {
      await expect(follow(at('scene.mp4'), flags)).rejects.toMatchObject({ exitCode: 2 });
    }
    await expect(follow(pathToFileURL(at('scene.mp4')).href, { output: at('scene.mp4') })).rejects.toMatchObject({
      code: 'OUTPUT_IS_INPUT',
    });
  });
});

describe('anonymize', () => {
  it('writes videos and pictures into a folder, and goes on after one that fails', async () => {
    await writeImage(at('photo.png'), {
      data: new Uint8Array(64 * 48 * 3).fill(90),
      width: 64,
      height: 48,
      format: 'rgb',
    });
    const { failed } = await hide([at('scene.mp4'), at('gone.jpg'), at('photo.png')], { output: at('hidden') });
    expect(failed.map(({ input }) => input)).toEqual([at('gone.jpg')]);
    expect(readdirSync(at('hidden')).sort()).toEqual(['photo.png', 'scene.mp4']);
    const { metadata, close } = await openVideo(at('hidden/scene.mp4'));
    await close();
    expect([metadata.frameCount, metadata.width, metadata.height]).toEqual([30, 320, 180]);
  });

  it('hides what a corrected file of rows says', async () => {
    const rows = Array.from({ length: 30 }, (_, frame) =>
      JSON.stringify({
        frame,
        timestamp: frame / 25,
        faces: [{ id: 1, box: { x: 0, y: 0, width: 100, height: 100 }, score: 1, state: 'detected' }],
      }),
    );
    writeFileSync(at('tracks.jsonl'), `${rows.join('\n')}\n`);
    const { failed } = await hide([at('scene.mp4')], {
      output: at('by-hand.mp4'),
      tracks: at('tracks.jsonl'),
      effect: 'solid',
      color: [255, 255, 255],
      shape: 'box',
    });
    expect(failed).toEqual([]);
    const film = await openVideo(at('by-hand.mp4'));
    for await (const frame of film) {
      const { data } = await frame.rasterize(2, 2, { region: { x: 20, y: 20, width: 40, height: 40 } });
      expect(data[0]).toBeGreaterThan(240);
      frame.close();
    }
    writeFileSync(at('tracks.jsonl'), `${rows.slice(0, 10).join('\n')}\n`);
    expect((await hide([at('scene.mp4')], { output: at('short.mp4'), tracks: at('tracks.jsonl') })).failed).toEqual([
      { input: at('scene.mp4'), code: 'TRACKS_INCOMPLETE' },
    ]);
    expect(existsSync(at('short.mp4'))).toBe(false);
  });

  it('never writes over an input', async () => {
    await expect(hide([at('scene.mp4')], { output: at('scene.mp4') })).rejects.toMatchObject({
      exitCode: 2,
      code: 'OUTPUT_IS_INPUT',
    });
    await expect(hide([at('scene.mp4'), at('photo.png')], { output: folder })).rejects.toMatchObject({ exitCode: 2 });
  });
});
