import { InvalidArgumentError } from 'commander';
import type { InputSize, Rotate, Rotation } from '@facedet/core';

/** Ends the help of a command that writes files. */
export const OVERWRITES =
  '\nAn existing output is replaced once the new one is complete. Missing folders are created. An output that ' +
  'would\noverwrite an input is refused. Outputs of a camera or a stream get the next free name.';

/** A parser for a number within [min, max]: `option('--score <score>', …, numberIn(0, 1))`. */
export function numberIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Expected a number ${range(min, max)}.`);
    return value;
  };
}

/** A parser for a whole number within [min, max]. */
export function integerIn(min: number, max = Infinity): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Expected a whole number ${range(min, max)}.`);
    return value;
  };
}

function range(min: number, max: number): string {
  if (max === Infinity) return `of at least ${min}`;
  return `from ${min} to ${max}`;
}

/** A parser for one of some words. */
export function oneOf<const Words extends readonly string[]>(...words: Words): (text: string) => Words[number] {
  return (text) => {
    if (!words.includes(text)) throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`);
    return text;
  };
}

/** `640` (the longer side), `640x480` (the input size), or a list of them (`320,640`: one pass each). */
export function parseSizes(text: string): InputSize | readonly InputSize[] {
  const sizes = text.split(',').map(parseSize);
  return sizes.length === 1 ? sizes[0]! : sizes;
}

function parseSize(text: string): InputSize {
  const found = text.trim().match(/^(\d+)(?:[x×](\d+))?$/i);
  const [width, height] = found ? [Number(found[1]), Number(found[2] ?? found[1])] : [0, 0];
  if (![width, height].every((side) => side >= 32 && side <= 16_384)) {
    throw new InvalidArgumentError(
      'Expected a longer side (640), a canvas (640x480) or a list of them (320,640), from 32 to 16384 pixels.',
    );
  }
  if (found![2] === undefined) return width;
  if (width % 32 || height % 32)
    throw new InvalidArgumentError(
      `Expected sides that are multiples of 32, like ${32 * Math.ceil(width / 32)}x${32 * Math.ceil(height / 32)}.`,
    );
  return { width, height };
}

/** `auto`, `90`, or a list (`0,90,270`). */
export function parseRotate(text: string): Rotate {
  if (text.trim() === 'auto') return 'auto';
  const list = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : NaN));
  if (!list.every((degrees) => degrees % 45 === 0 && degrees < 360)) {
    throw new InvalidArgumentError(
      'Expected auto, 0, 90, 180, 270 (or another multiple of 45 below 360) or a list of these numbers, like 0,90,270.',
    );
  }
  return list as Rotation[];
}

/** `409600`, `0.4M`, `400k` → pixels. */
export function parsePixels(text: string): number {
  const found = text.trim().match(/^(\d+(?:\.\d+)?)([kM]?)$/);
  const pixels = found
    ? Math.round(Number(found[1]) * ({ k: 1e3, M: 1e6, '': 1 } as Record<string, number>)[found[2]!]!)
    : 0;
  if (!(pixels >= 1024 && pixels <= 268_435_456))
    throw new InvalidArgumentError('Expected at least 1024 pixels, like 409600, 400k or 0.4M.');
  return pixels;
}

/** `320,640` → sides of square canvases, multiples of 32. */
export function parseSides(text: string): number[] {
  return text.split(',').map((part) => {
    const side = /^\d+$/.test(part.trim()) ? Number(part) : 0;
    if (side < 32 || side > 16_384 || side % 32)
      throw new InvalidArgumentError('Expected multiples of 32 from 32 to 16384, like 320,640.');
    return side;
  });
}
