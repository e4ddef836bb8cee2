import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { tempFolder } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import { writeMedia } from '../testing/media.ts';

const folder = tempFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a broken file is not called a matter of permission, as FFmpeg does where it has no reason', async () => {
  const path = await writeMedia(join(folder, 'film.wmv'), { video: { encoder: 'wmv2' }, sound: 'libmp3lame' });
  const bytes = readFileSync(path);
  // The GUID that says that a stream of ASF is one of pictures.
  const guid = bytes.indexOf(Buffer.from('c0ef19bc4d5bcf11a8fd00805f5c442b', 'hex'));
  expect(guid).toBeGreaterThan(0);
  bytes[guid] = 0xff;
  writeFileSync(path, bytes);
  await expect(openVideo(path)).rejects.toMatchObject({
    code: expect.stringMatching(/^VIDEO_/),
    message: expect.not.stringMatching(/permitted/),
  });
});
