import { checkOptionNames, type FaceDetError, received } from '@facedet/checks';
import { malformed, malformedAt, mismatched, shorten, shortPath } from '../text/file-errors.ts';
import { areCoordinates, isCoordinate } from '../text/limits.ts';
import { type WiderImage, type WiderSubset, widerAttributes, widerSubsets } from './image.ts';
import { type MatlabCells, type MatlabValue, readMatlab } from './matlab.ts';

/** The content of a file. */
export interface FileContent {
  /** Its name, for errors. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The four files of the official evaluation: `wider_face_val.mat`, `wider_easy_val.mat`, `wider_medium_val.mat`,
 * `wider_hard_val.mat`.
 */
export type WiderGroundTruthFiles = Readonly<Record<WiderSubset | 'face', FileContent>>;

/** Options of `readWiderGroundTruth`. */
export interface WiderGroundTruthOptions {
  /**
   * Decompresses a zlib stream; throws or rejects where it is damaged or cut short. Default the runtime's
   * `DecompressionStream`; in Node `inflateSync` of `node:zlib` is several times faster. Give it a limit of its own
   * (`maxOutputLength`), as a small damaged file can decompress to gigabytes.
   */
  readonly inflate?: (compressed: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

/** The file names of the official ground truth by their role. */
export const widerGroundTruthNames: Readonly<Record<WiderSubset | 'face', string>> = {
  face: 'wider_face_val.mat',
  easy: 'wider_easy_val.mat',
  medium: 'wider_medium_val.mat',
  hard: 'wider_hard_val.mat',
};

const labelLists = widerAttributes.map((attribute) => `${attribute}_label_list`);

/**
 * Reads the official ground truth of WIDER FACE val: 3,226 images with their faces, the faces' attributes, and the
 * faces of each subset.
 *
 * Rejects with `MALFORMED_FILE` for an invalid `.mat` file, and `MISMATCHED_FILES` where the files list different
 * images or faces.
 */
export async function readWiderGroundTruth(
  files: WiderGroundTruthFiles,
  options: WiderGroundTruthOptions = {},
): Promise<WiderImage[]> {
  checkOptionNames(options, ['inflate']);
  const read = async ({ name, bytes }: FileContent, lists: string[]) =>
    new MatlabLists(name, await readMatlab(bytes, name, ['event_list', 'file_list', ...lists], options.inflate));
  const faces = await read(files.face, ['face_bbx_list', ...labelLists]);
  const subsets: (readonly [subset: WiderSubset, lists: MatlabLists])[] = [];
  for (const subset of widerSubsets) {
    const lists = await read(files[subset], ['gt_list']);
    checkSameImages(faces, lists);
    subsets.push([subset, lists]);
  }
  return faces.cells('event_list').flatMap((event, e) =>
    faces.cells('file_list', e).map((image, i): WiderImage => {
      const name = `${textOf(event, faces.file)}/${textOf(image, faces.file)}`;
      const place = { event: e, image: i, name };
      const boxes = boxesOf(faces, place);
      const count = boxes.length / 4;
      const attributes = attributesOf(faces, place, count);
      const counted = Object.fromEntries(
        subsets.map(([subset, lists]) => [subset, membersOf(lists, place, count, faces.file)]),
      ) as Record<WiderSubset, Uint8Array>;
      return { name, boxes, attributes, counted };
    }),
  );
}

/** The variables of a `.mat` file: lists by event, then image. */
class MatlabLists {
  readonly file: string;
  readonly #variables: ReadonlyMap<string, MatlabValue>;

  constructor(file: string, variables: ReadonlyMap<string, MatlabValue>) {
    this.file = file;
    this.#variables = variables;
  }

  get(list: string): MatlabValue | undefined {
    return this.#variables.get(list);
  }

  /** The cells of a list, or those of one event. */
  cells(list: string, event?: number): MatlabCells['cells'] {
    const cells = cellsOf(this.get(list), this.file);
    return event === undefined ? cells : cellsOf(cells[event], this.file);
  }

  /** The value of a list for one image. */
  at(list: string, { event, image }: ImagePlace): MatlabValue | undefined {
    return this.cells(list, event)[image];
  }
}

/** Where an image is in the lists. */
interface ImagePlace {
  readonly event: number;
  readonly image: number;
  readonly name: string;
}

/** Rows of x, y, width, height from an n × 4 matrix, which MATLAB stores by columns. */
function boxesOf(faces: MatlabLists, place: ImagePlace): Float64Array {
  const value = faces.at('face_bbx_list', place);
  const name = shorten(place.name, 80);
  if (value?.kind !== 'numbers' || (value.data.length > 0 && (value.dims.length !== 2 || value.dims[1] !== 4)))
    throw wrongKind(faces.file, `n × 4 boxes for ${name}`, value);
  const count = value.data.length / 4;
  const boxes = new Float64Array(4 * count);
  for (let f = 0; f < count; f++) for (let k = 0; k < 4; k++) boxes[4 * f + k] = value.data[k * count + f]!;
  if (!areCoordinates(boxes, boxes.length)) {
    const wrong = received(boxes.find((side) => !isCoordinate(side)));
    throw malformedAt(shortPath(faces.file), `boxes in pixels, up to 1e9, for ${name}`, wrong);
  }
  return boxes;
}

/** The attributes of `count` faces, in the order of `widerAttributes`. */
function attributesOf(faces: MatlabLists, place: ImagePlace, count: number): Uint8Array {
  const name = shorten(place.name, 80);
  const attributes = new Uint8Array(labelLists.length * count);
  labelLists.forEach((list, a) => {
    const values = numbersOf(faces.at(list, place), faces.file, place.name);
    if (values.length !== count)
      throw mismatched(faces.file, `${count} values of ${list} for ${name}`, String(values.length));
    for (let f = 0; f < count; f++) {
      const value = values[f]!;
      if (!(Number.isInteger(value) && value >= 0 && value <= 255))
        throw malformedAt(shortPath(faces.file), `integers from 0 to 255 in ${list} for ${name}`, received(value));
      attributes[labelLists.length * f + a] = value;
    }
  });
  return attributes;
}

/** 1 for each of `count` faces whose index (from 1) a subset lists; `faceFile` is the file that has the faces. */
function membersOf(subset: MatlabLists, place: ImagePlace, count: number, faceFile: string): Uint8Array {
  const indices = numbersOf(subset.at('gt_list', place), subset.file, place.name);
  const members = new Uint8Array(count);
  for (let k = 0; k < indices.length; k++) {
    const index = indices[k]!;
    if (!(Number.isInteger(index) && index >= 1 && index <= count)) {
      const name = shorten(place.name, 80);
      const expected = `indices from 1 to ${count} for ${name} (its faces in ${shortPath(faceFile)})`;
      throw mismatched(subset.file, expected, String(index));
    }
    members[index - 1] = 1;
  }
  return members;
}

/** Throws unless a subset's file lists the same events and images in the same order. */
function checkSameImages(faces: MatlabLists, subset: MatlabLists): void {
  for (const list of ['event_list', 'file_list'] as const) {
    const difference = firstDifference(faces.get(list), subset.get(list));
    if (!difference) continue;
    const here = `in ${list}: ${shorten(difference.expected, 60)}`;
    const expected = `the images of ${shortPath(faces.file)} in the same order (${here})`;
    const found = `${shorten(difference.found, 60)}; take all four .mat files from one download`;
    throw mismatched(subset.file, expected, found);
  }
}

function firstDifference(
  expected: MatlabValue | undefined,
  found: MatlabValue | undefined,
): { expected: string; found: string } | null {
  if (expected?.kind === 'cells' && found?.kind === 'cells') {
    const count = Math.max(expected.cells.length, found.cells.length);
    for (let k = 0; k < count; k++) {
      const difference = firstDifference(expected.cells[k], found.cells[k]);
      if (difference) return difference;
    }
    return null;
  }
  const name = (value: MatlabValue | undefined): string =>
    value === undefined ? 'nothing' : value.kind === 'text' ? value.text : value.kind;
  return name(expected) === name(found) ? null : { expected: name(expected), found: name(found) };
}

function wrongKind(file: string, expected: string, value: MatlabValue | undefined): FaceDetError {
  return malformedAt(shortPath(file), expected, value ? value.kind : 'nothing');
}

function cellsOf(value: MatlabValue | undefined, file: string): MatlabCells['cells'] {
  if (value?.kind !== 'cells') throw wrongKind(file, 'cells', value);
  return value.cells;
}

function textOf(value: MatlabValue | undefined, file: string): string {
  if (value?.kind !== 'text') throw wrongKind(file, 'a name', value);
  return value.text;
}

function numbersOf(value: MatlabValue | undefined, file: string, image: string): ArrayLike<number> {
  if (value?.kind !== 'numbers') throw wrongKind(file, `numbers for ${shorten(image, 80)}`, value);
  return value.data;
}

/**
 * Adds the official subsets to the images of an annotation file, in the order of `images`.
 *
 * @param images of `parseWiderAnnotations`.
 * @param truth of `readWiderGroundTruth`.
 * @param listFile the annotation file's name, for errors.
 * @throws FaceDetError `MISMATCHED_FILES` for an image that is missing in `truth` or whose faces differ, naming its
 * line.
 */
export function withSubsets(
  images: readonly WiderImage[],
  truth: readonly WiderImage[],
  listFile: string,
): WiderImage[] {
  const byName = new Map(truth.map((image) => [image.name, image]));
  return images.map((image) => {
    const official = byName.get(image.name);
    const line = image.line ?? 0;
    const place = `${listFile}, line ${line}`;
    const name = shorten(image.name, 80);
    if (!official) {
      const found = `${name}; the official subsets exist for WIDER FACE val only`;
      throw mismatched(place, "an image of the ground truth's .mat files", found);
    }
    if (official.boxes.length !== image.boxes.length) {
      const expected = `the ${official.boxes.length / 4} faces of ${name} in the .mat files`;
      throw mismatched(place, expected, String(image.boxes.length / 4));
    }
    const wrong = image.boxes.findIndex((value, k) => value !== official.boxes[k]);
    if (wrong >= 0) {
      const face = Math.floor(wrong / 4);
      const textAt = ({ boxes }: WiderImage): string => boxes.subarray(4 * face, 4 * face + 4).join(' ');
      const expected = `the box of the .mat files, ${textAt(official)}`;
      throw malformed({ file: listFile, line: line + 2 + face }, expected, textAt(image));
    }
    return image.line === undefined ? official : { ...official, line: image.line };
  });
}
