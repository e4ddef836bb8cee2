import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { evenTimes, tempFolder, writeNumbered } from './fixtures.ts';
import type { VideoFrame } from './read/frame.ts';
import { openVideo } from './read/open-video.ts';
import { createVideoWriter, openVideoWriter } from './write/writer.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let folder: string;
let film: string;
const warnings: string[] = [];
const listen = (warning: Error & { code?: string }) => void warnings.push(warning.code ?? warning.name);
beforeEach(async () => {
  folder = tempFolder();
  film = await writeNumbered(join(folder, 'a.mp4'), evenTimes(6));
  warnings.length = 0;
  process.on('warning', listen);
});
afterEach(() => {
  process.off('warning', listen);
  rmSync(folder, { recursive: true, force: true });
});

/** Collects garbage until a warning comes, or for a while. */
async function settle(rounds = 20): Promise<string[]> {
  for (let i = 0; i < rounds && warnings.length === 0; i++) {
    collectGarbage();
    await sleep(10);
  }
  return warnings;
}

/** Calls `work` where nothing of it stays on the stack. */
const apart = (work: () => Promise<void>) => sleep(0).then(work);

async function frames(close: (frame: VideoFrame) => void): Promise<void> {
  const video = await openVideo(film);
  for await (const frame of video) close(frame);
  await video.close();
}

it('says nothing of what was closed, however often and however', async () => {
  await apart(() => frames((frame) => [frame.close(), frame.close(), frame[Symbol.dispose]()]));
  await apart(async () => {
    const video = await openVideo(film);
    await Promise.all([video.close(), video.close(), video[Symbol.asyncDispose]()]);
    const writer = await createVideoWriter(join(folder, 'b.mp4'), { like: { width: 64, height: 48, fps: 25 } });
    await writer.close();
  });
  expect(await settle(10)).toEqual([]);
});

it('says nothing of a video that a run completed or discarded', async () => {
  const like = { width: 64, height: 48, fps: 25 };
  await apart(async () => {
    const kept = await openVideoWriter(join(folder, 'c.mp4'), { like });
    await kept.writer.complete();
    kept.commit();
    const discarded = await openVideoWriter(join(folder, 'd.mp4'), { like });
    await discarded.discard();
  });
  expect(await settle(10)).toEqual([]);
});

it('warns once of frames that nobody closed', async () => {
  await apart(() => frames(() => {}));
  expect(await settle()).toEqual(['FACEDET_FRAME_LEAKED']);
  warnings.length = 0;
  await apart(() => frames(() => {}));
  expect(await settle(5)).toEqual([]);
});

it('warns of a video that was neither read to its end nor closed', async () => {
  await apart(async () => void (await openVideo(film)));
  expect(await settle()).toEqual(['FACEDET_VIDEO_LEAKED']);
});

it('warns of a writer that was neither finished nor closed', async () => {
  const options = { like: { width: 64, height: 48, fps: 25 }, threads: 1 };
  await apart(async () => void (await createVideoWriter(join(folder, 'c.mp4'), options)));
  expect(await settle()).toEqual(['FACEDET_WRITER_LEAKED']);
});
