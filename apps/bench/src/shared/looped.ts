import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import { createVideoWriter, openVideo, type VideoWriter } from '@facedet/video-node';

/** A video shown several times over, in one file that is kept for the next run. */
export async function looped(path: string, times: number): Promise<string> {
  const folder = join(import.meta.dirname, 'films'); // beside the bundle, in a folder that git ignores
  const to = join(folder, `${basename(path, extname(path))}-${times}-times.mp4`);
  if (existsSync(to)) return to;
  mkdirSync(folder, { recursive: true });
  let writer: VideoWriter | undefined;
  let offset = 0;
  for (let pass = 0; pass < times; pass++) {
    const video = await openVideo(path);
    writer ??= await createVideoWriter(to, {
      like: video.metadata,
      crf: 20,
      audio: false,
      threads: availableParallelism(),
    });
    let end = offset;
    for await (const frame of video) {
      await writer.write({ ...frame, timestamp: offset + frame.timestamp });
      end = offset + frame.timestamp + (frame.duration || 1 / (video.metadata.fps ?? 25));
      frame.close();
    }
    await video.close();
    offset = end;
  }
  await writer!.finish();
  return to;
}
