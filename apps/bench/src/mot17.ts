// The default mode and the original's rows on the four validation halves of MOT17: node apps/bench/run.mjs mot17
// [--json]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MotMetrics } from '@facedet/eval/mot';
import type { TrackerPreset, TrackerOptions } from '@facedet/tracker';
import { sharedFolder } from './shared/folder.ts';
import { evaluateMot17, trackText } from './shared/mot17.ts';
import { table } from './shared/table.ts';

const folder = sharedFolder('mot', 'MOT17-val');
const ours = (options: TrackerOptions, ownBuffer = true) =>
  evaluateMot17(folder, (_name, buffer, detections) =>
    trackText(detections, { ...(ownBuffer && { maxLostSeconds: buffer / 30 }), ...options }),
  );
// What the original's rows were made with.
const same: TrackerOptions = { highScoreThreshold: 0.6, matchThreshold: 0.9 };
const presets: TrackerPreset[] = ['conservative', 'balanced', 'aggressive'];

const results: [string, MotMetrics][] = [
  [
    "the original's rows",
    evaluateMot17(folder, (name) => readFileSync(join(folder, name, 'bytetrack_python.txt'), 'utf8')),
  ],
  ['compat, same options', ours({ ...same, compat: true })],
  ['default mode, same options', ours(same)],
  ['facedet track without options', ours({ highScoreThreshold: 0.6 }, false)],
  ...presets.map((preset): [string, MotMetrics] => [`preset ${preset}`, ours({ preset }, false)]),
];

const columns = ['MOTA', 'IDF1', 'HOTA', 'IDSW', 'Frag', 'CLR_FP', 'CLR_FN', 'IDs'] as const;
if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify(
      Object.fromEntries(
        results.map(([name, figures]) => [
          name,
          Object.fromEntries(columns.map((column) => [column, figures[column]])),
        ]),
      ),
    ),
  );
} else {
  console.log(
    table(
      ['', ...columns],
      results.map(([name, figures]) => [
        name,
        ...columns.map((column) =>
          Number.isInteger(figures[column]) ? String(figures[column]) : figures[column].toFixed(4),
        ),
      ]),
    ),
  );
}
