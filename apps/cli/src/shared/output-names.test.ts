import { extname } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Input } from './inputs.ts';
import { outputNames } from './output-names.ts';

const file = (source: string): Input => ({ source, kind: 'file' });
const named = (sources: readonly string[], withFaces = false) => [
  ...outputNames(sources.map(file), { withFaces }).values(),
];

it('keeps names that are free, and numbers the others', () => {
  expect(named(['a/x.jpg', 'b/x.jpg', 'b/X.JPG', 'c/x.png', 'd/x-2.jpg'])).toEqual([
    'x.jpg',
    'x-2.jpg',
    'X-3.JPG',
    'x.png',
    'x-2-2.jpg',
  ]);
  expect(named(['x.jpg', 'x-1.jpg', 'y/x.jpg', 'x-1.aligned.jpg'], true)).toEqual([
    'x.jpg',
    'x-1_2.jpg',
    'x_2.jpg',
    'x-1.aligned_2.jpg',
  ]);
  expect(named(['x-2.jpg', 'x.jpg'], true)).toEqual(['x-2.jpg', 'x_2.jpg']);
  expect(named(['u\u0308.jpg', '\u00fc.jpg'])).toEqual(['u\u0308.jpg', '\u00fc-2.jpg']);
  const renamed = outputNames(['a.avi', 'a.mp4', 'a.ts'].map(file), { nameOf: () => 'a.mp4' });
  expect([...renamed.values()]).toEqual(['a.mp4', 'a-2.mp4', 'a-3.mp4']);
});

it('never gives two outputs one file, whatever the inputs are called', () => {
  const part = fc.constantFrom('a', 'A', 'b', '-1', '-2', '_2', '.aligned', '\u00e4', 'a\u0308', ' (2)', '-12');
  const stem = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  const extension = fc.constantFrom('.jpg', '.JPG', '.png', '', '.jpeg');
  const source = fc.tuple(fc.constantFrom('one/', 'two/'), stem, extension).map((parts) => parts.join(''));
  // Without extension the picture's format decides.
  const format = fc.constantFrom('.jpg', '.png');
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(source, format), { maxLength: 12, selector: ([path]) => path }),
      fc.boolean(),
      (inputs, withFaces) => {
        const written: string[] = [];
        named(
          inputs.map(([path]) => path),
          withFaces,
        ).forEach((name, i) => {
          const end = extname(name) || inputs[i]![1];
          const base = extname(name) === '' ? name : name.slice(0, -end.length);
          written.push(base + end);
          if (withFaces)
            for (const face of [1, 2, 12]) written.push(`${base}-${face}${end}`, `${base}-${face}.aligned${end}`);
        });
        const compared = written.map((name) => name.normalize('NFC').toLowerCase());
        expect(new Set(compared).size).toBe(compared.length);
      },
    ),
    { numRuns: 3000 },
  );
});

it('never gives two inputs faces of one name in a folder of their own', () => {
  const source = fc
    .tuple(
      fc.constantFrom('one/', 'two/'),
      fc.constantFrom('a', 'A', 'a-1', 'a-1-1', 'b'),
      fc.constantFrom('.jpg', '.png', ''),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.uniqueArray(source, { maxLength: 12 }), (sources) => {
      const written = named(sources).flatMap((name) => {
        const end = extname(name);
        const base = name.slice(0, name.length - end.length);
        return [1, 2].flatMap((face) =>
          (end === '' ? ['.jpg', '.png'] : [end]).map((ending) => `${base}-${face}${ending}`.toLowerCase()),
        );
      });
      expect(new Set(written).size).toBe(written.length);
    }),
  );
});

it('never gives an output the name of another in progress', () => {
  expect(named(['film.webm', 'film.partial.webm'])).toEqual(['film.webm', 'film.partial-2.webm']);
  expect(named(['a/film.partial.mp4', 'film.mp4'])).toEqual(['film.partial.mp4', 'film-2.mp4']);
  expect(named(['film.mp4', 'film.partial-before.mp4'])).toEqual(['film.mp4', 'film.partial-before-2.mp4']);
  expect(named(['a.png', 'A.PNG.partial'])).toEqual(['a.png', 'A.PNG-2.partial']);
});
