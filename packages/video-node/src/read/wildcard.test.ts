import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wildcard } from './wildcard.ts';

it.each<[string, string[], string[]]>([
  ['*.jpg', ['a.jpg', '.jpg'], ['a.jpeg', 'ajpg', 'a.jpg.']],
  ['a?c', ['abc', 'a?c', 'a.c'], ['ac', 'abbc']],
  ['[0-9][!a].png', ['1b.png', '9-.png'], ['1a.png', 'xb.png', '1.png']],
  ['*a*b', ['ab', 'xaxb', 'aab', 'abab'], ['ba', 'abc', '']],
  ['[z-a]', [], ['a', 'z', '-']],
  ['[]]x', [']x'], ['x', '[]]x']],
  ['[', ['['], ['x']],
  ['a+(b).{1}^$|\\', ['a+(b).{1}^$|\\'], ['ab1']],
])('%s', (pattern, fitting, others) => {
  const fits = wildcard(pattern);
  expect(fitting.filter((name) => !fits(name))).toEqual([]);
  expect(others.filter(fits)).toEqual([]);
});

it('a name without wildcards matches only itself; stars may replace any parts of it', () => {
  const plain = fc.string({ unit: fc.constantFrom('a', 'b', '.', '(', '\\', '😀') });
  fc.assert(fc.property(plain, plain, (name, other) => void expect(wildcard(name)(other)).toBe(name === other)));
  fc.assert(
    fc.property(
      plain,
      fc.nat(20),
      fc.nat(20),
      (name, from, length) =>
        void expect(wildcard(`${name.slice(0, from)}*${name.slice(from + length)}`)(name)).toBe(true),
    ),
  );
});

it('many stars and brackets take no time', () => {
  expect(wildcard(`${'*a'.repeat(60)}*b`)('a'.repeat(250))).toBe(false);
  expect(wildcard('['.repeat(1e5))('x')).toBe(false);
});
