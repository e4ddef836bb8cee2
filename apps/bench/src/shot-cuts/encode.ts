// Writes films as H.264 and keeps them for the next run.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createVideoWriter } from '@facedet/video-node';
import { FPS, type Film } from './films.ts';
import { HEIGHT, WIDTH } from './shots.ts';

/** The path of a film in a folder, written where it is missing. */
export async function encoded(film: Film, folder: string): Promise<string> {
  const to = join(folder, `${film.name}.mp4`);
  if (existsSync(to)) return to;
  mkdirSync(folder, { recursive: true });
  const crf = film.kind === 'hard compression' ? 38 : film.kind === 'grain' ? 30 : 23;
  const writer = await createVideoWriter(to, {
    like: { width: WIDTH, height: HEIGHT, fps: FPS },
    crf,
    preset: 'veryfast',
    threads: 1,
  });
  for (let index = 0; index < film.length; index++) {
    await writer.write({
      data: film.frame(index),
      width: WIDTH,
      height: HEIGHT,
      format: 'rgb',
      timestamp: index / FPS,
    });
  }
  await writer.finish();
  return to;
}
