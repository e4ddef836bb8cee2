import {
  evaluateWider,
  landmarkError,
  recallBreakdown,
  type LandmarkError,
  type ScoredBoxes,
  type WiderEvaluation,
  type WiderImage,
} from '@facedet/eval/wider';
import type { DegradedAp, WiderReport } from '../eval/wider-report.ts';
import { checkOutputs } from '../shared/check-outputs.ts';
import type { Context } from '../shared/context.ts';
import { CommandError, usageError } from '../shared/errors.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { round, table } from '../shared/output.ts';
import { readLandmarkLabels, readPredictions, readTruth, type TruthOptions } from './eval-wider-data.ts';
import type { Fingerprint } from './eval-wider-resume.ts';

/** Options of `facedet eval wider`. */
export interface WiderOptions extends TruthOptions, DetectorFlags {
  split: 'val' | 'train';
  predictions?: string;
  outputDir?: string;
  includeTrainingImages?: true;
  benchmark?: true;
  degrade?: true;
  json?: true;
}

type Fact = [name: string, value: string];

/** The evaluated predictions and their source. */
interface Outcome {
  images: WiderImage[];
  predictions: Map<string, ScoredBoxes>;
  facts: Fact[];
  title: string;
  degraded: DegradedAp[] | null;
  speed: SpeedTable | null;
  /** Additional fields of the JSON output. */
  extra: object;
}

type SpeedTable = NonNullable<WiderReport['speed']> & { results: unknown };

export async function run(context: Context, options: WiderOptions): Promise<void> {
  checkUsage(options);
  const truth = await readTruth(options);
  if (!options.groundTruth)
    context.log(
      'facedet: no --ground-truth, so no easy, medium and hard: AP over all faces that are not marked invalid',
    );
  const outcome = options.predictions
    ? readOutcome(options.predictions, truth)
    : await detectOutcome(context, options, truth);
  const evaluation = evaluateWider(outcome.images, outcome.predictions);
  const { title, degraded, speed, extra } = outcome;
  const output = {
    ...outputOf(evaluation),
    ...extra,
    ...(degraded && { degraded }),
    ...(speed && { speed: speed.results }),
  };
  if (options.outputDir) {
    const { writeReport } = await import('./eval-wider-report.ts');
    const pictures = options.dataRoot ? { dataRoot: options.dataRoot, split: options.split } : null;
    const facts = [...outcome.facts, ...factsOf(evaluation)];
    await writeReport(options.outputDir, { title, facts, evaluation, output, pictures, degraded, speed });
  }
  if (options.json) return context.write(`${JSON.stringify(output, null, 2)}\n`);
  await context.write(summary(context, evaluation, degraded, speed));
}

function checkUsage({ dataRoot, predictions, outputDir, degrade, benchmark, model }: WiderOptions): void {
  if (!predictions && !dataRoot) {
    const options =
      '--data-root (to run the detector over its pictures) or --predictions (to score a submission folder)';
    throw usageError(`expected ${options} but received neither`);
  }
  if (predictions && (degrade || benchmark || model)) {
    const option = degrade ? '--degrade' : benchmark ? '--benchmark' : '--model';
    throw usageError(
      `expected --predictions alone but received ${option}, which runs the detector; remove one of them`,
    );
  }
  if (predictions && outputDir === predictions)
    throw usageError('expected another folder than --predictions for --output-dir but received the same');
  if (outputDir !== undefined) checkOutputs([{ path: outputDir, isFolder: true }], []);
}

/** Existing predictions. */
function readOutcome(folder: string, images: WiderImage[]): Outcome {
  return {
    images,
    predictions: readPredictions(folder, images),
    facts: [['Predictions', folder]],
    title: 'WIDER FACE: existing predictions',
    degraded: null,
    speed: null,
    extra: {},
  };
}

/** Predictions of the detector. */
async function detectOutcome(context: Context, options: WiderOptions, truth: WiderImage[]): Promise<Outcome> {
  const { detectAll, withoutTrainingImages } = await import('./eval-wider-detect.ts');
  const { claimFolder, fingerprintOf } = await import('./eval-wider-resume.ts');
  const { resolveModelFlag } = await import('../shared/resolve-model.ts');
  const model = await resolveModelFlag(context, options);
  const pictures = { dataRoot: options.dataRoot!, split: options.split };
  const images = await withoutTrainingImages(context, truth, model, options.includeTrainingImages === true);
  if (images.length === 0) {
    const message = 'expected images that the model was not trained on but received none';
    throw new CommandError('NO_INPUT', message, { input: options.dataRoot! });
  }
  const fingerprint = fingerprintOf(options, model);
  if (options.outputDir) claimFolder(options.outputDir, fingerprint, images);
  const labels = readLandmarkLabels(options.dataRoot!, options.split);
  const detectionRun = { context, images, pictures, flags: options, model, folder: options.outputDir };
  const { predictions, faces } = await detectAll(detectionRun, new Set(labels.keys()));
  const landmarks = landmarkError(labels, faces);
  const excluded = truth.length - images.length;
  const degraded = options.degrade
    ? await (await import('./eval-wider-degrade.ts')).evaluateDegraded(detectionRun)
    : null;
  return {
    images,
    predictions,
    title: `WIDER FACE: ${model.name}`,
    facts: runFacts(fingerprint, landmarks, excluded),
    degraded,
    speed: options.benchmark ? await speedTable(context, options) : null,
    extra: {
      ...fingerprint,
      trainingImagesLeftOut: excluded,
      ...(landmarks.faces > 0 && { landmarks }),
    },
  };
}

