// The WIDER FACE protocol over 3,226 prediction files: `facedet eval wider` (built) beside the plain Python version,
// whole processes, alternately. node apps/bench/run.mjs wider-protocol --predictions DIR [--python python3] [--rounds
// 5]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sharedFolder } from './shared/folder.ts';
import { median } from './shared/measure.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    predictions: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '5' },
  },
});
if (!options.predictions) {
  console.error('expected --predictions, the folder that wider/retinaface_mnet025_predictions.tar.gz unpacks to');
  process.exit(2);
}
const truth = sharedFolder('wider', 'ground_truth');
const programs: [string, string, string[]][] = [
  [
    'facedet',
    process.execPath,
    ['apps/cli/dist/main.js', 'eval', 'wider', '--predictions', options.predictions, '--ground-truth', truth, '--json'],
  ],
  [
    'python',
    options.python,
    [join(sharedFolder('peers'), 'wider_ap.py'), options.predictions, '--ground-truth', truth, '--json'],
  ],
];

/** Wall seconds and hard AP of one run. */
function once([name, program, args]: (typeof programs)[number]): { seconds: number; hard: number } {
  const begin = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1e8 });
  const seconds = (performance.now() - begin) / 1000;
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  return { seconds, hard: (JSON.parse(stdout) as { ap: { hard: number } }).ap.hard };
}

const times = programs.map(() => [] as number[]);
const hard: number[] = [];
for (let round = 0; round <= Number(options.rounds); round++) {
  programs.forEach((program, p) => {
    const result = once(program);
    hard[p] = result.hard;
    // The first round only warms the file cache.
    if (round > 0) times[p]!.push(result.seconds);
  });
}
const rows = programs.map(([name], p) => [
  name,
  median(times[p]!).toFixed(2),
  Math.min(...times[p]!).toFixed(2),
  Math.max(...times[p]!).toFixed(2),
  hard[p]!.toFixed(6),
]);
console.log(table(['3,226 images', 'median s', 'least', 'most', 'AP hard'], rows));
console.log(
  `\nratio of the medians ${(median(times[0]!) / median(times[1]!)).toFixed(3)}, of rounds ` +
    `${times[0]!.map((seconds, k) => (seconds / times[1]![k]!).toFixed(3)).join(' ')}`,
);
