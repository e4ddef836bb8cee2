import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  evaluateDetections,
  imageFinder,
  parseCocoResults,
  parseCocoTruth,
  parseVoc,
  parseWiderAnnotations,
  parseWiderPredictions,
  parseYolo,
  scoredBoxes,
  type CocoImage,
  type DetectionFigures,
  type ScoredBoxes,
  type TruthImage,
} from '@facedet/eval';
import type { Face } from '@facedet/core';
import type { Context } from '../shared/context.ts';
import { CommandError } from '../shared/errors.ts';
import { round, table } from '../shared/output.ts';

interface Options {
  groundTruth: string;
  predictions: string;
  label?: string;
  score: number;
  maxDetections: number;
  json?: true;
}

/** An element of `facedet detect`'s output. */
interface Detected {
  source: string;
  width?: number;
  height?: number;
  faces?: Face[];
}

export async function run(context: Context, options: Options): Promise<void> {
  const detected = readDetected(options.predictions);
  const truth = readTruth(options, detected);
  const predictions = predictionsOf(context, options.predictions, detected, truth);
  const figures = evaluateDetections(truth, predictions, { scoreThreshold: options.score, maxDetections: options.maxDetections });
  if (options.json) return context.write(`${JSON.stringify({ ...figures, imagesWithoutPredictions: truth.length - predictions.size }, null, 2)}\n`);
  await context.write(overview(context, figures));
}

/** The output of `facedet detect`, or null for another kind of predictions. */
function readDetected(path: string): Detected[] | null {
  if (statSync(path).isDirectory()) return null;
  // A byte order mark, as Windows' Notepad writes it, is no JSON.
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  const entries = text.trimStart().startsWith('{') ? text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parse(line, path, i + 1)])) : (parse(text, path, 1) as unknown);
  if (!Array.isArray(entries)) throw new CommandError('MALFORMED_FILE', 'expected the output of `facedet detect --json` or --jsonl, or COCO results', { input: path });
  if (!entries.every((entry) => typeof (entry as Detected | null)?.source === 'string')) return null;
  entries.forEach((entry, i) => checkFaces(entry as Detected, i, path));
  return entries as Detected[];
}

/** Faces of a file are checked here, so that an error names the file and the entry. */
function checkFaces({ faces }: Detected, entry: number, path: string): void {
  if (faces === undefined) return;
  const isNumber = (value: unknown) => typeof value === 'number' && Math.abs(value) <= 1e9;
  const isFace = (face: Face | null) => isNumber(face?.score) && [face?.box?.x, face?.box?.y, face?.box?.width, face?.box?.height].every(isNumber);
  const wrong = Array.isArray(faces) ? faces.findIndex((face) => !isFace(face)) : -1;
  if (Array.isArray(faces) && wrong < 0) return;
  const place = wrong < 0 ? `[${entry}].faces` : `[${entry}].faces[${wrong}]`;
  throw new CommandError('MALFORMED_FILE', `expected ${wrong < 0 ? 'a list' : 'a "box" { x, y, width, height } and a "score"'} in ${place} but received something else`, { input: path });
}

function parse(text: string, path: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError('MALFORMED_FILE', `line ${line}: expected JSON, ${(cause as Error).message}`, { input: path, cause });
  }
}

function readTruth({ groundTruth: path, label }: Options, detected: Detected[] | null): (TruthImage | CocoImage)[] {
  const labels = label === undefined ? {} : { label };
  if (!statSync(path).isDirectory()) {
    if (path.endsWith('.json')) return parseCocoTruth(readFileSync(path, 'utf8'), path, labels);
    return parseWiderAnnotations(readFileSync(path), path).map(({ name, boxes, attributes }) => ({ name, boxes, ignored: attributes.filter((_, k) => k % 6 === 3) }));
  }
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  const voc = files.filter((file) => file.endsWith('.xml'));
  if (voc.length > 0) return voc.map((file) => named(parseVoc(readFileSync(join(path, file), 'utf8'), join(path, file), labels), path));
  const yolo = files.filter((file) => file.endsWith('.txt') && !/(^|[/\\])(classes|labels|readme)\.txt$/i.test(file));
  if (yolo.length === 0) throw new CommandError('NO_INPUT', 'expected a folder of VOC .xml or YOLO .txt files, found neither', { input: path });
  if (!detected) throw new CommandError('INVALID_ARGUMENT', 'expected predictions of `facedet detect --json` with YOLO labels, which tell no sizes of the images', { input: path });
  const find = imageFinder(detected.map((entry) => ({ name: entry.source.replace(/\.[^.]+$/, ''), entry })));
  return yolo.map((file) => {
    const size = find(file)?.entry;
    if (!size?.width || !size.height) throw new CommandError('MISMATCHED_FILES', 'expected the image of these labels among the predictions, which tell its size', { input: join(path, file) });
    return named(parseYolo(readFileSync(join(path, file)), join(path, file), { width: size.width, height: size.height }, labels), path);
  });
}

/** Names an image by its path inside the labels' folder. */
function named(image: TruthImage, folder: string): TruthImage {
  return { ...image, name: relative(folder, image.name).replaceAll('\\', '/') };
}

function predictionsOf(context: Context, path: string, detected: Detected[] | null, truth: (TruthImage | CocoImage)[]): Map<string, ScoredBoxes> {
  if (detected) {
    const find = imageFinder(truth);
    const predictions = new Map<string, ScoredBoxes>();
    let strangers = 0;
    for (const { source, faces } of detected) {
      const image = find(source);
      if (!image) strangers++;
      else if (faces) predictions.set(image.name, scoredBoxes(faces));
    }
    if (predictions.size === 0) throw new CommandError('MISMATCHED_FILES', `expected predictions for images of the ground truth (like ${truth[0]?.name ?? 'none'}), found none`, { input: path });
    if (strangers > 0) context.log(`facedet: ${strangers} of ${detected.length} images of ${path} are not in the ground truth and don't count`);
    return predictions;
  }
  if (!statSync(path).isDirectory()) return parseCocoResults(readFileSync(path, 'utf8'), path, truth as CocoImage[]);
  const files = truth.map(({ name }) => ({ name, file: join(path, `${name}.txt`) })).filter(({ file }) => existsSync(file));
  if (files.length === 0) throw new CommandError('MISMATCHED_FILES', `expected files like ${truth[0]?.name ?? 'EVENT/NAME'}.txt, found none`, { input: path });
  return new Map(files.map(({ name, file }) => [name, parseWiderPredictions(readFileSync(file), file)]));
}

function overview(context: Context, figures: DetectionFigures): string {
  const { atThreshold, images, faces, maxDetections, ...metrics } = figures;
  const percent = (value: number | null) => (value === null ? null : round(100 * value, 2));
  const rows = Object.entries(metrics).map(([name, value]) => [name === 'ARmax' ? `AR${maxDetections}` : name, percent(value)]);
  const { scoreThreshold, precision, recall, f1, truePositives, falsePositives, falseNegatives } = atThreshold;
  const at = table(['at score', 'precision %', 'recall %', 'F1 %', 'found', 'false', 'missed'], [[scoreThreshold, percent(precision), percent(recall), percent(f1), truePositives, falsePositives, falseNegatives]], context.colors.bold);
  return `${images} images, ${faces} faces\n${table(['metric', '%'], rows, context.colors.bold)}\n${at}`;
}
