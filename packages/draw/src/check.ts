import { FaceDetError, received } from '@facedet/checks';
import type { Box } from '@facedet/core';
import type { DrawableFace, Rgb } from './types.ts';

/** The largest coordinate in pixels. Beyond it rounding shows: half of a box plus its other half is not the box. */
const MAX_COORDINATE = 1e9;

/** Throws `INVALID_ARGUMENT` in the form of all messages unless `holds`. */
export function expectThat(holds: boolean, what: string, value: unknown, next: string): asserts holds {
  if (!holds) throw new FaceDetError('INVALID_ARGUMENT', `Expected ${what} but received ${received(value)}; ${next}.`);
}

/** Throws `INVALID_ARGUMENT` unless all are faces with a usable box; a face that is skipped would stay visible. */
export function checkFaces(faces: readonly DrawableFace[]): void {
  expectThat(Array.isArray(faces), 'an array of faces', faces, 'an empty one is a picture without faces');
  for (const [index, face] of faces.entries()) {
    const { box, id } = (face as DrawableFace | null | undefined) ?? ({} as Partial<DrawableFace>);
    expectThat(isObject(box), `a face with a box at index ${index}`, box, 'a box is { x, y, width, height }');
    expectThat(isUsable(box), 'a box of finite numbers with sides of at least 0', boxText(box), `check face ${index}`);
    const isId = id === undefined || id === null || typeof id === 'number';
    expectThat(isId, `a number or nothing for the ID of face ${index}`, id, 'IDs are numbers, as a tracker gives them');
  }
}

/** Throws `INVALID_ARGUMENT` unless scores and landmarks can be drawn, too. */
export function checkDrawable(faces: readonly DrawableFace[]): void {
  checkFaces(faces);
  for (const [index, { score, landmarks }] of faces.entries()) {
    const isScore = score === undefined || typeof score === 'number';
    expectThat(
      isScore,
      `a number or nothing for the score of face ${index}`,
      score,
      'leave it out if the face has no score',
    );
    const isList = landmarks === undefined || landmarks === null || isPoints(landmarks);
    expectThat(isList, `points or nothing for the landmarks of face ${index}`, landmarks, 'a point is { x, y }');
  }
}

/** Throws `INVALID_ARGUMENT` unless a value is a color. */
export function checkColor(color: unknown, name: string): asserts color is Rgb {
  const isColor =
    Array.isArray(color) && color.length === 3 && [...color].every((v) => typeof v === 'number' && v >= 0 && v <= 255);
  expectThat(isColor, `three numbers from 0 to 255 for ${name}`, color, 'red, green and blue in this order');
}

/** Whether a value is a list of objects; spread, as `every` passes over the holes of an array. */
export const isPoints = (value: unknown): boolean => Array.isArray(value) && [...(value as unknown[])].every(isObject);

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function isUsable({ x, y, width, height }: Box): boolean {
  const isCoordinate = (value: unknown) => Number.isFinite(value) && Math.abs(value as number) <= MAX_COORDINATE;
  return [x, y, width, height].every(isCoordinate) && width >= 0 && height >= 0;
}

const boxText = ({ x, y, width, height }: Box) => ({ x, y, width, height });
