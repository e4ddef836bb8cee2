import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeImage } from '@facedet/runtime-node';
import { afterAll, expect, it } from 'vitest';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { numberedPicture, tempFolder } from '../fixtures.ts';
import { writeMedia } from '../testing/media.ts';
import { DEFAULT_LIMITS, openInput } from './input.ts';

const folder = tempFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('gives up on a film whose streams FFmpeg would search without end', async () => {
  const film = await writeMedia(join(folder, 'film.mov'), {
    video: { encoder: 'libx265', pixelFormat: 'yuv420p10le' },
    sound: 'pcm_s16le',
  });
  const picture = await encodeImage(numberedPicture(1, 160, 120), { format: 'avif' });
  const path = join(folder, 'joined.mov');
  writeFileSync(path, Buffer.concat([readFileSync(film), picture]));
  const limits = { ...DEFAULT_LIMITS, analysisSeconds: 1 };
  const opening = openInput(await loadFfmpeg(), { kind: 'file', name: 'joined.mov', path }, { limits });
  await expect(opening).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE', message: expect.stringContaining('1 s') });
});
