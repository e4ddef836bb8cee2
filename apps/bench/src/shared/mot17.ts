// The four validation halves of MOT17 with ByteTrack's own detections, and how tracks of them are scored.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { combineMot, evaluateMot, parseMotRows, parseSequenceInfo, type MotMetrics } from '@facedet/eval/mot';
import { createTracker, type Detection, type TrackerOptions } from '@facedet/tracker';

/** Each sequence with the buffer of the original's rows, in frames. */
const SEQUENCES = { 'MOT17-02': 30, 'MOT17-05': 14, 'MOT17-09': 30, 'MOT17-11': 30 };
const MIN_AREA = 100;
const MAX_ASPECT_RATIO = 1.6;

/** The detections of the validation half, frames ⌊N/2⌋ + 2 … N. */
function validation(folder: string, name: string): Detection[][] {
  const rows = readFileSync(join(folder, name, 'det.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number)) as [number, number, number, number, number, number, number][];
  const last = rows.reduce((most, [frame]) => Math.max(most, frame), 0);
  const skip = Math.floor(last / 2) + 1;
  const frames: Detection[][] = Array.from({ length: last - skip }, () => []);
  for (const [frame, , x, y, width, height, score] of rows)
    if (frame > skip) frames[frame - skip - 1]!.push({ box: { x, y, width, height }, score });
  return frames;
}

/** MOT text of the tracks found in each frame, within the original's limits of area and shape. */
export function trackText(frames: Detection[][], options: TrackerOptions): string {
  const tracker = createTracker(options);
  const lines: string[] = [];
  frames.forEach((detections, i) => {
    for (const { id, box, score, state } of tracker.update(detections)) {
      if (state !== 'tracked' || box.width * box.height <= MIN_AREA || box.width / box.height > MAX_ASPECT_RATIO)
        continue;
      lines.push(
        [
          i + 1,
          id,
          box.x.toFixed(2),
          box.y.toFixed(2),
          box.width.toFixed(2),
          box.height.toFixed(2),
          score,
          -1,
          -1,
          -1,
        ].join(),
      );
    }
  });
  return lines.join('\n');
}

/** The figures of all four together, for the MOT text that `rowsOf` gives of each. */
export function evaluateMot17(
  folder: string,
  rowsOf: (name: string, buffer: number, detections: Detection[][]) => string,
): MotMetrics {
  return combineMot(
    Object.entries(SEQUENCES).map(([name, buffer]) => {
      const { length } = parseSequenceInfo(readFileSync(join(folder, name, 'seqinfo.ini'), 'utf8'), name);
      return evaluateMot({
        truth: parseMotRows(readFileSync(join(folder, name, 'gt.txt'), 'utf8'), name),
        tracks: parseMotRows(rowsOf(name, buffer, validation(folder, name)), name),
        length: length!,
      });
    }),
  );
}
