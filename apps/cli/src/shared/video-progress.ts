import { basename } from 'node:path';
import type { VideoProgress } from '@facedet/video-node';
import type { Context } from './context.ts';
import { progress } from './progress.ts';
import { shown, sourceField } from './shown.ts';

/** A progress bar for a video: name, frames per second, faces in the last frame. */
export async function videoProgress(
  context: Context,
  source: string,
): Promise<{ onProgress(reached: VideoProgress): void; stop(): void }> {
  const name = shown(basename(sourceField(source)), 200);
  const bar = await progress(context, { total: 0, label: name, unit: 'frames' });
  let begun: { pass: VideoProgress['pass']; frames: number; at: number } | undefined;
  return {
    onProgress({ pass, frames, totalFrames, seconds, duration, faces }) {
      const now = performance.now();
      // A resumed run has frames that took it no time.
      if (!begun || begun.pass !== pass) begun = { pass, frames, at: now };
      const fps = now > begun.at ? (1000 * (frames - begun.frames)) / (now - begun.at) : 0;
      const total = totalFrames ?? (duration && seconds > 0 ? Math.round((frames * duration) / seconds) : 0);
      bar.total(Math.max(total, frames));
      const label = pass === 'analysis' ? `${name} (analysis)` : name;
      bar.update(frames, `${label} ${fps.toFixed(1)} fps, ${faces} ${faces === 1 ? 'face' : 'faces'}`);
    },
    stop: bar.stop,
  };
}