/** Model, settings, landmark error and excluded images. */
function runFacts({ model, sha256, settings }: Fingerprint, landmarks: LandmarkError, excluded: number): Fact[] {
  const { preset, sizes, largeFaces, rotate, scoreThreshold, iouThreshold, tiles, clahe } = settings;
  const passes = sizes.map((size) => JSON.stringify(size)).join(' and ');
  const parts = [
    preset,
    `${passes}${largeFaces.length ? ' and small ones for large faces' : ''}`,
    `rotate ${String(rotate)}`,
    `score ${scoreThreshold}`,
    `NMS ${iouThreshold}`,
    ...(tiles ? ['tiles'] : []),
    ...(clahe ? ['CLAHE'] : []),
  ];
  const facts: Fact[] = [
    ['Model', `${model} (SHA-256 ${sha256})`],
    ['Settings', parts.join(', ')],
  ];
  if (landmarks.mean !== null) {
    const error = (100 * landmarks.mean).toFixed(2);
    facts.push(['Landmarks', `mean error ${error} % of the face's size, over ${landmarks.faces} faces`]);
  }
  if (excluded) facts.push(['Excluded', `${excluded} images that the model was trained on`]);
  return facts;
}

/** The results of `facedet bench` for this model. */
async function speedTable(context: Context, options: WiderOptions): Promise<SpeedTable> {
  const bench = await import('./bench.ts');
  let text = '';
  const flags = {
    sizes: [320, 480, 640, 960],
    runs: 30,
    json: true,
    ...(options.threads !== undefined && { threads: options.threads }),
    ...(options.provider && { provider: options.provider }),
    ...(options.acceptLicense && { acceptLicense: true }),
  };
  await bench.run({ ...context, write: async (data) => void (text += String(data)) }, flags, options.model);
  const results = JSON.parse(text) as BenchResults;
  const columns = ['median', 'p95', 'fps', 'pre', 'run', 'post'] as const;
  return {
    header: [
      `input size (${results.machine.cpu}, ${results.threads} threads)`,
      ...columns.map((column) => (column === 'fps' ? 'FPS' : `${column} ms`)),
    ],
    rows: results.results.map((row) => [
      `${row.size} × ${row.size}`,
      ...columns.map((column) => row[column].toFixed(2)),
    ]),
    results,
  };
}

/** The output of `facedet bench --json`. */
interface BenchResults {
  threads: number;
  machine: { cpu: string };
  results: { size: number; median: number; p95: number; fps: number; pre: number; run: number; post: number }[];
}

function factsOf({ images, perImage }: WiderEvaluation): Fact[] {
  const missing = perImage.filter(({ predictions }) => !predictions).length;
  const note = missing ? `, ${missing} without predictions (their faces count as missed)` : '';
  return [
    ['Images', `${images.toLocaleString('en')}${note}`],
    ['Date', new Date().toISOString().slice(0, 16).replace('T', ' ')],
  ];
}

/** The part of the JSON output that an evaluation decides. */
function outputOf(evaluation: WiderEvaluation) {
  const { metrics, perImage } = evaluation;
  const each = <T>(value: (subset: (typeof metrics)['all']) => T) =>
    Object.fromEntries(Object.entries(metrics).map(([name, subset]) => [name, value(subset)]));
  return {
    images: evaluation.images,
    ap: each(({ ap }) => ap),
    faces: each(({ faces }) => faces),
    imagesWithoutPredictions: perImage.filter(({ predictions }) => !predictions).length,
    recall: recallBreakdown(evaluation),
  };
}

function summary(
  context: Context,
  evaluation: WiderEvaluation,
  degraded: DegradedAp[] | null,
  speed: SpeedTable | null,
): string {
  const { bold } = context.colors;
  const percent = (count: number, of: number) => (of ? round((100 * count) / of, 2) : null);
  const apRows = Object.entries(evaluation.metrics).map(([name, { faces, ap }]) => [name, faces, round(100 * ap, 2)]);
  const { scoreThreshold, ...kinds } = recallBreakdown(evaluation);
  const recallRows = Object.entries(kinds).flatMap(([kind, groups]) =>
    groups.map(({ label, faces, found, foundAtThreshold }) => [
      kind,
      label,
      faces,
      percent(found, faces),
      percent(foundAtThreshold, faces),
    ]),
  );
  const recallHeader = ['recall by', '', 'faces', 'any score %', `score ≥ ${scoreThreshold} %`];
  const tables = [table(['subset', 'faces', 'AP %'], apRows, bold), table(recallHeader, recallRows, bold)];
  if (degraded) {
    const subsets = Object.keys(degraded[0]!.ap);
    const header = ['images', ...subsets, ...subsets.map((subset) => `${subset} CLAHE`)];
    const rows = degraded.map(({ condition, ap, clahe }) => [
      condition,
      ...subsets.map((subset) => round(100 * ap[subset]!, 2)),
      ...subsets.map((subset) => round(100 * clahe[subset]!, 2)),
    ]);
    tables.push(table(header, rows, bold));
  }
  if (speed) tables.push(table(speed.header, speed.rows, bold));
  return `${evaluation.images} images\n${tables.join('\n')}`;
}
