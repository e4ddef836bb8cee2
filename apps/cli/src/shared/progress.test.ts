import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Context } from './context.ts';
import { progress } from './progress.ts';
import { videoProgress } from './video-progress.ts';

const lines: string[] = [];
const context = { log: (line: string) => void lines.push(line) } as unknown as Context;
const terminal = process.stderr.isTTY;

beforeEach(() => {
  lines.length = 0;
  process.stderr.isTTY = false;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  process.stderr.isTTY = terminal;
});

it('writes a plain line every ten seconds where there is no terminal, until it stops', async () => {
  const bar = await progress(context, { total: 500, unit: 'images' });
  for (let i = 0; i < 120; i++) bar.tick();
  vi.advanceTimersByTime(9_900);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(200);
  for (let i = 0; i < 40; i++) bar.tick();
  vi.advanceTimersByTime(10_000);
  bar.stop();
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([
    'facedet: 120 of 500 images (24 %), 12.0 per second',
    'facedet: 160 of 500 images (32 %), 8.0 per second',
  ]);
});

it('names the film, without credentials and control characters, and counts frames of no known number', async () => {
  const bar = await videoProgress(context, 'rtsp://me:secret@host/a\u001b[31m.mp4');
  const at = { totalFrames: null, seconds: 1, duration: null, faces: 2 };
  bar.onProgress({ ...at, frames: 1 });
  bar.onProgress({ ...at, frames: 50 });
  vi.advanceTimersByTime(10_000);
  bar.stop();
  expect(lines).toEqual([expect.stringMatching(/^facedet: .*mp4: 50 frames, .* per second$/)]);
  for (const text of ['secret', '\u001b']) expect(lines.join()).not.toContain(text);
});
