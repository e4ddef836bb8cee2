import { evaluateWider, landmarkError, recallBreakdown, type DegradedFigures, type RecallGroup, type ScoredBoxes, type WiderEvaluation, type WiderImage, type WiderReport } from '@facedet/eval';
import { checkOutputs } from '../shared/check-outputs.ts';
import type { Context } from '../shared/context.ts';
import { CommandError, usageError } from '../shared/errors.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { round, table } from '../shared/output.ts';
import { readLandmarkLabels, readPredictions, readTruth, type TruthOptions } from './eval-wider-data.ts';

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

/** What was evaluated, and how. */
interface Outcome {
  images: WiderImage[];
  predictions: Map<string, ScoredBoxes>;
  facts: [string, string][];
  title: string;
  degraded: DegradedFigures[] | null;
  speed: SpeedTable | null;
  extra: object;
}

type SpeedTable = NonNullable<WiderReport['speed']> & { figures: unknown };

export async function run(context: Context, options: WiderOptions): Promise<void> {
  checkUsage(options);
  const truth = await readTruth(options);
  if (!options.groundTruth) context.log("facedet: no --ground-truth, so no easy, medium and hard: AP over all faces that are not marked invalid");
  const outcome = options.predictions ? scored(options.predictions, truth) : await detected(context, options, truth);
  const evaluation = evaluateWider(outcome.images, outcome.predictions);
  const { degraded, speed } = outcome;
  const figures = { ...figuresOf(evaluation), ...outcome.extra, ...(degraded && { degraded }), ...(speed && { speed: speed.figures }) };
  if (options.outputDir) {
    const { writeReport } = await import('./eval-wider-report.ts');
    const pictures = options.dataRoot ? { dataRoot: options.dataRoot, split: options.split } : null;
    await writeReport(options.outputDir, { title: outcome.title, facts: [...outcome.facts, ...factsOf(evaluation)], evaluation, figures, pictures, degraded, speed });
  }
  if (options.json) return context.write(`${JSON.stringify(figures, null, 2)}\n`);
  await context.write(summary(context, evaluation, degraded, speed));
}

function checkUsage({ dataRoot, predictions, outputDir, degrade, benchmark, model }: WiderOptions): void {
  if (!predictions && !dataRoot) throw usageError('expected --data-root (run the detector over its pictures) or --predictions (score the files of a submission folder)');
  if (predictions && (degrade || benchmark || model)) throw usageError(`expected no ${degrade ? '--degrade' : benchmark ? '--benchmark' : '--model'} beside --predictions: nothing is detected`);
  if (predictions && outputDir === predictions) throw usageError('expected --output-dir to be another folder than --predictions');
  if (outputDir !== undefined) checkOutputs([{ path: outputDir, isFolder: true }], []);
}

/** Predictions that somebody has made. */
function scored(folder: string, images: WiderImage[]): Outcome {
  return { images, predictions: readPredictions(folder, images), facts: [['Predictions', folder]], title: 'WIDER FACE: given predictions', degraded: null, speed: null, extra: {} };
}

/** Predictions that the detector makes now. */
async function detected(context: Context, options: WiderOptions, truth: WiderImage[]): Promise<Outcome> {
  const detect = await import('./eval-wider-detect.ts');
  const { resolveModelFlag } = await import('../shared/resolve-model.ts');
  const model = await resolveModelFlag(context, options);
  const pictures = { dataRoot: options.dataRoot!, split: options.split };
  const images = await detect.withoutTrainingImages(context, truth, model, options.includeTrainingImages === true);
  if (images.length === 0) throw new CommandError('NO_INPUT', 'expected images that the model has not seen in training; none is left', { input: options.dataRoot! });
  const fingerprint = detect.fingerprintOf(options, model);
  if (options.outputDir) detect.claimFolder(options.outputDir, fingerprint, images);
  const labels = readLandmarkLabels(options.dataRoot!, options.split);
  const { predictions, faces } = await detect.detectAll(context, images, pictures, options, model, options.outputDir, new Set(labels.keys()));
  const landmarks = landmarkError(labels, faces);
  const degraded = options.degrade ? await (await import('./eval-wider-degrade.ts')).evaluateDegraded(context, images, pictures, options, model, options.outputDir) : null;
  const speed = options.benchmark ? await speedTable(context, options) : null;
  const { preset, sizes, largeFaces, rotate, scoreThreshold, iouThreshold, tiles, clahe } = fingerprint.settings;
  const leftOut = truth.length - images.length;
  return {
    images,
    predictions,
    title: `WIDER FACE: ${model.name}`,
    facts: [
      ['Model', `${model.name} (SHA-256 ${model.sha256})`],
      ['Settings', `${preset}, ${sizes.map((size) => JSON.stringify(size)).join(' and ')}${largeFaces.length ? ' and small ones for large faces' : ''}, rotate ${String(rotate)}, score ${scoreThreshold}, NMS ${iouThreshold}${tiles ? ', tiles' : ''}${clahe ? ', CLAHE' : ''}`],
      ...(landmarks.mean === null ? [] : [['Landmarks', `off by ${(100 * landmarks.mean).toFixed(2)} % of the face's size, mean of ${landmarks.faces} faces`] as [string, string]]),
      ...(leftOut ? [['Left out', `${leftOut} images that the model has seen in training`] as [string, string]] : []),
    ],
    degraded,
    speed,
    extra: { model: model.name, sha256: model.sha256, settings: fingerprint.settings, trainingImagesLeftOut: leftOut, ...(landmarks.faces > 0 && { landmarks }) },
  };
}

