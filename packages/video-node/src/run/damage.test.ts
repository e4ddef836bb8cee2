import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Detector } from '@facedet/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tempFolder, writeByGraph } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import { writeMedia } from '../testing/media.ts';
import { processVideo } from './process-video.ts';
import type { ProcessVideoOptions } from './process-video-options.ts';
import { renderVideo } from './render-video.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = tempFolder();
  vi.stubEnv('FACEDET_MODELS', at('cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const detector = {
  concurrency: 1,
  fingerprint: { model: 'fake' },
  detect: async () => [{ box: { x: 40, y: 40, width: 30, height: 30 }, score: 0.9 }],
  detectBatch: async (images: readonly unknown[]) => images.map(() => []),
  async warmup() {},
  async dispose() {},
} as unknown as Detector;

const PACKET = 188;

/** A transport stream without its `n`th packets, of those that go on with a picture. */
function damage(path: string, ...lost: readonly number[]): string {
  const bytes = readFileSync(path);
  const packets = Array.from({ length: bytes.length / PACKET }, (_, i) => bytes.subarray(PACKET * i, PACKET * (i + 1)));
  const pid = (packet: Buffer) => packet.readUInt16BE(1) & 0x1fff;
  const inside = packets.filter((packet) => pid(packet) === 0x100 && (packet[1]! & 0x40) === 0);
  const gone = new Set(lost.map((n) => inside[n]));
  writeFileSync(path, Buffer.concat(packets.filter((packet) => !gone.has(packet))));
  return path;
}

const h264 = async () => {
  const video = { encoder: 'libx264', size: [320, 192], frames: 60, keyFrames: 12 } as const;
  return damage(await writeMedia(at('damaged.ts'), { video, format: 'mpegts' }), 100, 101, 200, 260);
};

async function damagedIn(path: string): Promise<number[]> {
  const found: number[] = [];
  for await (const frame of await openVideo(path)) {
    if (frame.isDamaged) found.push(frame.timestamp);
    frame.close();
  }
  return found;
}

describe('frames that are damaged in the source', () => {
  it('are marked and counted, those of a run that was interrupted too', async () => {
    const source = await h264();
    const times = await damagedIn(source);
    expect(times.length).toBeGreaterThan(1);
    const expected = { damagedFrames: times.length, firstDamage: times[0], totalFrames: 60 };
    const run = (name: string, options: Partial<ProcessVideoOptions>) =>
      processVideo(source, { detector, output: at(`${name}.mp4`), ...options });
    expect(await run('whole', { jsonl: at('whole.jsonl') })).toMatchObject(expected);

    // Before, between and behind the damaged frames, with rows that are read again and without.
    const last = Math.round(25 * times.at(-1)!);
    for (const rows of [true, false])
      for (const stopAt of [2, last - 1, last + 1]) {
        const name = `${rows}-${stopAt}`;
        const files = rows ? { jsonl: at(`${name}.jsonl`) } : {};
        const stop = new AbortController();
        const onFrame = ({ index }: { index: number }) => void (index === stopAt && stop.abort(new Error('Ctrl-C')));
        await expect(run(name, { ...files, signal: stop.signal, onFrame })).rejects.toThrow('Ctrl-C');
        expect(await run(name, { ...files, resume: true }), name).toMatchObject(expected);
      }

    const rendered = await renderVideo(source, { tracks: at('whole.jsonl'), output: at('rendered.mp4') });
    expect(rendered).toMatchObject(expected);
  }, 60_000);

  it('are counted behind a filter too, and intact streams have none', async () => {
    const size = [320, 192] as const;
    const film = { encoder: 'mpeg2video', pixelFormat: 'yuv420p', frames: 30, interlaced: true, size };
    const path = await writeByGraph(at('interlaced.ts'), film);
    expect(await damagedIn(path)).toEqual([]);
    expect((await damagedIn(damage(path, 120))).length).toBeGreaterThan(0);
    const { damagedFrames, firstDamage } = await processVideo(await writeByGraph(at('good.ts'), film), { detector });
    expect([damagedFrames, firstDamage]).toEqual([0, undefined]);
  }, 30_000);
});
