import { type Inflate, type MatlabCells, type MatlabValue, readMatlab } from '../matlab/matlab.ts';
import { checkOptionNames, type FaceDetError, received } from '@facedet/checks';
import { areCoordinates, isCoordinate } from '../text/limits.ts';
import { malformed, malformedAt, mismatched, shorten, shortPath } from '../text/malformed.ts';
import { type WiderImage, type WiderSetting, widerAttributes, widerSettings } from './image.ts';

/** A file already read: its bytes, and the name that errors give it. */
export interface FileContent {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The four files of the official evaluation: `wider_face_val.mat`, `wider_easy_val.mat`, `wider_medium_val.mat`,
 * `wider_hard_val.mat`.
 */
export type WiderGroundTruthFiles = Readonly<Record<WiderSetting | 'face', FileContent>>;

/** Options of `readWiderGroundTruth`. */
export interface WiderGroundTruthOptions {
  /**
   * Unpacks a zlib stream. By default the runtime's `DecompressionStream`; in Node `inflateSync` of `node:zlib` is
   * several times faster. Give it a limit of its own (`maxOutputLength`): a small damaged file can unpack to gigabytes.
   */
  inflate?: Inflate;
}

/** The names of the four files by their role. */
export const widerGroundTruthNames: Readonly<Record<WiderSetting | 'face', string>> = {
  face: 'wider_face_val.mat',
  easy: 'wider_easy_val.mat',
  medium: 'wider_medium_val.mat',
  hard: 'wider_hard_val.mat',
};

/**
 * The official ground truth of WIDER FACE val: 3,226 images with their faces, attributes, and which of them each subset
 * counts.
 *
 * Rejects with `MALFORMED_FILE` for a file that is no such `.mat`, `MISMATCHED_FILES` where the files list different
 * images or faces.
 */
export async function readWiderGroundTruth(
  files: WiderGroundTruthFiles,
  options: WiderGroundTruthOptions = {},
): Promise<WiderImage[]> {
  checkOptionNames(options, ['inflate']);
  const { inflate } = options;
  const labels = widerAttributes.map((attribute) => `${attribute}_label_list`);
  const face = await readMatlab(
    files.face.bytes,
    files.face.name,
    ['event_list', 'file_list', 'face_bbx_list', ...labels],
    inflate,
  );
  const subsets: { setting: WiderSetting; file: string; list: MatlabValue }[] = [];
  for (const setting of widerSettings) {
    const file = files[setting];
    const read = await readMatlab(file.bytes, file.name, ['event_list', 'file_list', 'gt_list'], inflate);
    sameImages(face, files.face.name, read, file.name);
    subsets.push({ setting, file: file.name, list: read.get('gt_list')! });
  }
  const events = cellsOf(face.get('event_list')!, files.face.name);
  const images: WiderImage[] = [];
  events.forEach((event, e) => {
    const of = (list: string): readonly MatlabValue[] =>
      cellsOf(cellsOf(face.get(list)!, files.face.name)[e], files.face.name);
    const boxLists = of('face_bbx_list');
    const attributeLists = labels.map(of);
    of('file_list').forEach((image, i) => {
      const name = `${textOf(event, files.face.name)}/${textOf(image, files.face.name)}`;
      const boxes = boxesOf(boxLists[i], files.face.name, name);
      const faces = boxes.length / 4;
      const attributes = new Uint8Array(6 * faces);
      attributeLists.forEach((list, a) => {
        const values = numbersOf(list[i], files.face.name, name);
        if (values.length !== faces)
          throw mismatched(
            files.face.name,
            `${faces} values of ${labels[a]} for ${shorten(name, 80)}`,
            String(values.length),
          );
        for (let f = 0; f < faces; f++) {
          if (!(Number.isInteger(values[f]) && values[f]! >= 0 && values[f]! <= 255)) {
            throw malformedAt(
              shortPath(files.face.name),
              `whole numbers from 0 to 255 in ${labels[a]} for ${shorten(name, 80)}`,
              received(values[f]),
            );
          }
          attributes[6 * f + a] = values[f]!;
        }
      });
      const counted = {} as Record<WiderSetting, Uint8Array>;
      for (const { setting, file, list } of subsets) {
        const indices = numbersOf(cellsOf(cellsOf(list, file)[e], file)[i], file, name);
        const flags = new Uint8Array(faces);
        for (let k = 0; k < indices.length; k++) {
          const index = indices[k]!;
          if (!(Number.isInteger(index) && index >= 1 && index <= faces)) {
            throw mismatched(
              file,
              `indices from 1 to ${faces} for ${shorten(name, 80)} (its faces in ${shortPath(files.face.name)})`,
              String(index),
            );
          }
          flags[index - 1] = 1;
        }
        counted[setting] = flags;
      }
      images.push({ name, boxes, attributes, counted });
    });
  });
  return images;
}

/** Throws unless a subset's file lists the same events and images in the same order. */
function sameImages(
  face: Map<string, MatlabValue>,
  faceFile: string,
  subset: Map<string, MatlabValue>,
  file: string,
): void {
  for (const list of ['event_list', 'file_list'] as const) {
    const difference = firstDifference(face.get(list), subset.get(list));
    if (!difference) continue;
    const there = shorten(difference.expected, 60);
    const expected = `the images of ${shortPath(faceFile)} in the same order (in ${list}: ${there})`;
    throw mismatched(file, expected, `${shorten(difference.received, 60)}; take all four .mat files from one download`);
  }
}

function firstDifference(
  expected: MatlabValue | undefined,
  found: MatlabValue | undefined,
): { expected: string; received: string } | null {
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
  return name(expected) === name(found) ? null : { expected: name(expected), received: name(found) };
}

function wrong(file: string, expected: string, value: MatlabValue | undefined): FaceDetError {
  return malformedAt(shortPath(file), expected, value ? value.kind : 'nothing');
}

function cellsOf(value: MatlabValue | undefined, file: string): MatlabCells['cells'] {
  if (value?.kind !== 'cells') throw wrong(file, 'cells', value);
  return value.cells;
}

function textOf(value: MatlabValue | undefined, file: string): string {
  if (value?.kind !== 'text') throw wrong(file, 'a name', value);
  return value.text;
}

function numbersOf(value: MatlabValue | undefined, file: string, image: string): ArrayLike<number> {
  if (value?.kind !== 'numbers') throw wrong(file, `numbers for ${shorten(image, 80)}`, value);
  return value.data;
}

/** Rows of x, y, width, height out of an n × 4 matrix, which MATLAB stores by columns. */
function boxesOf(value: MatlabValue | undefined, file: string, image: string): Float64Array {
  if (value?.kind !== 'numbers' || (value.data.length > 0 && (value.dims.length !== 2 || value.dims[1] !== 4)))
    throw wrong(file, `n × 4 boxes for ${shorten(image, 80)}`, value);
  const faces = value.data.length / 4;
  const boxes = new Float64Array(4 * faces);
  for (let f = 0; f < faces; f++) for (let k = 0; k < 4; k++) boxes[4 * f + k] = value.data[k * faces + f]!;
  if (!areCoordinates(boxes, boxes.length))
    throw malformedAt(
      shortPath(file),
      `boxes in pixels, up to 1e9, for ${shorten(image, 80)}`,
      received(boxes.find((side) => !isCoordinate(side))),
    );
  return boxes;
}

/**
 * Puts the official subsets to images that an annotation file lists: the images in the list's order, with `counted` of
 * `truth`.
 *
 * @param listFile the annotation file's name, for errors.
 * @throws FaceDetError `MISMATCHED_FILES` for an image that `truth` lacks or whose faces differ, naming its line.
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
    if (!official) {
      throw mismatched(
        `${listFile}, line ${line}`,
        "an image of the ground truth's .mat files",
        `${shorten(image.name, 80)}; the official subsets exist for WIDER FACE val only`,
      );
    }
    if (official.boxes.length !== image.boxes.length) {
      throw mismatched(
        `${listFile}, line ${line}`,
        `the ${official.boxes.length / 4} faces that the .mat files have for ${shorten(image.name, 80)}`,
        String(image.boxes.length / 4),
      );
    }
    const at = image.boxes.findIndex((value, k) => value !== official.boxes[k]);
    if (at >= 0) {
      const row = Math.floor(at / 4);
      throw malformed(
        listFile,
        line + 2 + row,
        `the box of the .mat files, ${official.boxes.slice(4 * row, 4 * row + 4).join(' ')}`,
        image.boxes.slice(4 * row, 4 * row + 4).join(' '),
      );
    }
    return image.line === undefined ? official : { ...official, line: image.line };
  });
}
