import { FaceDetError } from '@facedet/core';
import { checkIdentities, type TrackRows } from '../mot/rows.ts';
import { malformed } from '../text/malformed.ts';

/** Tracks of a video with the time of each of its frames. */
export interface TimedTracks {
  readonly rows: TrackRows;
  /** Seconds of each frame, also of empty ones; frame `n` of the rows is entry `n − 1`. */
  readonly times: Float64Array;
}

interface Line {
  frame: unknown;
  timestamp: unknown;
  faces: unknown;
}

/**
 * Reads the JSON Lines of `facedet video`: `{ "frame", "timestamp", "faces": [{ "id", "box", "score" }] }`, a line a frame.
 *
 * @throws FaceDetError `MALFORMED_FILE` with the line: not JSON, frames or times that don't rise, a face without box or identity.
 */
export function parseTrackJsonl(text: string, file: string): TimedTracks {
  const frames: number[] = [];
  const ids: number[] = [];
  const boxes: number[] = [];
  const scores: number[] = [];
  const lines: number[] = [];
  const times: number[] = [];
  const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
  text.split('\n').forEach((source, i) => {
    if (source.trim() === '') return;
    const { frame, timestamp, faces } = parseLine(source, file, i + 1);
    if (!(Number.isInteger(frame) && (frame as number) >= times.length)) throw malformed(file, i + 1, `"frame" of at least ${times.length}`, JSON.stringify(frame) ?? 'nothing');
    if (!isNumber(timestamp) || timestamp <= (times.at(-1) ?? -Infinity)) throw malformed(file, i + 1, `"timestamp" in seconds after ${times.at(-1) ?? 'nothing'}`, JSON.stringify(timestamp) ?? 'nothing');
    if (!Array.isArray(faces)) throw malformed(file, i + 1, 'a list of "faces"', JSON.stringify(faces) ?? 'nothing');
    // Frames that are left out are empty ones between the times around them.
    for (let from = times.at(-1) ?? timestamp - (frame as number), missing = (frame as number) - times.length + 1; missing > 1; missing--) {
      times.push((from += (timestamp - from) / missing));
    }
    times.push(timestamp);
    for (const face of faces as { id?: unknown; box?: Record<string, unknown>; score?: unknown }[]) {
      const box = [face?.box?.x, face?.box?.y, face?.box?.width, face?.box?.height];
      if (!isNumber(face?.id) || !box.every(isNumber)) throw malformed(file, i + 1, 'faces with "id" and "box" { x, y, width, height } (rows of --no-track have no identity)', JSON.stringify(face));
      frames.push(times.length);
      ids.push(face.id);
      boxes.push(...(box as number[]));
      scores.push(isNumber(face.score) ? face.score : 1);
      lines.push(i + 1);
    }
  });
  if (times.length === 0) throw new FaceDetError('MALFORMED_FILE', `${file}, line 1: expected a line for every frame, got an empty file`);
  const rows: TrackRows = {
    file,
    frames: Int32Array.from(frames),
    ids: Float64Array.from(ids),
    boxes: Float64Array.from(boxes),
    scores: Float64Array.from(scores),
    classes: new Int32Array(frames.length).fill(-1),
    lines: Int32Array.from(lines),
  };
  checkIdentities(rows);
  return { rows, times: Float64Array.from(times) };
}

function parseLine(source: string, file: string, line: number): Line {
  try {
    const value = JSON.parse(source) as Line | null;
    if (value !== null && typeof value === 'object') return value;
  } catch (cause) {
    throw malformed(file, line, 'JSON', JSON.stringify(source), cause);
  }
  throw malformed(file, line, '{ "frame", "timestamp", "faces" }', source);
}
