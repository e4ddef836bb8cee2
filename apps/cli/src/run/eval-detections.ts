import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Face } from '@facedet/core';
import {
  createImageFinder,
  evaluateDetections,
  parseCocoResults,
  parseCocoTruth,
  parseVoc,
  parseYolo,
  scoredBoxes,
  type CocoImage,
  type DetectionMetrics,
  type LabelOptions,
  type ScoredBoxes,
  type LabeledImage,
} from '@facedet/eval/detection';
import { parseWiderAnnotations, parseWiderPredictions, widerAttributes } from '@facedet/eval/wider';
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

/** An image in the output of `facedet detect`. */
interface DetectOutput {
  source: string;
  width?: number;
  height?: number;
  faces?: Face[];
}

type Truth = (LabeledImage | CocoImage)[];

export async function run(context: Context, options: Options): Promise<void> {
  const { score: scoreThreshold, maxDetections } = options;
  const detected = readDetectOutput(options.predictions);
  const truth = readTruth(options, detected);
  const predictions = detected
    ? matchDetectOutput(context, options.predictions, detected, truth)
    : readPredictions(options.predictions, truth);
  const metrics = evaluateDetections(truth, predictions, { scoreThreshold, maxDetections });
  if (options.json) {
    const output = { ...metrics, imagesWithoutPredictions: truth.length - predictions.size };
    return context.write(`${JSON.stringify(output, null, 2)}\n`);
  }
  await context.write(summary(context, metrics));
}

/** The output of `facedet detect`, or null for another kind of predictions. */
function readDetectOutput(path: string): DetectOutput[] | null {
  if (statSync(path).isDirectory()) return null;
  // A byte order mark, as Windows' Notepad writes it, is not JSON.
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  const entries = text.trimStart().startsWith('{') ? parseJsonLines(text, path) : parseJson(text, path, 1);
  if (!Array.isArray(entries)) {
    const message =
      'expected the output of `facedet detect --json` or --jsonl, or COCO results, but received other JSON';
    throw new CommandError('MALFORMED_FILE', message, { input: path });
  }
  if (!entries.every((entry) => typeof (entry as DetectOutput | null)?.source === 'string')) return null;
  entries.forEach((entry, i) => checkFaces(entry as DetectOutput, i, path));
  return entries as DetectOutput[];
}

function parseJsonLines(text: string, path: string): unknown[] {
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parseJson(line, path, i + 1)]));
}

function parseJson(text: string, path: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `line ${line}: expected JSON but received invalid text (${(cause as Error).message})`;
    throw new CommandError('MALFORMED_FILE', message, { input: path, cause });
  }
}

/** Checks faces here, so that an error names the file and the entry. */
function checkFaces({ faces }: DetectOutput, entry: number, path: string): void {
  if (faces === undefined) return;
  const invalid = Array.isArray(faces) ? faces.findIndex((face) => !isFace(face)) : -1;
  if (Array.isArray(faces) && invalid < 0) return;
  const [expected, place] =
    invalid < 0
      ? ['a list', `[${entry}].faces`]
      : ['a "box" { x, y, width, height } and a "score"', `[${entry}].faces[${invalid}]`];
  const message = `expected ${expected} in ${place} but received something else`;
  throw new CommandError('MALFORMED_FILE', message, { input: path });
}

function isFace(face: Face | null): boolean {
  const { x, y, width, height } = face?.box ?? {};
  return [face?.score, x, y, width, height].every((value) => typeof value === 'number' && Math.abs(value) <= 1e9);
}

function readTruth({ groundTruth: path, label }: Options, detected: DetectOutput[] | null): Truth {
  const options = label === undefined ? {} : { label };
  if (!statSync(path).isDirectory())
    return path.endsWith('.json') ? parseCocoTruth(readFileSync(path, 'utf8'), path, options) : readWiderTruth(path);
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  const voc = files.filter((file) => file.endsWith('.xml'));
  if (voc.length > 0) return readVocFolder(path, voc, options);
  const yolo = files.filter((file) => file.endsWith('.txt') && !/(^|[/\\])(classes|labels|readme)\.txt$/i.test(file));
  if (yolo.length === 0) {
    const message = 'expected a folder of VOC .xml or YOLO .txt files but received one without either';
    throw new CommandError('NO_INPUT', message, { input: path });
  }
  if (!detected) {
    const message =
      'expected predictions of `facedet detect --json` for YOLO labels, which lack the sizes of the images, ' +
      'but received other predictions';
    throw new CommandError('INVALID_ARGUMENT', message, { input: path });
  }
  return readYoloFolder(path, yolo, detected, options);
}

