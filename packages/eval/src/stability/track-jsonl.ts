import { type FaceDetError, received } from '@facedet/checks';
import { type TrackRows, TrackRowBuilder } from '../mot/track-rows.ts';
import { NumberList } from '../number-list.ts';
import { malformed } from '../text/file-errors.ts';
import { isCoordinate, MAX_FRAMES } from '../text/limits.ts';

/** Tracks of a video with the timestamp of each of its frames. */
export interface TimedTracks {
  readonly rows: TrackRows;
  /** Seconds of each frame, with empty ones; frame `n` of the rows is entry `n − 1`. */
  readonly times: Float64Array;
}

/** Three thousand years: accepts seconds that are in fact milliseconds, rejects absurd numbers. */
const MAX_SECONDS = 1e11;

/**
 * Parses the JSON Lines of `facedet video`: `{ "frame", "timestamp", "faces": [{ "id", "box", "score" }] }`, one line
 * per frame. Missing frames are empty ones, with timestamps interpolated between their neighbors; at most 20,000,000
 * frames.
 *
 * @param file the file's name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line: not JSON, frames or timestamps that do not increase, a frame
 * number out of range, a face without box or track ID.
 */
export function parseTrackJsonl(text: string, file: string): TimedTracks {
  const rows = new TrackRowBuilder(file);
  const frames = new NumberList('frames');
  const timestamps = new NumberList('frames');
  for (const [line, source] of filledLines(text)) {
    const fail: Fail = (expected, value, cause) =>
      malformed({ file, line }, expected, value === undefined ? 'nothing' : received(value), cause);
    const last = frames.length - 1;
    const frame = parseFrame(source, last < 0 ? null : { frame: frames.at(last), time: timestamps.at(last) }, fail);
    frames.push(frame.frame);
    timestamps.push(frame.timestamp);
    for (const face of frame.faces) {
      const { id, score, sides } = parseFace(face, fail);
      rows.frames.push(frame.frame + 1);
      rows.ids.push(id);
      for (const side of sides) rows.boxes.push(side);
      rows.scores.push(score);
      rows.classes.push(-1);
      rows.lines.push(line);
    }
  }
  if (frames.length === 0) throw malformed({ file, line: 1 }, 'one line per frame', 'an empty file');
  return { rows: rows.build(), times: timesOf(frames.toArray(), timestamps.toArray()) };
}

/** The lines that are not blank, with their numbers from 1; without a byte order mark. */
function* filledLines(text: string): Generator<[line: number, source: string]> {
  for (let from = text.startsWith('\uFEFF') ? 1 : 0, line = 1; from < text.length; line++) {
    let end = text.indexOf('\n', from);
    if (end < 0) end = text.length;
    const source = text.slice(from, end);
    from = end + 1;
    if (source.trim() !== '') yield [line, source];
  }
}

/** Creates the error of the current line. */
type Fail = (expected: string, value: unknown, cause?: unknown) => FaceDetError;

function parseFrame(source: string, last: { frame: number; time: number } | null, fail: Fail) {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw fail('JSON', source, cause);
  }
  if (value === null || typeof value !== 'object') throw fail('{ "frame", "timestamp", "faces" }', value);
  const { frame, timestamp, faces } = value as { frame?: unknown; timestamp?: unknown; faces?: unknown };
  const firstFrame = last ? last.frame + 1 : 0;
  if (!Number.isInteger(frame) || (frame as number) < firstFrame)
    throw fail(`"frame" of at least ${firstFrame}`, frame);
  if ((frame as number) >= MAX_FRAMES) throw fail(`"frame" below ${MAX_FRAMES}`, frame);
  const isTime = typeof timestamp === 'number' && Math.abs(timestamp) <= MAX_SECONDS;
  if (!isTime || (last && !(timestamp > last.time)))
    throw fail(last ? `"timestamp" in seconds after ${last.time}` : '"timestamp" in seconds', timestamp);
  if (!Array.isArray(faces)) throw fail('a list of "faces"', faces);
  return { frame: frame as number, timestamp, faces: faces as unknown[] };
}

function parseFace(value: unknown, fail: Fail) {
  const face = value as { id?: unknown; box?: Record<string, unknown> | null; score?: unknown } | null;
  const { x, y, width, height } = face?.box ?? {};
  const sides = [x, y, width, height];
  if (typeof face?.id !== 'number' || !sides.every(isCoordinate)) {
    const expected = 'faces with "id" and "box" { x, y, width, height } (rows of --no-track have no ID)';
    throw fail(expected, face);
  }
  const score = typeof face.score === 'number' && Number.isFinite(face.score) ? face.score : 1;
  return { id: face.id, score, sides };
}

/** The timestamps of all frames up to the last: those of missing frames are spread evenly between their neighbors. */
function timesOf(frames: Float64Array, timestamps: Float64Array): Float64Array {
  const times = new Float64Array(frames.at(-1)! + 1);
  let next = 0;
  frames.forEach((frame, k) => {
    const timestamp = timestamps[k]!;
    // Before the first frame there is no neighbor: one second per frame.
    let time = k > 0 ? timestamps[k - 1]! : timestamp - frame;
    for (let missing = frame - next + 1; missing > 1; missing--) times[next++] = time += (timestamp - time) / missing;
    times[next++] = timestamp;
  });
  return times;
}
