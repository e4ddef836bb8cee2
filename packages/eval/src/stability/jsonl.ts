import { received } from '@facedet/checks';
import { checkIdentities, type TrackRows } from '../mot/rows.ts';
import { NumberList } from '../number-list.ts';
import { isCoordinate, MAX_FRAMES } from '../text/limits.ts';
import { malformed } from '../text/malformed.ts';

/** Tracks of a video with the time of each of its frames. */
export interface TimedTracks {
  readonly rows: TrackRows;
  /** Seconds of each frame, also of empty ones; frame `n` of the rows is entry `n − 1`. */
  readonly times: Float64Array;
}

interface Line {
  frame?: unknown;
  timestamp?: unknown;
  faces?: unknown;
}

interface FaceOfLine {
  id?: unknown;
  box?: Record<string, unknown> | null;
  score?: unknown;
}

/**
 * Reads the JSON Lines of `facedet video`: `{ "frame", "timestamp", "faces": [{ "id", "box", "score" }] }`, one line
 * per frame. Frames that are left out are empty ones, at times between those around them; at most 20,000,000 frames.
 *
 * @throws FaceDetError `MALFORMED_FILE` with the line: not JSON, frames or times that do not increase, a frame number
 * out of range, a face without box or identity.
 */
export function parseTrackJsonl(text: string, file: string): TimedTracks {
  const list = (): NumberList => new NumberList('faces');
  const [frames, ids, boxes, scores, lines] = [list(), list(), list(), list(), list()];
  const stated = { frame: new NumberList('frames'), timestamp: new NumberList('frames') };
  let lastFrame = -1;
  let lastTime = -Infinity;
  for (let from = text.startsWith('\uFEFF') ? 1 : 0, line = 1; from < text.length; line++) {
    let end = text.indexOf('\n', from);
    if (end < 0) end = text.length;
    const source = text.slice(from, end);
    from = end + 1;
    if (source.trim() === '') continue;
    const { frame, timestamp, faces } = parseLine(source, file, line);
    const shown = (value: unknown): string => (value === undefined ? 'nothing' : received(value));
    if (!Number.isInteger(frame) || (frame as number) <= lastFrame)
      throw malformed(file, line, `"frame" of at least ${lastFrame + 1}`, shown(frame));
    if ((frame as number) >= MAX_FRAMES) throw malformed(file, line, `"frame" below ${MAX_FRAMES}`, shown(frame));
    if (typeof timestamp !== 'number' || !(timestamp > lastTime) || !(Math.abs(timestamp) <= MAX_SECONDS)) {
      throw malformed(
        file,
        line,
        `"timestamp" in seconds after ${lastFrame < 0 ? 'nothing' : lastTime}`,
        shown(timestamp),
      );
    }
    if (!Array.isArray(faces)) throw malformed(file, line, 'a list of "faces"', shown(faces));
    lastFrame = frame as number;
    lastTime = timestamp;
    stated.frame.push(lastFrame);
    stated.timestamp.push(timestamp);
    for (const face of faces as (FaceOfLine | null)[]) {
      const { x, y, width, height } = face?.box ?? {};
      if (typeof face?.id !== 'number' || ![x, y, width, height].every(isCoordinate)) {
        throw malformed(
          file,
          line,
          'faces with "id" and "box" { x, y, width, height } (rows of --no-track have no identity)',
          shown(face),
        );
      }
      frames.push(lastFrame + 1);
      ids.push(face.id);
      for (const side of [x, y, width, height]) boxes.push(side as number);
      scores.push(typeof face.score === 'number' && Number.isFinite(face.score) ? face.score : 1);
      lines.push(line);
    }
  }
  if (lastFrame < 0) throw malformed(file, 1, 'a line for every frame', 'an empty file');
  const rows: TrackRows = {
    file,
    frames: Int32Array.from(frames.toArray()),
    ids: ids.toArray().slice(),
    boxes: boxes.toArray().slice(),
    scores: scores.toArray().slice(),
    classes: new Int32Array(frames.length).fill(-1),
    lines: Int32Array.from(lines.toArray()),
  };
  checkIdentities(rows);
  return { rows, times: allTimes(stated.frame.toArray(), stated.timestamp.toArray()) };
}

/** Three thousand years: seconds that are milliseconds pass, those that are nothing of the kind do not. */
const MAX_SECONDS = 1e11;

/** The time of every frame up to the last: those that are left out lie evenly between the ones around them. */
function allTimes(frames: Float64Array, timestamps: Float64Array): Float64Array {
  const times = new Float64Array(frames.at(-1)! + 1);
  let next = 0;
  frames.forEach((frame, k) => {
    const timestamp = timestamps[k]!;
    // Before the first there is nothing to lie between: a second per frame.
    let time = k > 0 ? timestamps[k - 1]! : timestamp - frame;
    for (let missing = frame - next + 1; missing > 1; missing--) times[next++] = time += (timestamp - time) / missing;
    times[next++] = timestamp;
  });
  return times;
}

function parseLine(source: string, file: string, line: number): Line {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw malformed(file, line, 'JSON', received(source), cause);
  }
  if (value === null || typeof value !== 'object')
    throw malformed(file, line, '{ "frame", "timestamp", "faces" }', received(value));
  return value;
}
