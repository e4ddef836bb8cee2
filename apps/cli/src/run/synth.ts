import { basename, extname } from 'node:path';
import { createScene, type SceneEventKind, type SceneFace } from '@facedet/eval/synthetic';
import { createVideoWriter } from '@facedet/runtime-node';
import type { Context } from '../shared/context.ts';
import { usageError } from '../shared/errors.ts';
import { round } from '../shared/output.ts';
import { openPartial } from '../shared/partial-file.ts';
import { progress } from '../shared/progress.ts';
import { checkVideoName, encodingOptions, type EncodingFlags } from '../shared/video-options.ts';

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

const EVENTS: readonly SceneEventKind[] = ['crossing', 'absence', 'scale', 'pillar', 'blur', 'dark', 'noise', 'compression'];
/** A face of which less is seen can't be asked of any detector: MOT's truth marks it as one that does not count. */
const SEEN = 0.25;

export async function run(context: Context, flags: SynthFlags): Promise<void> {
  const { output, seed, width, height, fps, duration, faces } = flags;
  checkVideoName(output, flags.codec);
  const scene = createScene({ seed, width, height, fps, duration, faces, ...(flags.events !== undefined && { events: parseEvents(flags.events) }) });
  const stem = output.slice(0, output.length - extname(output).length);
  const [jsonl, mot] = [openPartial(`${stem}.truth.jsonl`), openPartial(`${stem}.gt.txt`)];
  const bar = await progress(context, { total: scene.length, label: basename(output), unit: 'frames' });
  const writer = await createVideoWriter(output, { ...encodingOptions(flags), like: { width, height, fps } });
  try {
    for (let index = 0; index < scene.length; index++) {
      context.signal.throwIfAborted();
      const { image, timestamp, truth } = scene.frame(index);
      await writer.write({ ...image, timestamp, duration: 1 / fps });
      mot.write(truth.map((face) => motLine(index, face)).join(''));
      jsonl.write(`${JSON.stringify({ frame: index, timestamp: round(timestamp, 9), faces: truth.map(faceOf) })}\n`);
      bar.tick();
    }
    await writer.finish();
    mot.commit();
    jsonl.commit();
    bar.stop();
    context.log(`${output}: ${scene.length} frames; the truth is in ${mot.path} and ${jsonl.path}`);
  } catch (error) {
    await writer.flush().catch(() => {});
    throw error;
  } finally {
    bar.stop();
    mot.leave();
    jsonl.leave();
  }
}

function faceOf({ id, box, landmarks, visibility, occlusion }: SceneFace): unknown {
  const px = (value: number) => round(value, 3);
  return {
    id,
    box: { x: px(box.x), y: px(box.y), width: px(box.width), height: px(box.height) },
    score: 1,
    landmarks: landmarks.map(({ x, y }) => ({ x: px(x), y: px(y) })),
    state: 'detected',
    visibility: round(visibility, 4),
    occlusion: round(occlusion, 4),
  };
}

// MOTChallenge's truth: frame, id, box, whether it counts, class, visibility.
function motLine(index: number, { id, box, visibility }: SceneFace): string {
  const numbers = [box.x, box.y, box.width, box.height].map((value) => round(value, 3));
  return `${[index + 1, id, ...numbers, visibility >= SEEN ? 1 : 0, 1, round(visibility, 4)].join(',')}\n`;
}

function parseEvents(text: string): SceneEventKind[] {
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    const kind = EVENTS.find((event) => event === name.trim());
    if (!kind) throw usageError(`expected names out of ${EVENTS.join(', ')} for --events, received ${name}`);
    return kind;
  });
}
