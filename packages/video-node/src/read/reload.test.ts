import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import type { VideoFrame } from './frame.ts';
import { openVideo } from './open-video.ts';

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pixels = async (frame: VideoFrame) => Buffer.from((await frame.rasterize(frame.width, frame.height)).data);

describe('a frame that was unloaded', () => {
  // Irregular timestamps, a key frame at least every 250 frames, B-frames in MP4.
  it.each([
    ['mp4', undefined],
    ['mkv', undefined],
    ['webm', undefined],
    ['mp4', { index: 79, timestamp: 79 / 25 }],
  ] as const)('comes back with the same pixels: %s from %j', async (extension, after) => {
    const times = evenTimes(120).map((time, i) => (i % 9 === 0 ? time + 0.01 : time));
    const path = await writeNumbered(join(folder, `a.${extension}`), times);
    const video = await openVideo(path, after ? { after: { ...after, timestamp: times[79]! } } : {});
    const held: { frame: VideoFrame; before: Buffer }[] = [];
    let compared = 0;
    const compare = async ({ frame, before }: (typeof held)[number]) => {
      await frame.reload!();
      expect((await pixels(frame)).equals(before)).toBe(true);
      frame.close();
      compared++;
    };
    for await (const frame of video) {
      // Some stay in memory, and some are closed while they are not in it.
      const before = await pixels(frame);
      if (frame.index % 10 === 3) {
        frame.close();
        continue;
      }
      frame.unload!();
      expect(() => frame.native()).toThrow(expect.objectContaining({ code: 'INVALID_STATE' }));
      if (frame.index % 10 === 5) frame.close();
      else held.push({ frame, before });
      if (held.length > 20) await compare(held.shift()!);
    }
    for (const item of held) await compare(item);
    expect(compared).toBe(after ? 32 : 96);
    await video.close();
  });

  it('is refused with a code where its file was replaced, its video closed, or it was closed itself', async () => {
    const path = await writeNumbered(join(folder, 'a.mp4'), evenTimes(30));
    const other = join(folder, 'b.mp4');
    copyFileSync(path, other);
    const video = await openVideo(path);
    const frames: VideoFrame[] = [];
    for await (const frame of video) {
      frame.unload!();
      frames.push(frame);
    }
    frames[1]!.close();
    await expect(frames[1]!.reload!()).rejects.toMatchObject({ code: 'DISPOSED' });
    renameSync(other, path);
    await expect(frames[2]!.reload!()).rejects.toMatchObject({ code: 'VIDEO_CHANGED' });
    await video.close();
    await expect(frames[3]!.reload!()).rejects.toMatchObject({ code: 'DISPOSED' });
    for (const frame of frames) frame.close();
  });

  it('is not offered by sources that cannot be read again', async () => {
    const video = await openVideo({ lavfi: 'testsrc2=size=64x48:rate=25:duration=0.2' });
    for await (const frame of video) {
      expect(frame.unload).toBeUndefined();
      expect(frame.byteLength).toBe(64 * 48 * 1.5);
      frame.close();
    }
    await video.close();
  });
});
