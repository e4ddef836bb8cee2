import { type FaceDetError, received } from '@facedet/checks';
import { type ScoredBoxes, byDescendingScore } from '../boxes.ts';
import { NumberList } from '../number-list.ts';
import { malformed, malformedAt, mismatched, shortPath } from '../text/file-errors.ts';
import { isCoordinate } from '../text/limits.ts';
import { withoutExtension } from './image-finder.ts';
import { type LabelOptions, type LabeledImage, checkLabel } from './labeled-image.ts';

/** An image of a COCO file. */
export interface CocoImage extends LabeledImage {
  /** The ID that results refer to. */
  readonly id: number | string;
}

type Entry = Record<string, unknown>;

/**
 * Parses ground truth in COCO's JSON: `images` and `annotations` with `bbox` [x, y, width, height]. As in pycocotools,
 * `area` is a face's size (default width × height), `iscrowd` marks crowds, and `ignore` has no effect, because
 * pycocotools overwrites it with `iscrowd`.
 *
 * @param file the file's name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` naming the entry: not JSON, missing lists, an invalid box or area, an image
 * that is not listed, two images of the same `id` or of the same `file_name` without extension.
 */
export function parseCocoTruth(text: string, file: string, options: LabelOptions = {}): CocoImage[] {
  const label = checkLabel(options);
  const root = parseJson(text, file);
  const list = (name: string): (Entry | null)[] => {
    const value = (root as Entry | null)?.[name];
    if (!Array.isArray(value)) throw fail(file, `a list named ${name}`, value);
    return value as (Entry | null)[];
  };
  const categories = label === undefined ? null : categoriesOf(list('categories'), label, file);
  const images = parseImages(list('images'), file);
  list('annotations').forEach((annotation, i) => {
    if (categories && !categories.has(annotation?.category_id)) return;
    const image = images.get(annotation?.image_id);
    if (!annotation || !image)
      throw fail(file, `the id of an image in annotations[${i}].image_id`, annotation?.image_id);
    const box = parseBox(annotation.bbox, file, `annotations[${i}].bbox`);
    const { area = box[2] * box[3] } = annotation;
    if (typeof area !== 'number' || !(area >= 0 && area < Infinity))
      throw fail(file, `a number of at least 0 in annotations[${i}].area`, area);
    image.boxes.push(...box);
    image.areas.push(area);
    image.crowd.push(annotation.iscrowd ? 1 : 0);
  });
  return Array.from(images.values(), ({ boxes, areas, crowd, ...image }) => ({
    ...image,
    boxes: Float64Array.from(boxes),
    areas: Float64Array.from(areas),
    crowd: Uint8Array.from(crowd),
  }));
}

/** The images by their IDs, without faces yet. */
function parseImages(entries: readonly (Entry | null)[], file: string) {
  const images = new Map<unknown, ReturnType<typeof emptyImage>>();
  const indices = new Map<string, number>();
  entries.forEach((entry, i) => {
    if (typeof entry?.file_name !== 'string' || (typeof entry.id !== 'number' && typeof entry.id !== 'string'))
      throw fail(file, `id and file_name in images[${i}]`, entry);
    const image = emptyImage(entry.id, entry.file_name, entry);
    if (images.has(image.id)) throw fail(file, `each id once in images[${i}].id`, image.id, ' again');
    const first = indices.get(image.name);
    // Predictions refer to images by name, so two equal names would share their detections.
    if (first !== undefined) {
      const expected = `each file_name without extension once, in images[${i}]`;
      throw fail(file, expected, entry.file_name, `, which images[${first}] has too`);
    }
    indices.set(image.name, i);
    images.set(image.id, image);
  });
  return images;
}

function emptyImage(id: number | string, fileName: string, { width, height }: Entry) {
  return {
    id,
    name: withoutExtension(fileName),
    boxes: [] as number[],
    areas: [] as number[],
    crowd: [] as number[],
    ...(typeof width === 'number' && typeof height === 'number' && { width, height }),
  };
}

/** The IDs of the categories with this name or ID. */
function categoriesOf(categories: readonly (Entry | null)[], label: string, file: string): Set<unknown> {
  const ids = categories
    .filter((category) => category?.name === label || String(category?.id) === label)
    .map((category) => category?.id);
  if (ids.length > 0) return new Set(ids);
  const names = categories.map((category) => category?.name);
  throw fail(file, `a category named ${received(label)}`, names);
}

/**
 * Parses detections in COCO's results format, a list of `{ image_id, bbox, score }`, and returns them by image name.
 *
 * @param file the file's name, for errors.
 * @param images of `parseCocoTruth`.
 * @throws FaceDetError `MALFORMED_FILE` naming the entry; `MISMATCHED_FILES` for an image that is not among `images`.
 */
export function parseCocoResults(text: string, file: string, images: readonly CocoImage[]): Map<string, ScoredBoxes> {
  const root = parseJson(text, file);
  if (!Array.isArray(root)) throw fail(file, 'a list of { image_id, bbox, score }', root);
  const names = new Map<unknown, string>(images.map(({ id, name }) => [id, name]));
  const byName = new Map<string, { boxes: NumberList; scores: NumberList }>();
  (root as (Entry | null)[]).forEach((entry, i) => {
    const name = names.get(entry?.image_id);
    if (!entry || name === undefined)
      throw mismatched(file, `the id of an image of the ground truth in [${i}].image_id`, received(entry?.image_id));
    const { score } = entry;
    if (typeof score !== 'number' || !Number.isFinite(score)) throw fail(file, `a number in [${i}].score`, score);
    let image = byName.get(name);
    if (!image) byName.set(name, (image = { boxes: new NumberList('coordinates'), scores: new NumberList('scores') }));
    for (const side of parseBox(entry.bbox, file, `[${i}].bbox`)) image.boxes.push(side);
    image.scores.push(score);
  });
  return new Map(
    Array.from(byName, ([name, { boxes, scores }]) => [
      name,
      byDescendingScore({ boxes: boxes.toArray(), scores: scores.toArray() }),
    ]),
  );
}

/** Parses JSON; an error names the file and the line. */
function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    const line = text.slice(0, position).split('\n').length;
    throw malformed({ file, line }, 'JSON', `invalid text (${message})`, cause);
  }
}

function parseBox(value: unknown, file: string, place: string): [number, number, number, number] {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(isCoordinate))
    throw fail(file, `[x, y, width, height] in ${place}`, value);
  return value as [number, number, number, number];
}

/** The error of a file; `detail` follows the value. */
function fail(file: string, expected: string, value: unknown, detail = ''): FaceDetError {
  return malformedAt(shortPath(file), expected, `${value === undefined ? 'nothing' : received(value)}${detail}`);
}
