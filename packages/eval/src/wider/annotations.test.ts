import { describe, expect, it } from 'vitest';
import { parseWiderAnnotations, parseWiderImageList } from './annotations.ts';

describe('annotations', () => {
  const text =
    'e/a.jpg\n2\n1 2 3 4 0 0 0 0 0 0 \n5 6 7 8 2 1 1 1 2 1 \n' +
    'e/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \ne/c.jpg\n1\n1 1 1 1 0 0 0 0 0 0\n';

  it('parses images with and without faces', () => {
    const images = parseWiderAnnotations(text, 'bbx.txt');
    expect(images.map(({ name, line }) => [name, line])).toEqual([
      ['e/a', 1],
      ['e/b', 5],
      ['e/c', 8],
    ]);
    expect(images[0]!.boxes).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(images[0]!.attributes.subarray(6)).toEqual(Uint8Array.of(2, 1, 1, 1, 2, 1));
    expect(images[1]!.boxes).toHaveLength(0);
    expect(parseWiderImageList(text, 'bbx.txt')).toEqual(['e/a', 'e/b', 'e/c']);
    expect(parseWiderImageList('x/e/a.jpg\nx/e/b.jpg', 'list.txt')).toEqual(['e/a', 'e/b']);
  });

  it.each([
    [
      'cut after an image',
      text.slice(0, 8),
      'bbx.txt, line 2: expected the number of faces of e/a.jpg but received the end of the file',
    ],
    ['cut in a row', text.slice(0, 18), 'bbx.txt, line 3: expected x y width height blur'],
    [
      'cut between rows',
      text.slice(0, 31),
      'bbx.txt, line 4: expected 2 faces of e/a.jpg but received the end of the file after 1',
    ],
    ['a row missing', text.replace('5 6 7 8 2 1 1 1 2 1 \n', ''), 'bbx.txt, line 4: expected x y width height blur'],
    [
      'an additional row',
      text.replace('e/c.jpg', '1 2 3 4 0 0 0 0 0 0\ne/c.jpg'),
      'bbx.txt, line 8: expected the path of an image',
    ],
    [
      'a word in place of a count',
      text.replace('\n2\n', '\ntwo\n'),
      'bbx.txt, line 2: expected the number of faces of e/a.jpg but received "two"',
    ],
    [
      'an image twice',
      text + text,
      'bbx.txt, line 11: expected each image once but received e/a.jpg again (first in line 1)',
    ],
  ])('rejects %s', (_, broken, message) => {
    expect(() => parseWiderAnnotations(broken, 'bbx.txt')).toThrow(message);
  });

  it('rejects a list without images', () => {
    expect(() => parseWiderImageList('nothing\n', 'list.txt')).toThrow('list.txt, line 1: expected paths of images');
  });
});
