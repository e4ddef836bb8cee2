import { evaluateWider, recallBreakdown, type RecallGroup, type WiderEvaluation } from '@facedet/eval';
import type { Context } from '../shared/context.ts';
import { usageError } from '../shared/errors.ts';
import { round, table } from '../shared/output.ts';
import { readPredictions, readTruth, type TruthOptions } from './eval-wider-data.ts';

/** Options of `facedet eval wider`. */
export interface WiderOptions extends TruthOptions {
  predictions?: string;
  json?: true;
}

export async function run(context: Context, options: WiderOptions): Promise<void> {
  if (!options.predictions) throw usageError('expected --predictions (a submission folder)');
  const images = readTruth(options);
  const evaluation = evaluateWider(images, readPredictions(options.predictions, images));
  const figures = figuresOf(evaluation);
  await context.write(options.json ? `${JSON.stringify(figures, null, 2)}\n` : summary(context, evaluation));
}

/** Everything that `--json` shows of an evaluation. */
export function figuresOf(evaluation: WiderEvaluation) {
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

function summary(context: Context, evaluation: WiderEvaluation): string {
  const percent = (part: number, of: number) => (of ? round((100 * part) / of, 2) : null);
  const ap = table(['subset', 'faces', 'AP %'], Object.entries(evaluation.figures).map(([setting, { faces, ap: value }]) => [setting, faces, round(100 * value, 2)]), context.colors.bold);
  const { scoreThreshold, ...kinds } = recallBreakdown(evaluation);
  const rows = Object.entries(kinds).flatMap(([kind, groups]) => groups.map((group: RecallGroup) => [kind, group.label, group.faces, percent(group.found, group.faces), percent(group.foundAtThreshold, group.faces)]));
  return `${ap}\n${table(['recall by', '', 'faces', 'any score %', `score ≥ ${scoreThreshold} %`], rows, context.colors.bold)}`;
}
