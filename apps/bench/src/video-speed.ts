// `facedet video` beside the usual Python loop and beside what the machine could do, on one looped video with the same
// weights. node apps/bench/run.mjs video-speed [--video VIDEO] [--models scrfd_500m.onnx,scrfd_2.5g.onnx] [--int8
// INT8.onnx] [--python PYTHON] [--loops 4] [--rounds 3] [--json] With --python (one that has what
// ../shared/peers/insightface_video.py names) the loop runs in turns with ours. The command must be built: pnpm build.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { iou, type Box } from '@facedet/core';
import { sharedFolder } from './shared/folder.ts';
import { looped } from './shared/looped.ts';
import { machine, median, percent } from './shared/measure.ts';
import { table } from './shared/table.ts';
import { timed } from './shared/timed.ts';
import { bareRun, frameCost, type FrameCost } from './shared/video-cost.ts';

const { values: options } = parseArgs({
  options: {
    video: { type: 'string' },
    models: { type: 'string' },
    int8: { type: 'string' },
    python: { type: 'string' },
    loops: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    session: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const source = options.video ?? sharedFolder('video', 'street_crowd.mp4');
const models =
  options.models?.split(',') ?? ['scrfd_500m.onnx', 'scrfd_2.5g.onnx'].map((name) => sharedFolder('models', name));
const [loops, rounds] = [Number(options.loops), Number(options.rounds)];
const CORES = availableParallelism();
const SIZE = 640;
const SCORE = 0.5;
const MIN_IOU = 0.7;
/** A round in which other work took more of the machine is taken again, as often as rounds were asked for. */
const MAX_OTHERS = 0.03;
const COMMAND = resolve('apps/cli/dist/main.js');

/** One run: frames per second without start-up, and seconds with it. */
interface Run {
  readonly fps: number;
  readonly wall: number;
  /** Milliseconds of CPU time per frame, start-up included. */
  readonly cpu: number;
  /** The part of the machine that other work took meanwhile. */
  readonly others: number;
}

function facedet(video: string, model: string, ...more: string[]): Run {
  const { stdout, wall, cpu, others } = timed(process.execPath, [
    COMMAND,
    'video',
    video,
    '-m',
    model,
    '--size',
    String(SIZE),
    '--score',
    String(SCORE),
    '--json',
    ...more,
  ]);
  const output = JSON.parse(stdout) as { totalFrames: number; avgFps: number };
  return { fps: output.avgFps, wall, cpu: (1000 * cpu) / output.totalFrames, others };
}

function python(video: string, model: string, ...more: string[]): Run {
  const { stdout, wall, cpu, others } = timed(options.python!, [
    sharedFolder('peers', 'insightface_video.py'),
    video,
    '--model',
    model,
    '--score',
    String(SCORE),
    ...more,
  ]);
  const output = JSON.parse(stdout) as { frames: number; fps: number };
  return { fps: output.fps, wall, cpu: (1000 * cpu) / output.frames, others };
}

interface Line {
  readonly frame: number;
  readonly box: Box;
  readonly score: number;
}

const linesOf = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** F1 of two lists of faces: pairs of one frame by falling overlap, each face once. */
function agreement(ours: readonly Line[], theirs: readonly Line[]): number {
  const byFrame = theirs.reduce(
    (map, line) => map.set(line.frame, [...(map.get(line.frame) ?? []), line]),
    new Map<number, Line[]>(),
  );
  let pairs = 0;
  for (const [frame, others] of byFrame) {
    const mine = ours.filter((line) => line.frame === frame);
    const all = mine
      .flatMap((a, i) => others.map((b, k) => ({ i, k, overlap: iou(a.box, b.box) })))
      .filter(({ overlap }) => overlap >= MIN_IOU)
      .sort((a, b) => b.overlap - a.overlap);
    const [left, right] = [new Set<number>(), new Set<number>()];
    for (const { i, k } of all) {
      if (left.has(i) || right.has(k)) continue;
      left.add(i);
      right.add(k);
      pairs++;
    }
  }
  return (2 * pairs) / (ours.length + theirs.length);
}

/** Ours and the Python loop's faces from the score of 0.5 up, in the video itself. */
function faces(model: string): { ours: number; theirs: number; f1: number; f1Raw: number } {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-bench-'));
  const read = (path: string) =>
    linesOf<{ frame: number; faces: Line[] }>(path).flatMap(({ frame, faces: list }) =>
      list.filter(({ score }) => score >= SCORE).map((face) => ({ ...face, frame })),
    );
  try {
    const [smooth, raw, peer] = ['smooth', 'raw', 'peer'].map((name) => join(folder, `${name}.jsonl`)) as [
      string,
      string,
      string,
    ];
    facedet(source, model, '--jsonl', smooth);
    facedet(source, model, '--jsonl', raw, '--no-smooth');
    python(source, model, '--out', peer);
    const [ours, unsmoothed, theirs] = [read(smooth), read(raw), linesOf<Line>(peer)];
    return {
      ours: ours.length,
      theirs: theirs.length,
      f1: agreement(ours, theirs),
      f1Raw: agreement(unsmoothed, theirs),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The bare run in as many processes at once as there are cores: the mean of their medians. */
async function sideBySide(model: string, width: number, height: number): Promise<number> {
  const times = await Promise.all(
    Array.from({ length: CORES }, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        process.argv[1]!,
        '--session',
        [model, width, height].join(),
      ]);
      return Number(stdout);
    }),
  );
  return times.reduce((a, b) => a + b, 0) / times.length;
}

interface Result {
  readonly model: string;
  readonly cost: FrameCost;
  readonly bound: number;
  readonly ours: Run;
  readonly python: Run | null;
  /** Of each round, ours to the Python loop with `baseline`'s weights. */
  readonly ratio: number | null;
  readonly ratios: readonly number[];
  readonly baseline: string;
  readonly agreement: ReturnType<typeof faces> | null;
  /** Rounds that count, and those taken again because other work disturbed them. */
  readonly rounds: number;
  readonly disturbed: number;
  readonly all: readonly { ours: Run; python: Run | null }[];
}

const middle = (runs: readonly Run[]): Run => {
  const of = (key: keyof Run) => median(runs.map((run) => run[key]));
  return { fps: of('fps'), wall: of('wall'), cpu: of('cpu'), others: Math.max(...runs.map((run) => run.others)) };
};

async function measure(video: string, model: string, baseline: string): Promise<Result> {
  const cost = await frameCost(video, model, SIZE, { rounds: 3, frames: 90, run: sideBySide });
  let pairs: { ours: Run; python: Run | null }[] = [];
  let tries = 0;
  const calm = () =>
    pairs.filter(({ ours, python: theirs }) => Math.max(ours.others, theirs?.others ?? 0) < MAX_OTHERS);
  while (calm().length < rounds && tries++ < 2 * rounds)
    pairs.push({ ours: facedet(video, model), python: options.python ? python(video, baseline) : null });
  const all = pairs;
  const disturbed = pairs.length - calm().length;
  if (calm().length > 0) pairs = calm();
  else
    console.error(
      `Other work took more than ${percent(MAX_OTHERS, 0)} of the machine in every round: these speeds say little.`,
    );
  const ratios = pairs.flatMap(({ ours, python: theirs }) => (theirs ? [ours.fps / theirs.fps] : []));
  return {
    model: basename(model),
    cost,
    bound: (1000 * CORES) / (cost.decode + cost.scale + cost.run),
    ours: middle(pairs.map((p) => p.ours)),
    python: options.python ? middle(pairs.map((p) => p.python!)) : null,
    ratio: ratios.length ? median(ratios) : null,
    ratios,
    baseline: basename(baseline),
    agreement: options.python ? faces(model) : null,
    rounds: pairs.length,
    disturbed,
    all,
  };
}

if (options.session) {
  const [model, width, height] = options.session.split(',') as [string, string, string];
  console.log(await bareRun(model, Number(width), Number(height)));
  process.exit(0);
}
if (!options.python)
  console.error('The Python loop is skipped: give --python one that has insightface, opencv-python and trackers.');
const video = await looped(source, loops);
const results: Result[] = [];
for (const model of models) results.push(await measure(video, model, model));
if (options.int8) results.push(await measure(video, options.int8, models.at(-1)!));
const host = machine();

if (options.json) {
  console.log(JSON.stringify({ machine: host, video: basename(source), loops, rounds, results }, null, 2));
} else {
  console.log(
    `${host.cpu}, ${CORES} cores, Node ${host.node}, load ${host.load.toFixed(1)}; ${basename(source)} ` +
      `${loops} times, --size ${SIZE}, medians\n`,
  );
  console.log(
    table(
      [
        '',
        'decode',
        'scale',
        'run',
        'bound fps',
        'fps',
        'of the bound',
        'CPU ms per frame',
        'wall s',
        'rounds',
        'disturbed',
        'others at most',
      ],
      results.map(({ model, cost, bound, ours, rounds: count, disturbed }) => [
        model,
        cost.decode.toFixed(1),
        cost.scale.toFixed(1),
        cost.run.toFixed(1),
        bound.toFixed(1),
        ours.fps.toFixed(1),
        percent(ours.fps / bound, 0),
        ours.cpu.toFixed(1),
        ours.wall.toFixed(1),
        String(count),
        String(disturbed),
        percent(ours.others),
      ]),
    ),
  );
  const compared = results.filter((r) => r.python);
  if (compared.length) {
    console.log();
    console.log(
      table(
        [
          '',
          'Python loop with',
          'its fps',
          'its CPU ms',
          'its wall s',
          'ours is faster',
          'from–to',
          'in CPU time',
          'F1 of faces',
          'unsmoothed',
        ],
        compared.map(({ model, baseline, python: p, ours, ratio, ratios, agreement: a }) => [
          model,
          baseline,
          p!.fps.toFixed(1),
          p!.cpu.toFixed(1),
          p!.wall.toFixed(1),
          `${ratio!.toFixed(2)} ×`,
          `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
          `${(p!.cpu / ours.cpu).toFixed(2)} ×`,
          a!.f1.toFixed(3),
          a!.f1Raw.toFixed(3),
        ]),
      ),
    );
  }
}
