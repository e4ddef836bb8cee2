import { readFile } from 'node:fs/promises';
import { openOutput } from '@facedet/files';
import {
  createTracker,
  fromMot,
  type Detection,
  type TrackerPreset,
  type Tracker,
  type TrackerOptions,
} from '@facedet/tracker';
import { checkOutputs } from '../shared/check-outputs.ts';
import type { Context } from '../shared/context.ts';
import { countsLine } from '../shared/counts.ts';
import { CommandError, describe, usageError } from '../shared/errors.ts';
import { readStdin } from '../shared/inputs.ts';
import { round } from '../shared/output.ts';

interface Options {
  output: string;
  fps: number;
  preset?: TrackerPreset;
  scoreThreshold?: number;
  matchThreshold?: number;
  buffer?: number;
  minArea?: number;
  maxAspectRatio?: number;
  compat?: true;
}

/** A week at 30 frames per second, as in the metrics: a frame number beyond it is a damaged file. */
const MAX_FRAMES = 20_000_000;

/** ByteTrack's published `track_thresh`; a preset has its own. */
const PUBLISHED_SCORE = 0.6;

export async function run(context: Context, options: Options, input: string): Promise<void> {
  checkOutputs([{ path: options.output }], input === '-' ? [] : [input]);
  let text: string;
  try {
    text = input === '-' ? new TextDecoder().decode(await readStdin(context.signal)) : await readFile(input, 'utf8');
  } catch (cause) {
    const { code, message } = describe(cause);
    throw new CommandError(code, message, { input, cause });
  }
  const frames = readFrames(text, input);
  const numbers = [...frames.keys()].sort((a, b) => a - b);
  const stride = options.compat ? 1 : commonStride(numbers);
  const tracker = trackerFor(options, stride);
  const track = () => trackRows({ frames, numbers, stride }, tracker, options, context.signal);
  if (options.output === '-') {
    const { lines, ...counts } = track();
    await context.write(lines);
    if (!context.isUnread) context.log(countsLine({ files: 1, ...counts, failures: 0 }));
    return;
  }
  // Opened first, so that an unwritable output fails before the work.
  const file = openOutput(options.output);
  try {
    const { lines, ...counts } = track();
    file.write(lines);
    file.commit();
    context.log(countsLine({ files: 1, ...counts, failures: 0 }));
  } finally {
    file.discard();
  }
}

/** A tracker for frames with detections that are `stride` frames apart. */
function trackerFor({ preset, scoreThreshold, matchThreshold, buffer, fps, compat }: Options, stride: number): Tracker {
  const score = scoreThreshold ?? (preset ? undefined : PUBLISHED_SCORE);
  const given: TrackerOptions = {
    frameRate: fps / stride,
    ...(preset && { preset }),
    ...(score !== undefined && { highScoreThreshold: score }),
    ...(matchThreshold !== undefined && { matchThreshold }),
    ...(buffer !== undefined && { maxLostSeconds: buffer / 30 }),
    ...(compat && { compat }),
  };
  try {
    return createTracker(given);
  } catch (error) {
    // Options that conflict; each value was checked before.
    throw usageError(describe(error).message);
  }
}

/** Detections by frame. Rows may come in any order. */
function readFrames(text: string, input: string): Map<number, Detection[]> {
  const frames = new Map<number, Detection[]>();
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    let detection;
    try {
      detection = fromMot(line);
    } catch (cause) {
      throw new CommandError('MALFORMED_FILE', `line ${i + 1}: ${describe(cause).message}`, {
        input: input === '-' ? 'standard input' : input,
        cause,
      });
    }
    const { frame, box, score } = detection;
    if (frame > MAX_FRAMES) {
      const message =
        `line ${i + 1}: Expected a frame number from 1 to ${MAX_FRAMES} but received ${frame}; ` +
        'the first column counts frames.';
      throw new CommandError('MALFORMED_FILE', message, { input: input === '-' ? 'standard input' : input });
    }
    const detections = frames.get(frame);
    if (detections) detections.push({ box, score });
    else frames.set(frame, [{ box, score }]);
  });
  return frames;
}

/** The rows, and the numbers of frames with detections, faces and tracks. */
interface Tracked {
  readonly lines: string;
  readonly frames: number;
  readonly faces: number;
  readonly tracks: number;
}

/** Detections by frame number. */
interface DetectedFrames {
  readonly frames: ReadonlyMap<number, Detection[]>;
  /** The keys of `frames` in order. */
  readonly numbers: readonly number[];
  /** Frames from one detector run to the next. */
  readonly stride: number;
}

/** Tracks every frame; returns one row per detected track and frame. */
function trackRows(
  { frames, numbers, stride }: DetectedFrames,
  tracker: Tracker,
  options: Options,
  signal: AbortSignal,
): Tracked {
  const { fps, compat, minArea = -Infinity, maxAspectRatio = Infinity } = options;
  const patience = fps * ((options.buffer ?? 60) / 30) + 3; // frames after which no track is alive
  let lines = '';
  let faces = 0;
  const ids = new Set<number>();
  let next = compat ? 1 : (numbers[0] ?? 1);
  for (const number of numbers) {
    signal.throwIfAborted();
    // Frames without detections.
    for (const end = Math.min(number, next + patience); next < end; next += stride)
      tracker.update([], (next - 1) / fps);
    for (const { id, box, score, state } of tracker.update(frames.get(number)!, (number - 1) / fps)) {
      const { x, y, width, height } = box;
      if (state !== 'tracked' || width * height <= minArea || width / height > maxAspectRatio) continue;
      faces++;
      ids.add(id);
      const place = `${round(x, 2)},${round(y, 2)},${round(width, 2)},${round(height, 2)}`;
      lines += `${number},${id},${place},${round(score, 5)},-1,-1,-1\n`;
    }
    next = number + stride;
  }
  return { lines, frames: numbers.length, faces, tracks: ids.size };
}

/**
 * The largest step that reaches all frames: with detections in every 5th frame alone, the detector skipped the four
 * between, which is not the same as empty frames. Two frames alone show no step.
 */
function commonStride(numbers: readonly number[]): number {
  if (numbers.length < 3) return 1;
  let stride = 0;
  for (let i = 1; i < numbers.length; i++) {
    for (let a = numbers[i]! - numbers[i - 1]!; a;) [stride, a] = [a, stride % a];
  }
  return stride || 1;
}
