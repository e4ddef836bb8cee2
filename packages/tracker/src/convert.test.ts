import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromMot, fromXywh, fromXyxy } from './convert.ts';
import { createTracker } from './tracker.ts';

const MESSAGE_FORM = /^Expected .+ but received .+; .+\.$/;
const errorWith = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    name: 'FaceDetError',
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });

/** Sixteenths of pixels, so that sums and 32-bit numbers are exact. */
const sixteenth = (min: number, max: number) => fc.integer({ min: min * 16, max: max * 16 }).map((k) => k / 16);
const boxes = fc.array(
  fc.record({
    x: sixteenth(-100, 4000),
    y: sixteenth(-100, 4000),
    width: sixteenth(0, 500),
    height: sixteenth(0, 500),
    score: fc.integer({ min: 0, max: 64 }).map((k) => k / 64),
  }),
  { maxLength: 20 },
);
const detectionsOf = (list: readonly { x: number; y: number; width: number; height: number; score: number }[]) =>
  list.map(({ score, ...box }) => ({ box, score }));

describe('fromXyxy and fromXywh', () => {
  const forms = [
    [
      'fromXyxy',
      fromXyxy,
      ({ x, y, width, height }: { x: number; y: number; width: number; height: number }) => [
        x,
        y,
        x + width,
        y + height,
      ],
    ],
    [
      'fromXywh',
      fromXywh,
      ({ x, y, width, height }: { x: number; y: number; width: number; height: number }) => [x, y, width, height],
    ],
  ] as const;

  it.each(forms)(
    '%s gives the same detections for rows, flat numbers, typed arrays and separate scores',
    (_name, from, numbersOf) => {
      fc.assert(
        fc.property(boxes, (list) => {
          const rows = list.map((box) => [...numbersOf(box), box.score]);
          const boxesOnly = list.map((box) => numbersOf(box));
          const scores = list.map(({ score }) => score);
          const expected = detectionsOf(list);
          expect(from(rows)).toEqual(expected);
          expect(from(rows.map((row) => Float32Array.from(row)))).toEqual(expected);
          expect(from(rows.map((row) => [...row, 7, 0.5]))).toEqual(expected); // a class and more after the score
          expect(from(rows.flat())).toEqual(expected);
          expect(from(Float32Array.from(rows.flat()))).toEqual(expected);
          expect(from(boxesOnly, scores)).toEqual(expected);
          expect(from(boxesOnly.flat(), Float64Array.from(scores))).toEqual(expected);
          expect(from(Float64Array.from(boxesOnly.flat()), scores)).toEqual(expected);
          expect(
            from(
              rows,
              scores.map(() => 0.25),
            ).map(({ score }) => score),
          ).toEqual(scores.map(() => 0.25));
        }),
      );
    },
  );

  it.each(forms)('%s gives valid detections, or an error that names the row', (_name, from) => {
    const value = fc.oneof(
      fc.double(),
      fc.integer({ min: -100, max: 100 }),
      fc.constantFrom(NaN, Infinity, 1e12, 0, 1, '1' as never, null as never),
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.array(fc.array(value, { minLength: 3, maxLength: 6 })), fc.array(value), fc.anything()),
        fc.option(fc.array(value)),
        (rows, scores) => {
          let detections;
          try {
            detections = from(rows as never, scores ?? undefined);
          } catch (error) {
            expect(error).toEqual(
              errorWith(
                (error as { code: string }).code === 'INVALID_ARGUMENT' ? 'INVALID_ARGUMENT' : 'INVALID_DETECTION',
                MESSAGE_FORM,
              ),
            );
            expect((error as Error).message.length).toBeLessThan(500);
            return;
          }
          createTracker().update(detections);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('gives detections that a tracker can track', () => {
    const tracker = createTracker();
    for (let i = 0; i < 5; i++)
      expect(tracker.update(fromXyxy([[10 + i, 20, 50 + i, 70, 0.9]]))).toMatchObject([{ id: 1, state: 'tracked' }]);
  });

  it.each([
    [
      () => fromXyxy([[10, 20, 5, 70, 0.9]]),
      'INVALID_DETECTION',
      'x1 ≤ x2 and y1 ≤ y2 for detection 0 but received [10,20,5,70,0.9]; ' +
        'fromXywh makes detections from x, y, width, height.',
    ],
    [
      () =>
        fromXyxy([
          [0, 0, 1, 1, 1],
          [10, 20, 50, 10, 0.9],
        ]),
      'INVALID_DETECTION',
      'for detection 1 but received [10,20,50,10,0.9]',
    ],
    [
      () => fromXywh([[10, 20, -5, 70, 0.9]]),
      'INVALID_DETECTION',
      'sides of at least 0 for detection 0 but received [10,20,-5,70,0.9]; fromXyxy makes detections from corners',
    ],
    [
      () => fromXyxy([[0, 0, 1, 1]]),
      'INVALID_DETECTION',
      'a row of x1, y1, x2, y2, score for detection 0 but received [0,0,1,1]; ' +
        'give the scores as second argument or as fifth number of each row.',
    ],
    [
      () => fromXywh([[0, 0, 1]], [1]),
      'INVALID_DETECTION',
      'a row of x, y, width, height for detection 0 but received [0,0,1]; ',
    ],
    [
      () => fromXyxy([[0, 0, 1, 1, 90]]),
      'INVALID_DETECTION',
      'a score in [0, 1] for detection 0 but received 90; divide percentages by 100.',
    ],
    [
      () => fromXyxy([[0, 0, 1, NaN, 0.9]]),
      'INVALID_DETECTION',
      'four finite numbers within ±1000000000 for detection 0 but received [0,0,1,"NaN",0.9]; ',
    ],
    [() => fromXyxy([[0, 0, 1, '2' as never, 0.9]]), 'INVALID_DETECTION', 'received [0,0,1,"2",0.9]'],
    [
      () => fromXyxy([0, 0, 1, 1]),
      'INVALID_ARGUMENT',
      'flat rows of 5 numbers (x1, y1, x2, y2, score) but received 4 numbers; ',
    ],
    [
      () => fromXyxy([0, 0, 1, 1, 0.9], [0.9]),
      'INVALID_ARGUMENT',
      'flat rows of 4 numbers (x1, y1, x2, y2) but received 5 numbers; ',
    ],
    [() => fromXyxy([0, 0, 1, 1], [0.9, 0.8]), 'INVALID_ARGUMENT', '1 score but received 2; give one score per box.'],
    [
      () =>
        fromXyxy(
          [
            [0, 0, 1, 1],
            [0, 0, 2, 2],
          ],
          [0.9],
        ),
      'INVALID_ARGUMENT',
      '2 scores but received 1; ',
    ],
    [
      () => fromXyxy([[0, 0, 1, 1]], 0.9 as never),
      'INVALID_ARGUMENT',
      'an array or typed array of scores but received 0.9; ',
    ],
    [
      () => fromXyxy({ boxes: [] } as never),
      'INVALID_ARGUMENT',
      'rows of numbers, as arrays or typed arrays, but received {"boxes":[]}; ',
    ],
    [() => fromXyxy(undefined as never), 'INVALID_ARGUMENT', 'but received undefined; '],
    [
      () => fromXyxy([{ box: { x: 0, y: 0, width: 1, height: 1 }, score: 1 }] as never),
      'INVALID_DETECTION',
      'a row of x1, y1, x2, y2, score for detection 0 but received {"box"',
    ],
    [
      () => fromXyxy([new BigInt64Array(5)] as never),
      'INVALID_DETECTION',
      'four finite numbers within ±1000000000 for detection 0 but received ["0"',
    ],
  ])('%s is refused', (make, code, message) => {
    expect(make).toThrow(errorWith(code, message));
    expect(make).toThrow(errorWith(code, MESSAGE_FORM));
  });
});

describe('fromMot', () => {
  it('gives frame, ID, box and score of a line or a row of numbers', () => {
    const detection = { frame: 3, id: -1, box: { x: 10.5, y: 20, width: 30, height: 40 }, score: 0.75 };
    for (const row of [
      '3,-1,10.5,20,30,40,0.75,-1,-1,-1',
      '3, -1, 10.5, 20, 30, 40, 0.75\r\n',
      '3 -1 10.5 20 30 40 0.75',
      '3\t-1\t1.05e1\t20\t30\t40\t.75',
      '3,-1,10.5,20,30,40,0.75,',
      '3,-1,10.5,20,30,40,0.75,face,?',
      [3, -1, 10.5, 20, 30, 40, 0.75, -1, -1, -1],
      Float32Array.of(3, -1, 10.5, 20, 30, 40, 0.75),
    ]) {
      expect(fromMot(row)).toEqual(detection);
    }
  });

  it('reads written tracks back to the last digit', () => {
    // + 0 turns -0 into 0, as both have the same text.
    const pixels = (min: number) => fc.double({ min, max: 1e6, noNaN: true }).map((value) => value + 0);
    const score = fc.integer({ min: 0, max: 1000 }).map((k) => k / 1000);
    const row = fc.tuple(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: -1, max: 1e6 }),
      pixels(-1e6),
      pixels(-1e6),
      pixels(0),
      pixels(0),
      score,
    );
    fc.assert(
      fc.property(row, fc.constantFrom(',', ', ', ' ', '\t', ';'), (numbers, separator) => {
        const [frame, id, x, y, width, height, score] = numbers;
        const expected = { frame, id, box: { x, y, width, height }, score };
        expect(fromMot(numbers.join(separator))).toEqual(expected);
        expect(fromMot(numbers)).toEqual(expected);
      }),
    );
  });

  it('gives the detections of a text by frame', () => {
    const text = '1,-1,10,20,30,40,0.9\n1,-1,200,20,30,40,0.8\n2,-1,11,20,30,40,0.9\n';
    const rows = text.trim().split('\n').map(fromMot);
    const tracker = createTracker();
    expect(tracker.update(rows.filter(({ frame }) => frame === 1))).toMatchObject([{ id: 1 }, { id: 2 }]);
    expect(tracker.update(rows.filter(({ frame }) => frame === 2))).toMatchObject([{ id: 1, detection: { frame: 2 } }]);
    expect(tracker.lost).toMatchObject([{ id: 2 }]);
  });

  it.each([
    ['', 'frame,id,x,y,width,height,score but received ""'],
    ['1,-1,1,2,3,4', 'received "1,-1,1,2,3,4"; give one row of at least seven numbers.'],
    ['1,-1,,2,3,4,0.5', 'received "1,-1,,2,3,4,0.5"'],
    ['1,-1,a,2,3,4,0.5', 'received "1,-1,a,2,3,4,0.5"'],
    ['1,-1,0x10,2,3,4,0.5', 'received "1,-1,0x10,2,3,4,0.5"'],
    ['1,-1,1,2,3,4,0.5\n2,-1,1,2,3,4,0.5', 'give one row of at least seven numbers'],
    ['0,-1,1,2,3,4,0.5', 'a frame number, an integer from 1, but received 0; '],
    ['1.5,-1,1,2,3,4,0.5', 'an integer from 1, but received 1.5; '],
    ['1e17,-1,1,2,3,4,0.5', 'an integer from 1, but received 100000000000000000; '],
    ['1,0.5,1,2,3,4,0.5', 'an integer ID but received 0.5; '],
    ['1,-1,1,2,-3,4,0.5', 'a width and height of at least 0 but received -3 × 4; '],
    ['1,-1,1e10,2,3,4,0.5', 'a box within ±1000000000 but received "1,-1,1e10,2,3,4,0.5"; '],
    ['1,-1,1,2,3,4,50', 'a score in [0, 1] but received 50; '],
    ['1,-1,1,2,3,4,-1', 'a score in [0, 1] but received -1; '],
    [[1, -1, NaN, 2, 3, 4, 0.5], 'received [1,-1,"NaN",2,3,4,0.5]'],
    [['1', '-1', '1', '2', '3', '4', '0.5'], 'frame,id,x,y,width,height,score but received ["1"'],
    [undefined, 'received undefined'],
    [null, 'received null'],
    [{ frame: 1 }, 'received {"frame":1}'],
  ])('refuses %j', (row, message) => {
    expect(() => fromMot(row as never)).toThrow(errorWith('INVALID_DETECTION', message));
    expect(() => fromMot(row as never)).toThrow(errorWith('INVALID_DETECTION', MESSAGE_FORM));
  });

  it('gives a valid detection or an error for any text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789.,-+e \t;\n'), maxLength: 80 }));
    fc.assert(
      fc.property(text, (line) => {
        let detection;
        try {
          detection = fromMot(line);
        } catch (error) {
          expect(error).toEqual(errorWith('INVALID_DETECTION', MESSAGE_FORM));
          return;
        }
        createTracker().update([detection]);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads long text without backtracking', () => {
    // Each would take minutes with a pattern that is not linear.
    for (const hostile of [
      ' '.repeat(200_000),
      ','.repeat(200_000),
      '1 '.repeat(200_000),
      '1, '.repeat(7) + ' '.repeat(200_000) + 'x',
      '1'.repeat(1_000_000),
    ]) {
      expect(() => fromMot(hostile)).toThrow(errorWith('INVALID_DETECTION', MESSAGE_FORM));
      const short = hostile.slice(0, 9_999);
      if (/^1,? /.test(short)) expect(fromMot(short)).toMatchObject({ frame: 1, score: 1 });
      else expect(() => fromMot(short)).toThrow(errorWith('INVALID_DETECTION', MESSAGE_FORM));
    }
  });
});
