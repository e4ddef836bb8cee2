import { basename, extname } from 'node:path';
import { createScene, sceneEventKinds, toJsonl, toMot, type SceneEventKind } from '@facedet/eval/synthetic';
import { openOutput, type OutputFile } from '@facedet/files';
import { createVideoWriter } from '@facedet/video-node';
import { checkOutputs } from '../shared/check-outputs.ts';
import type { Context } from '../shared/context.ts';
import { usageError } from '../shared/errors.ts';
import { progress } from '../shared/progress.ts';
import { checkVideo, encodingOptions, type EncodingFlags } from '../shared/video-options.ts';

interface SynthFlags extends EncodingFlags {
  output: string;
  seed: number;
  width: number;
  height: number;
  fps: number;
  duration: number;
  faces: number;
  events?: string;
}

export async function run(context: Context, flags: SynthFlags): Promise<void> {
  const { output, seed, width, height, fps, duration, faces } = flags;
  checkVideo(output, flags);
  const stem = output.slice(0, output.length - extname(output).length);
  const paths = { jsonl: `${stem}.truth.jsonl`, mot: `${stem}.gt.txt` };
  checkOutputs([{ path: output, media: true }, { path: paths.jsonl }, { path: paths.mot }], []);
  const scene = createScene({
    seed,
    width,
    height,
    fps,
    duration,
    faces,
    ...(flags.events !== undefined && { events: parseEvents(flags.events) }),
  });
  // Opened first: it refuses settings that can't be encoded before any file is created.
  const writer = await createVideoWriter(output, { ...encodingOptions(flags), like: { width, height, fps } });
  const texts: OutputFile[] = [];
  const open = (path: string) => {
    const file = openOutput(path);
    texts.push(file);
    return file;
  };
  const bar = await progress(context, { total: scene.length, label: basename(output), unit: 'frames' });
  try {
    const [jsonl, mot] = [open(paths.jsonl), open(paths.mot)];
    for (let index = 0; index < scene.length; index++) {
      context.signal.throwIfAborted();
      const { image, timestamp, truth } = scene.frame(index);
      await writer.write({ ...image, timestamp, duration: 1 / fps });
      mot.write(toMot([{ index, timestamp, truth }]));
      // Occluded faces are written too, with their visible share.
      jsonl.write(toJsonl([{ index, timestamp, truth }], { minVisibility: 0 }));
      bar.tick();
    }
    // All outputs are complete before any is renamed.
    await writer.complete();
    for (const text of texts) text.complete();
    await writer.finish();
    for (const text of texts) text.commit();
    bar.stop();
    context.log(`${output}: ${scene.length} frames; ground truth: ${mot.path} and ${jsonl.path}`);
  } catch (error) {
    await writer.flush().catch(() => {});
    throw error;
  } finally {
    bar.stop();
    for (const text of texts) text.leave();
  }
}

function parseEvents(text: string): SceneEventKind[] {
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    const trimmed = name.trim();
    // `pillar` is the name of `occluder` in earlier versions.
    const kind = sceneEventKinds.find((event) => event === (trimmed === 'pillar' ? 'occluder' : trimmed));
    if (!kind) throw usageError(`expected names from ${sceneEventKinds.join(', ')} for --events but received ${name}`);
    return kind;
  });
}
