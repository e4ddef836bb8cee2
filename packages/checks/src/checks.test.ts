/// <reference types="node" />
import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOptionNames, FaceDetError, isFaceDetError, received } from './index.ts';

/** Another copy of the class, like that in the bundle of another package. */
async function anotherCopy(): Promise<typeof FaceDetError> {
  const { FaceDetError: copy } = (await import(
    /* @vite-ignore */ new URL('./errors.ts?copy', import.meta.url).href
  )) as { FaceDetError: typeof FaceDetError };
  return copy;
}

describe('FaceDetError', () => {
  it('is one class across copies', async () => {
    const Other = await anotherCopy();
    expect(Other).not.toBe(FaceDetError);
    expect(new Other('SOME_CODE', 'Expected a but received b.') instanceof FaceDetError).toBe(true);
    expect(new FaceDetError('SOME_CODE', 'Expected a but received b.') instanceof Other).toBe(true);
    expect(isFaceDetError(new Other('SOME_CODE', ''))).toBe(true);
  });

  it('has a message of at most 1,000 characters, of which the start and the end are kept', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 3000 }),
        fc.constantFrom('a', '😀'),
        fc.nat(20_000),
        (text, filler, count) => {
          const message = `Expected a${text}${filler.repeat(count)}; give another.`;
          const shown = new FaceDetError('SOME_CODE', message).message;
          expect(shown.length).toBeLessThanOrEqual(1000);
          expect(shown.startsWith('Expected a') && shown.endsWith('; give another.')).toBe(true);
          expect(new FaceDetError('SOME_CODE', shown).message).toBe(shown);
          expect(shown).not.toMatch(/\S{201}/);
          // eslint-disable-next-line no-control-regex
          expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
          if (text === '')
            expect(shown).not.toMatch(/(?<![\ud800-\udbff])[\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])/);
        },
      ),
    );
  });

  it('has its message as it is where that can be read', () => {
    for (const message of ['', 'Expected a but received b.', `${'word '.repeat(199)}\nend`, 'x'.repeat(200)])
      expect(new FaceDetError('SOME_CODE', message).message).toBe(message);
    expect(new FaceDetError('SOME_CODE', 'a\x1b[2J\u2028b').message).toBe('a\\u001b[2J\\u2028b');
  });

  it('is recognized from another realm', () => {
    const foreign: unknown = vm.runInNewContext(
      `Object.assign(new Error('Expected a but received b.'), { name: 'FaceDetError', code: 'SOME_CODE' })`,
    );
    expect(foreign instanceof Error).toBe(false);
    expect(foreign instanceof FaceDetError).toBe(true);
  });

  it.each([
    null,
    undefined,
    1,
    'FaceDetError',
    {},
    { name: 'FaceDetError', code: 'X' },
    new Error('no code'),
    Object.assign(new Error('system'), { code: 'ENOENT' }),
    Object.assign(new Error('no code'), { name: 'FaceDetError' }),
  ])('is not %s', (value) => {
    expect(value instanceof FaceDetError).toBe(false);
    expect(isFaceDetError(value)).toBe(false);
  });

  it('has subclasses with the usual meaning', () => {
    class CustomError extends FaceDetError {}
    expect(new CustomError('SOME_CODE', '') instanceof CustomError).toBe(true);
    expect(new CustomError('SOME_CODE', '') instanceof FaceDetError).toBe(true);
    expect(new FaceDetError('SOME_CODE', '') instanceof CustomError).toBe(false);
  });

  it('keeps its cause', () => {
    const cause = new Error('why');
    expect(new FaceDetError('SOME_CODE', 'what', { cause }).cause).toBe(cause);
  });
});

describe('checkOptionNames', () => {
  const known = ['scoreThreshold', 'lowScoreThreshold', 'inputSize', 'tiles'];

  it.each([undefined, {}, { inputSize: 1 }, { tiles: undefined, unknownOption: undefined }])(
    'accepts %j',
    (options) => {
      expect(() => checkOptionNames(options, known)).not.toThrow();
    },
  );

  it.each([
    [{ scoreTreshold: 1 }, 'did you mean scoreThreshold?'],
    [{ score_threshold: 1 }, 'did you mean scoreThreshold?'],
    [{ inputsize: 1 }, 'did you mean inputSize?'],
    [{ tile: true }, 'did you mean tiles?'],
    [{ threshold: 1 }, 'did you mean scoreThreshold?'],
    [{ treshold: 1 }, 'did you mean scoreThreshold?'],
    [{ inputDimensions: 1 }, 'there are: '],
    [{ sizes: 1 }, 'did you mean inputSize?'],
    [{ zebra: 1 }, 'there are: scoreThreshold, lowScoreThreshold, inputSize, tiles.'],
  ])('refuses %j', (options, hint) => {
    expect(() => checkOptionNames(options, known)).toThrow(hint);
  });

  it.each([null, 5, 'fast', [1, 2]])('refuses %j, which is not an object', (options) => {
    expect(() => checkOptionNames(options, known, 'tiles.')).toThrow(/^Expected an object for tiles but received /);
  });

  it('has a short message for any name', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3000 }), (name) => {
        fc.pre(!known.includes(name) && name !== '__proto__');
        let message = '';
        try {
          checkOptionNames({ [name]: 1 }, known);
        } catch (error) {
          message = (error as Error).message;
        }
        expect(message).toMatch(/^Expected a known name in options but received /);
        expect(message.length).toBeLessThan(1000);
      }),
    );
  });
});

describe('received', () => {
  it('is short and never throws', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true }), (value) => {
        expect(received(value).length).toBeLessThan(200);
      }),
    );
    expect(received(circular)).toBe('an object');
    expect(received({ x: NaN })).toBe('{"x":"NaN"}');
    expect(received(new Uint8Array(3))).toBe('a Uint8Array of 3 bytes');
    expect(received('x'.repeat(5000)).length).toBeLessThan(100);
  });

  it('is short for pixels, long arrays and unreadable objects, without reading all of them', () => {
    class LongName extends Uint8Array {}
    Object.defineProperty(LongName, 'name', { value: 'x'.repeat(5000) });
    const detached = new DataView(new ArrayBuffer(8));
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(received({ data: new Uint8Array(6e6), width: 2000 })).toBe(
      '{"data":"a Uint8Array of 6000000 bytes","width":2000}',
    );
    let reads = 0;
    const long = new Proxy(new Array<number>(5e6).fill(1), {
      get(target, key) {
        reads++;
        return Reflect.get(target, key) as unknown;
      },
    });
    expect(received(long).length).toBeLessThan(110);
    expect(received({ faces: long }).length).toBeLessThan(110);
    expect(reads).toBeLessThan(1000);
    expect(received(new LongName(1)).length).toBeLessThan(100);
    expect(received(Object.setPrototypeOf(new Uint8Array(1), null))).toMatch(/^a view /);
    expect(received(detached)).toBe('an object that cannot be read');
    expect(received(revoked.proxy)).toBe('an object that cannot be read');
  });

  it('gives a next step for options that are not an object', () => {
    expect(() => checkOptionNames(null, ['size'])).toThrow(
      'Expected an object for options but received null; leave it out for the defaults.',
    );
  });
});
