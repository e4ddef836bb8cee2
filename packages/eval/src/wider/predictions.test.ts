import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoredBoxes } from '../boxes.ts';
import { widerName } from './image.ts';
import { formatWiderPredictions, parseWiderPredictions } from './predictions.ts';

describe('predictions', () => {
  it('survive formatting and parsing to a thousandth of a pixel', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            box: fc.record({
              x: fc.double({ min: -9, max: 2000, noNaN: true }),
              y: fc.double({ min: -9, max: 2000, noNaN: true }),
              width: fc.double({ min: 0, max: 900, noNaN: true }),
              height: fc.double({ min: 0, max: 900, noNaN: true }),
            }),
            score: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
        ),
        (faces) => {
          const written = scoredBoxes(faces);
          const read = parseWiderPredictions(formatWiderPredictions('e/a', written), 'out/e/a.txt');
          expect(read.scores).toHaveLength(faces.length);
          written.scores.forEach((score, i) => expect(read.scores[i]).toBeCloseTo(score, 8));
          // Predictions whose scores are equal to eight decimals may be reordered.
          if (new Set(read.scores).size === faces.length)
            written.boxes.forEach((value, k) => expect(Math.abs(read.boxes[k]! - value)).toBeLessThan(0.000501));
        },
      ),
    );
  });

  it.each([
    ['', "e/a.txt, line 1: expected the image's name, a but received an empty file"],
    ['b\n0\n', 'e/a.txt, line 1: expected the image\'s name, a but received "b"'],
    ['a\n', 'e/a.txt, line 2: expected the number of boxes but received the end of the file'],
    ['e/a.jpg\n-1\n', 'e/a.txt, line 2: expected the number of boxes but received "-1"'],
    [
      'a\n2\n1 2 3 4 0.5\n',
      'e/a.txt, line 4: expected 2 boxes, as line 2 states but received the end of the file after 1',
    ],
    ['a\n1\n1 2 3 4\n', 'e/a.txt, line 3: expected x y width height score but received "1 2 3 4"'],
    [
      'a\n1\n1 2 3 4 0.5\n1 2 3 4 0.4\n',
      'e/a.txt, line 4: expected the end of the file after 1 boxes, as line 2 states but received "1 2 3 4 0.4"',
    ],
  ])('rejects %j', (text, message) => {
    expect(() => parseWiderPredictions(text, 'e/a.txt')).toThrow(message);
  });

  it('name images by event and base name', () => {
    expect(widerName('/data/WIDER_val/images/0--Parade/0_Parade_a.b.jpg')).toBe('0--Parade/0_Parade_a.b');
  });
});
