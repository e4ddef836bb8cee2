import { FaceDetError } from '@facedet/core';
import { type ScoredBoxes, byFallingScore } from '../scored-boxes.ts';
import { type TruthImage, withoutSuffix } from './truth.ts';
import type { LabelOptions } from './voc.ts';

/** An image of a COCO file; results name it by `id`. */
export interface CocoImage extends TruthImage {
  readonly id: number | string;
}

/**
 * Ground truth in COCO's JSON: `images` and `annotations` with `bbox` [x, y, width, height]; `iscrowd` and `ignore` are heeded.
 *
 * @throws FaceDetError `MALFORMED_FILE` naming the entry: not JSON, no such lists, a box that is none, an image that is not listed.
 */
export function parseCocoTruth(text: string, file: string, { label }: LabelOptions = {}): CocoImage[] {
  const root = parseJson(text, file);
  const list = (name: string): Record<string, unknown>[] => {
    const value = (root as Record<string, unknown> | null)?.[name];
    if (!Array.isArray(value)) throw bad(file, `a list named ${name}`, describe(value));
    return value as Record<string, unknown>[];
  };
  const categories = label === undefined ? null : new Set(list('categories').filter((category) => category.name === label || String(category.id) === label).map(({ id }) => id));
  if (categories?.size === 0) throw bad(file, `a category named ${label}`, list('categories').map(({ name }) => String(name)).join(', ') || 'none');
  const images = new Map<unknown, { image: Record<string, unknown>; boxes: number[]; ignored: number[]; crowd: number[] }>();
  list('images').forEach((image, i) => {
    if (typeof image?.file_name !== 'string' || (typeof image.id !== 'number' && typeof image.id !== 'string')) throw bad(file, `id and file_name in images[${i}]`, describe(image));
    images.set(image.id, { image, boxes: [], ignored: [], crowd: [] });
  });
  list('annotations').forEach((annotation, i) => {
    if (categories && !categories.has(annotation?.category_id)) return;
    const entry = images.get(annotation?.image_id);
    if (!entry) throw bad(file, `the id of an image in annotations[${i}].image_id`, describe(annotation?.image_id));
    entry.boxes.push(...boxAt(annotation.bbox, file, `annotations[${i}].bbox`));
    entry.ignored.push(annotation.ignore ? 1 : 0);
    entry.crowd.push(annotation.iscrowd ? 1 : 0);
  });
  return [...images.values()].map(({ image, boxes, ignored, crowd }) => ({
    id: image.id as number | string,
    name: withoutSuffix(image.file_name as string),
    boxes: Float64Array.from(boxes),
    ignored: Uint8Array.from(ignored),
    crowd: Uint8Array.from(crowd),
    ...(typeof image.width === 'number' && typeof image.height === 'number' && { width: image.width, height: image.height }),
  }));
}

/**
 * Detections in COCO's results format, a list of `{ image_id, bbox, score }`, by the name of their image.
 *
 * @throws FaceDetError `MALFORMED_FILE` naming the entry; `MISMATCHED_FILES` for an image that is not among `images`.
 */
export function parseCocoResults(text: string, file: string, images: readonly CocoImage[]): Map<string, ScoredBoxes> {
  const root = parseJson(text, file);
  if (!Array.isArray(root)) throw bad(file, 'a list of { image_id, bbox, score }', describe(root));
  const names = new Map(images.map(({ id, name }) => [id, name]));
  const rows = new Map<string, { boxes: number[]; scores: number[] }>();
  (root as Record<string, unknown>[]).forEach((entry, i) => {
    const name = names.get(entry?.image_id as number);
    if (name === undefined) throw new FaceDetError('MISMATCHED_FILES', `${file}: expected the id of an image of the ground truth in [${i}].image_id, got ${describe(entry?.image_id)}`);
    if (typeof entry.score !== 'number' || !Number.isFinite(entry.score)) throw bad(file, `a number in [${i}].score`, describe(entry.score));
    let row = rows.get(name);
    if (!row) rows.set(name, (row = { boxes: [], scores: [] }));
    row.boxes.push(...boxAt(entry.bbox, file, `[${i}].bbox`));
    row.scores.push(entry.score);
  });
  return new Map([...rows].map(([name, { boxes, scores }]) => [name, byFallingScore(Float64Array.from(boxes), Float64Array.from(scores))]));
}

/** Parses JSON; an error names the file and the line. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    throw new FaceDetError('MALFORMED_FILE', `${file}, line ${text.slice(0, position).split('\n').length}: expected JSON, ${message}`, { cause });
  }
}

function boxAt(value: unknown, file: string, place: string): number[] {
  if (!Array.isArray(value) || value.length !== 4 || !value.every((side) => Number.isFinite(side))) throw bad(file, `[x, y, width, height] in ${place}`, describe(value));
  return value as number[];
}

function bad(file: string, expected: string, got: string): FaceDetError {
  return new FaceDetError('MALFORMED_FILE', `${file}: expected ${expected}, got ${got}`);
}

function describe(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