function readWiderTruth(path: string): LabeledImage[] {
  const invalid = widerAttributes.indexOf('invalid');
  return parseWiderAnnotations(readFileSync(path), path).map(({ name, boxes, attributes }) => ({
    name,
    boxes,
    ignored: attributes.filter((_, k) => k % widerAttributes.length === invalid),
  }));
}

function readVocFolder(folder: string, files: readonly string[], options: LabelOptions): LabeledImage[] {
  return files.map((file) => {
    const path = join(folder, file);
    return withRelativeName(parseVoc(readFileSync(path, 'utf8'), path, options), folder);
  });
}

/** @param detected output of `facedet detect`, which has the sizes of the images. */
function readYoloFolder(
  folder: string,
  files: readonly string[],
  detected: readonly DetectOutput[],
  options: LabelOptions,
): LabeledImage[] {
  const find = createImageFinder(detected.map((entry) => ({ ...entry, name: entry.source.replace(/\.[^.]+$/, '') })));
  return files.map((file) => {
    const { width, height } = find(file) ?? {};
    const path = join(folder, file);
    if (!width || !height) {
      const message =
        'expected the image of these labels among the predictions, which state its size, but received no such image';
      throw new CommandError('MISMATCHED_FILES', message, { input: path });
    }
    return withRelativeName(parseYolo(readFileSync(path), path, { width, height }, options), folder);
  });
}

/** Names an image by its path inside the folder of labels. */
function withRelativeName(image: LabeledImage, folder: string): LabeledImage {
  return { ...image, name: relative(folder, image.name).replaceAll('\\', '/') };
}

/** Assigns the output of `facedet detect` to the images of the ground truth. */
function matchDetectOutput(
  context: Context,
  path: string,
  detected: readonly DetectOutput[],
  truth: Truth,
): Map<string, ScoredBoxes> {
  const find = createImageFinder(truth);
  const predictions = new Map<string, ScoredBoxes>();
  let unknown = 0;
  for (const { source, faces } of detected) {
    const image = find(source);
    if (!image) unknown++;
    else if (faces) predictions.set(image.name, scoredBoxes(faces));
  }
  if (predictions.size === 0) {
    const example = truth[0]?.name ?? 'none';
    const message = `expected predictions for images of the ground truth (like ${example}) but received none`;
    throw new CommandError('MISMATCHED_FILES', message, { input: path });
  }
  if (unknown > 0)
    context.log(`facedet: ignoring ${unknown} of ${detected.length} images of ${path}: not in the ground truth`);
  return predictions;
}

/** COCO results or a WIDER submission folder. */
function readPredictions(path: string, truth: Truth): Map<string, ScoredBoxes> {
  if (!statSync(path).isDirectory()) return parseCocoResults(readFileSync(path, 'utf8'), path, truth as CocoImage[]);
  const files = truth.map(({ name }) => [name, join(path, `${name}.txt`)] as const);
  const existing = files.filter(([, file]) => existsSync(file));
  if (existing.length === 0) {
    const message = `expected files like ${truth[0]?.name ?? 'EVENT/NAME'}.txt but received none`;
    throw new CommandError('MISMATCHED_FILES', message, { input: path });
  }
  return new Map(existing.map(([name, file]) => [name, parseWiderPredictions(readFileSync(file), file)]));
}

function summary(context: Context, { atThreshold, images, faces, maxDetections, ...rest }: DetectionMetrics): string {
  const { bold } = context.colors;
  const percent = (value: number | null) => (value === null ? null : round(100 * value, 2));
  const rows = Object.entries(rest).map(([name, value]) => [
    name === 'ARmax' ? `AR${maxDetections}` : name,
    percent(value),
  ]);
  const { scoreThreshold, precision, recall, f1, truePositives, falsePositives, falseNegatives } = atThreshold;
  const header = ['at score', 'precision %', 'recall %', 'F1 %', 'found', 'false', 'missed'];
  const percentages = [precision, recall, f1].map(percent);
  const row = [scoreThreshold, ...percentages, truePositives, falsePositives, falseNegatives];
  return `${images} images, ${faces} faces\n${table(['metric', '%'], rows, bold)}\n${table(header, [row], bold)}`;
}
