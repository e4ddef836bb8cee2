// The default mode and the original's rows on the four validation halves of MOT17: node apps/bench/run.mjs mot17 [--json]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { combineMot, evaluateMot, parseMotRows, parseSequenceInfo, type MotFigures } from '@facedet/eval';
import { createTracker, type Detection, type Preset, type TrackerOptions } from '@facedet/tracker';
import { sharedFolder } from './shared/folder.ts';
import { table } from './shared/table.ts';

const SEQUENCES = { 'MOT17-02': 30, 'MOT17-05': 14, 'MOT17-09': 30, 'MOT17-11': 30 }; // the buffers of the original's rows
const MIN_AREA = 100;
const MAX_ASPECT_RATIO = 1.6;

const folder = sharedFolder('mot', 'MOT17-val');

/** The detections of the validation half, frames ⌊N/2⌋ + 2 … N. */
function validation(name: string): Detection[][] {
  const rows = readFileSync(join(folder, name, 'det.txt'), 'utf8').trim().split('\n').map((line) => line.split(',').map(Number)) as [number, number, number, number, number, number, number][];
  const last = rows.reduce((most, [frame]) => Math.max(most, frame), 0);
  const skip = Math.floor(last / 2) + 1;
  const frames: Detection[][] = Array.from({ length: last - skip }, () => []);
  for (const [frame, , x, y, width, height, score] of rows) if (frame > skip) frames[frame - skip - 1]!.push({ box: { x, y, width, height }, score });
  return frames;
}

/** MOT text of the tracks found in each frame, within the original's limits of area and shape. */
function track(frames: Detection[][], options: TrackerOptions): string {
  const tracker = createTracker(options);
  const lines: string[] = [];
  frames.forEach((detections, i) => {
    for (const { id, box, score, state, detection } of tracker.update(detections)) {
      if (state !== 'tracked' || !detection || box.width * box.height <= MIN_AREA || box.width / box.height > MAX_ASPECT_RATIO) continue;
      lines.push([i + 1, id, box.x.toFixed(2), box.y.toFixed(2), box.width.toFixed(2), box.height.toFixed(2), score, -1, -1, -1].join());
    }
  });
  return lines.join('\n');
}

function evaluate(rowsOf: (name: string, buffer: number) => string): MotFigures {
  return combineMot(Object.entries(SEQUENCES).map(([name, buffer]) => {
    const { length } = parseSequenceInfo(readFileSync(join(folder, name, 'seqinfo.ini'), 'utf8'), name);
    return evaluateMot({ truth: parseMotRows(readFileSync(join(folder, name, 'gt.txt'), 'utf8'), name), tracks: parseMotRows(rowsOf(name, buffer), name), length: length! });
  }));
}

const detections = new Map(Object.keys(SEQUENCES).map((name) => [name, validation(name)]));
const ours = (options: TrackerOptions) => evaluate((name, buffer) => track(detections.get(name)!, { maxLostSeconds: buffer / 30, ...options }));
// What the original's rows were made with.
const same: TrackerOptions = { scoreThreshold: 0.6, matchThreshold: 0.9 };
const presets: Preset[] = ['conservative', 'balanced', 'aggressive'];

const results: [string, MotFigures][] = [
  ["the original's rows", evaluate((name) => readFileSync(join(folder, name, 'bytetrack_python.txt'), 'utf8'))],
  ['compat, same options', ours({ ...same, compat: true })],
  ['default mode, same options', ours(same)],
  ...presets.map((preset): [string, MotFigures] => [`preset ${preset}`, evaluate((name) => track(detections.get(name)!, { preset }))]),
];

const columns = ['MOTA', 'IDF1', 'HOTA', 'IDSW', 'Frag', 'CLR_FP', 'CLR_FN', 'IDs'] as const;
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(Object.fromEntries(results.map(([name, figures]) => [name, Object.fromEntries(columns.map((column) => [column, figures[column]]))]))));
} else {
  console.log(table(['', ...columns], results.map(([name, figures]) => [name, ...columns.map((column) => (Number.isInteger(figures[column]) ? String(figures[column]) : figures[column].toFixed(4)))])));
}
