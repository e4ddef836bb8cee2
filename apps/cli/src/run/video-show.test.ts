import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLivePage } from '../pages/live-page.ts';
import type { Context } from '../shared/context.ts';
import { run as synth } from './synth.ts';
import { run as video, type VideoFlags } from './video.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-show-'));
const scene = join(folder, 'scene.mp4');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A running command: its lines, the page's address once it is printed, and its end. */
function start(flags: Partial<VideoFlags>, signal = new AbortController().signal) {
  const log: string[] = [];
  const failed: unknown[] = [];
  const fake = {
    write: async () => {},
    log: (line: string) => void log.push(line),
    fail: (_: string, error: unknown) => void failed.push(error),
    signal,
    terminal: false,
  };
  const done = video(
    fake as unknown as Context,
    { track: true, smooth: true, audio: true, workers: 1, ...flags } as VideoFlags,
    scene,
  );
  const url = async () => {
    for (;;) {
      const found = /http:\S+/.exec(log.join('\n'));
      if (found) return found[0];
      await new Promise((soon) => setTimeout(soon, 20));
    }
  };
  return { log, failed, done, url };
}

/** Bytes that a viewer got of the pictures, when the stream ends. */
function watch(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(new URL('video', url), (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => resolve(bytes));
    }).on('error', reject);
  });
}

beforeAll(async () => {
  await synth(
    { write: async () => {}, log() {}, signal: new AbortController().signal, terminal: false } as unknown as Context,
    { output: scene, seed: 5, width: 320, height: 180, fps: 25, duration: 1.2, faces: 2, events: 'none' },
  );
});

describe('facedet video --show', () => {
  it('waits for a viewer where nothing is written, and goes no faster than the video', async () => {
    const { log, failed, done, url } = start({ show: 0 });
    const address = await url();
    await new Promise((soon) => setTimeout(soon, 300));
    expect(log.length).toBe(1);
    const begun = performance.now();
    const bytes = await watch(address);
    await done;
    expect(failed).toEqual([]);
    // 30 frames take 1.16 seconds from the first to the last: a clock that nothing can hurry.
    expect(performance.now() - begun).toBeGreaterThan(1100);
    expect(bytes).toBeGreaterThan(20_000);
    expect(log.at(-1)).toMatch(/^facedet: 1 file done, 30 frames/);
  });

  it('waits for nobody where files are written', async () => {
    const who = join(folder, 'who');
    const { failed, done } = start({ show: 0, gallery: who });
    await done;
    expect(failed).toEqual([]);
    expect(readdirSync(who)).toEqual(expect.arrayContaining(['0001.jpg', 'tracks.json', 'index.html']));
  });

  it('ends at once with Ctrl-C, also while it waits', async () => {
    const stop = new AbortController();
    const { done, url } = start({ show: 0 }, stop.signal);
    const address = await url();
    setTimeout(() => stop.abort(new Error('stopped')), 500);
    await expect(done).rejects.toThrow('stopped');
    await expect(watch(address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('refuses a port that is taken, and a gallery without tracking', async () => {
    const other = await startLivePage({ port: 0 });
    await expect(start({ show: Number(new URL(other.url).port) }).done).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    await other.close();
    await expect(start({ gallery: folder, track: false }).done).rejects.toMatchObject({ exitCode: 2 });
  });
});
