import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PixelBuffer } from '@facedet/core';
import { rasterSourceConformance } from '@facedet/core/testing';
import { afterAll, describe, it } from 'vitest';
import { tempFolder } from '../fixtures.ts';
import { createVideoWriter } from '../write/writer.ts';
import { openVideo } from './open-video.ts';

describe('a frame of openVideo', () => {
  const folder = tempFolder();
  let films = 0;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function create(picture: PixelBuffer) {
    const path = join(folder, `${films++}.mp4`);
    const writer = await createVideoWriter(path, {
      like: { width: picture.width, height: picture.height, fps: 25 },
      crf: 1,
    });
    await writer.write({ ...picture, timestamp: 0 });
    await writer.finish();
    const video = await openVideo(path);
    const { value: frame } = await video[Symbol.asyncIterator]().next();
    if (!frame) throw new Error(`Expected a frame in ${path} but received none.`);
    const close = () => {
      frame.close();
      void video.close();
    };
    return { ...frame, close };
  }

  // FFmpeg's fast scaler rounds down twice.
  for (const { name, run } of rasterSourceConformance({ create, tolerance: 4 })) it(name, run);
});