/** The speed table of `facedet bench`, for this model. */
async function speedTable(context: Context, options: WiderOptions): Promise<SpeedTable> {
  const bench = await import('./bench.ts');
  let text = '';
  const flags = { sizes: [320, 480, 640, 960], runs: 30, json: true, ...(options.threads !== undefined && { threads: options.threads }), ...(options.provider && { provider: options.provider }), ...(options.acceptLicense && { acceptLicense: true }) };
  await bench.run({ ...context, write: async (data) => void (text += String(data)) }, flags, options.model);
  const figures = JSON.parse(text) as { threads: number; machine: { cpu: string }; results: { size: number; median: number; p95: number; fps: number; pre: number; run: number; post: number }[] };
  const header = [`canvas (${figures.machine.cpu}, ${figures.threads} threads)`, 'median ms', 'p95 ms', 'FPS', 'pre ms', 'run ms', 'post ms'];
  return { header, rows: figures.results.map(({ size, median, p95, fps, pre, run: inference, post }) => [`${size} × ${size}`, ...[median, p95, fps, pre, inference, post].map((value) => value.toFixed(2))]), figures };
}

function factsOf({ images, perImage }: WiderEvaluation): [string, string][] {
  const missing = perImage.filter(({ predictions }) => !predictions).length;
  return [
    ['Images', `${images.toLocaleString('en')}${missing ? `, ${missing} without predictions (their faces count as missed)` : ''}`],
    ['Date', new Date().toISOString().slice(0, 16).replace('T', ' ')],
  ];
}

/** Everything that `--json` shows of an evaluation. */
function figuresOf(evaluation: WiderEvaluation) {
  const { figures, perImage } = evaluation;
  const each = <T>(value: (part: (typeof figures)['all']) => T) => Object.fromEntries(Object.entries(figures).map(([setting, part]) => [setting, value(part)]));
  return {
    images: evaluation.images,
    ap: each(({ ap }) => ap),
    faces: each(({ faces }) => faces),
    imagesWithoutPredictions: perImage.filter(({ predictions }) => !predictions).length,
    recall: recallBreakdown(evaluation),
  };
}

function summary(context: Context, evaluation: WiderEvaluation, degraded: DegradedFigures[] | null, speed: SpeedTable | null): string {
  const { bold } = context.colors;
  const percent = (part: number, of: number) => (of ? round((100 * part) / of, 2) : null);
  const ap = table(['subset', 'faces', 'AP %'], Object.entries(evaluation.figures).map(([setting, { faces, ap: value }]) => [setting, faces, round(100 * value, 2)]), bold);
  const { scoreThreshold, ...kinds } = recallBreakdown(evaluation);
  const rows = Object.entries(kinds).flatMap(([kind, groups]) => groups.map((group: RecallGroup) => [kind, group.label, group.faces, percent(group.found, group.faces), percent(group.foundAtThreshold, group.faces)]));
  const parts = [ap, table(['recall by', '', 'faces', 'any score %', `score ≥ ${scoreThreshold} %`], rows, bold)];
  if (degraded) {
    const subsets = Object.keys(degraded[0]!.ap);
    parts.push(table(['images', ...subsets, ...subsets.map((subset) => `${subset} CLAHE`)], degraded.map(({ condition, ap: plain, clahe }) => [condition, ...subsets.map((subset) => round(100 * plain[subset]!, 2)), ...subsets.map((subset) => round(100 * clahe[subset]!, 2))]), bold));
  }
  if (speed) parts.push(table(speed.header, speed.rows, bold));
  return `${evaluation.images} images\n${parts.join('\n')}`;
}
