import type { Face } from '@facedet/core';
import type { Context } from './context.ts';
import { csv, jsonArray, jsonLines, round, type Rows } from './output.ts';
import { shown, sourceField } from './shown.ts';

/** The printed result of one picture. */
export type Result =
  | { source: string; width: number; height: number; faces: Face[] }
  | { source: string; error: { code: string; message: string } };

const LANDMARKS = ['left_eye', 'right_eye', 'nose', 'left_mouth', 'right_mouth'];
const CSV_HEADER = [
  'source',
  'image_width',
  'image_height',
  'face',
  'x',
  'y',
  'width',
  'height',
  'score',
  ...LANDMARKS.flatMap((name) => [`${name}_x`, `${name}_y`]),
];

/** Prints results in the format of the flags; by default a table. */
export function resultWriter(
  context: Context,
  flags: { json?: boolean; jsonl?: boolean; csv?: boolean },
): Rows<Result> {
  if (flags.json || flags.jsonl) {
    const rows = (flags.json ? jsonArray : jsonLines)(context.write);
    return { write: (result) => rows.write(rounded(result)), end: rows.end };
  }
  return flags.csv ? csvResults(context) : tableOfResults(context);
}

/** Rounds to three decimals of a pixel and five of a score. */
function rounded(result: Result): Result {
  const source = sourceField(result.source);
  if ('error' in result) return { ...result, source };
  return { ...result, source, faces: result.faces.map(roundedFace) };
}

/** A face with short numbers. */
export function roundedFace({ box, score, landmarks }: Face): Face {
  const px = (value: number) => round(value, 3);
  return {
    box: { x: px(box.x), y: px(box.y), width: px(box.width), height: px(box.height) },
    score: round(score, 5),
    ...(landmarks && { landmarks: landmarks.map(({ x, y }) => ({ x: px(x), y: px(y) })) as typeof landmarks }),
  };
}

function csvResults(context: Context): Rows<Result> {
  const rows = csv(context.write, CSV_HEADER);
  return {
    async write(result) {
      if ('error' in result) return;
      for (const [i, face] of result.faces.entries()) {
        const { box, score, landmarks } = roundedFace(face);
        const points = landmarks ? landmarks.flatMap(({ x, y }) => [x, y]) : LANDMARKS.flatMap(() => [null, null]);
        await rows.write([
          sourceField(result.source),
          result.width,
          result.height,
          i + 1,
          box.x,
          box.y,
          box.width,
          box.height,
          score,
          ...points,
        ]);
      }
    },
    end: rows.end,
  };
}

/** One line per face, as soon as each picture is done; the columns have fixed widths, and the names come last. */
function tableOfResults(context: Context): Rows<Result> {
  const { bold, dim } = context.colors;
  const line = (cells: readonly string[], source: string, note = '') =>
    `${cells.map((cell) => cell.padStart(7)).join('')}  ${shown(source, 4000)}${note && ` ${note}`}\n`;
  let images = 0;
  return {
    async write(result) {
      if (images === 0) await context.write(bold(line(['face', 'score', 'x', 'y', 'width', 'height'], 'picture')));
      images++;
      if ('error' in result)
        return context.write(line(['-', '', '', '', '', ''], result.source, dim(`[${result.error.code}]`)));
      if (result.faces.length === 0) return context.write(line(['0', '', '', '', '', ''], result.source));
      for (const [i, { box, score }] of result.faces.entries()) {
        const numbers = [box.x, box.y, box.width, box.height].map((value) => String(Math.round(value)));
        await context.write(line([String(i + 1), score.toFixed(3), ...numbers], result.source));
      }
    },
    async end() {},
  };
}
