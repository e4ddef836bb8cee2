import { type FaceDetError, received } from '@facedet/checks';
import { NumberList } from '../number-list.ts';
import { type ScoredBoxes, byFallingScore } from '../scored-boxes.ts';
import { isCoordinate } from '../text/limits.ts';
import { malformed, malformedAt, mismatched, shortPath } from '../text/malformed.ts';
import { type TruthImage, withoutSuffix } from './truth.ts';
import { type LabelOptions, checkLabel } from './voc.ts';

/** An image of a COCO file; results name it by `id`. */
export interface CocoImage extends TruthImage {
  readonly id: number | string;
}

type Entry = Record<string, unknown>;

/**
 * Ground truth in COCO's JSON: `images` and `annotations` with `bbox` [x, y, width, height]. As pycocotools reads it:
 * `area` is a face's size (width × height where an annotation has none), `iscrowd` marks crowds, and `ignore` is not
 * heeded, because pycocotools overwrites it by `iscrowd`.
 *
 * @throws FaceDetError `MALFORMED_FILE` naming the entry: not JSON, no such lists, an invalid box or area, an image
 * that is not listed, two images of the same `id` or of the same `file_name` but for its suffix.
 */
export function parseCocoTruth(text: string, file: string, options: LabelOptions = {}): CocoImage[] {
  const { label } = checkLabel(options);
  const root = parseJson(text, file);
  const list = (name: string): (Entry | null)[] => {
    const value = (root as Entry | null)?.[name];
    if (!Array.isArray(value)) throw bad(file, `a list named ${name}`, value);
    return value as (Entry | null)[];
  };
  const categories = label === undefined ? null : categoriesOf(list('categories'), label, file);
  const images = new Map<unknown, { image: Entry; name: string; boxes: number[]; areas: number[]; crowd: number[] }>();
  const names = new Map<string, number>();
  list('images').forEach((image, i) => {
    if (typeof image?.file_name !== 'string' || (typeof image.id !== 'number' && typeof image.id !== 'string')) {
      throw bad(file, `id and file_name in images[${i}]`, image);
    }
    const name = withoutSuffix(image.file_name);
    if (images.has(image.id)) throw bad(file, `each id once in images[${i}].id`, image.id, 'again');
    const before = names.get(name);
    // Predictions are looked up by name: of two equal ones each would get the detections of both.
    if (before !== undefined)
      throw bad(
        file,
        `each file_name once, but for its suffix, in images[${i}]`,
        image.file_name,
        `which images[${before}] has too`,
      );
    names.set(name, i);
    images.set(image.id, { image, name, boxes: [], areas: [], crowd: [] });
  });
  list('annotations').forEach((annotation, i) => {
    if (categories && !categories.has(annotation?.category_id)) return;
    const entry = images.get(annotation?.image_id);
    if (!annotation || !entry)
      throw bad(file, `the id of an image in annotations[${i}].image_id`, annotation?.image_id);
    const box = boxAt(annotation.bbox, file, `annotations[${i}].bbox`);
    const { area = box[2] * box[3] } = annotation;
    if (typeof area !== 'number' || !(area >= 0 && area < Infinity))
      throw bad(file, `a number from 0 in annotations[${i}].area`, area);
    entry.boxes.push(...box);
    entry.areas.push(area);
    entry.crowd.push(annotation.iscrowd ? 1 : 0);
  });
  return [...images.values()].map(({ image: { id, width, height }, name, boxes, areas, crowd }) => ({
    id: id as number | string,
    name,
    boxes: Float64Array.from(boxes),
    areas: Float64Array.from(areas),
    crowd: Uint8Array.from(crowd),
    ...(typeof width === 'number' && typeof height === 'number' && { width, height }),
  }));
}

/** The ids of the categories that are named `label` or numbered so. */
function categoriesOf(categories: readonly (Entry | null)[], label: string, file: string): Set<unknown> {
  const ids = categories
    .filter((category) => category?.name === label || String(category?.id) === label)
    .map((category) => category?.id);
  if (ids.length === 0)
    throw bad(
      file,
      `a category named ${received(label)}`,
      categories.map((category) => category?.name),
    );
  return new Set(ids);
}

/**
 * Detections in COCO's results format, a list of `{ image_id, bbox, score }`, by the name of their image.
 *
 * @throws FaceDetError `MALFORMED_FILE` naming the entry; `MISMATCHED_FILES` for an image that is not among `images`.
 */
export function parseCocoResults(text: string, file: string, images: readonly CocoImage[]): Map<string, ScoredBoxes> {
  const root = parseJson(text, file);
  if (!Array.isArray(root)) throw bad(file, 'a list of { image_id, bbox, score }', root);
  const names = new Map<unknown, string>(images.map(({ id, name }) => [id, name]));
  const rows = new Map<string, { boxes: NumberList; scores: NumberList }>();
  (root as (Entry | null)[]).forEach((entry, i) => {
    const name = names.get(entry?.image_id);
    if (!entry || name === undefined)
      throw mismatched(file, `the id of an image of the ground truth in [${i}].image_id`, received(entry?.image_id));
    const { score } = entry;
    if (typeof score !== 'number' || !Number.isFinite(score)) throw bad(file, `a number in [${i}].score`, score);
    let row = rows.get(name);
    if (!row) rows.set(name, (row = { boxes: new NumberList('coordinates'), scores: new NumberList('scores') }));
    for (const side of boxAt(entry.bbox, file, `[${i}].bbox`)) row.boxes.push(side);
    row.scores.push(score);
  });
  return new Map(
    [...rows].map(([name, { boxes, scores }]) => [name, byFallingScore(boxes.toArray(), scores.toArray())]),
  );
}

/** Parses JSON; an error names the file and the line. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    throw malformed(file, text.slice(0, position).split('\n').length, 'JSON', `invalid text (${message})`, cause);
  }
}

function boxAt(value: unknown, file: string, place: string): [number, number, number, number] {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(isCoordinate))
    throw bad(file, `[x, y, width, height] in ${place}`, value);
  return value as [number, number, number, number];
}

function bad(file: string, expected: string, value: unknown, more = ''): FaceDetError {
  return malformedAt(
    shortPath(file),
    expected,
    `${value === undefined ? 'nothing' : received(value)}${more && ` ${more}`}`,
  );
}
