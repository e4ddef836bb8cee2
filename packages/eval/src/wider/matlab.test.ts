import { describe, expect, it } from 'vitest';
import { readMatlab } from './matlab.ts';
import { writeMatlab } from './write-matlab.fixture.ts';

const file = writeMatlab({
  other: { cells: Array.from({ length: 30 }, (_, k) => [k]) },
  names: { cells: ['one', 'another'] },
  boxes: {
    cells: [
      [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
      [],
    ],
  },
  indices: [3, 1, 2],
});

describe('readMatlab', () => {
  it('reads cells, text and numbers, and only the requested variables', async () => {
    const read = await readMatlab(file, 'a.mat', ['names', 'boxes', 'indices']);
    expect([...read.keys()]).toEqual(['names', 'boxes', 'indices']);
    expect(read.get('names')).toEqual({
      kind: 'cells',
      dims: [2, 1],
      cells: [
        { kind: 'text', text: 'one' },
        { kind: 'text', text: 'another' },
      ],
    });
    const boxes = read.get('boxes');
    const first = boxes?.kind === 'cells' ? boxes.cells[0] : undefined;
    expect(first?.kind === 'numbers' && Array.from(first.data)).toEqual([1, 5, 2, 6, 3, 7, 4, 8]);
    expect(first?.kind === 'numbers' && first.dims).toEqual([2, 4]);
    const indices = read.get('indices');
    expect(indices?.kind === 'numbers' && Array.from(indices.data)).toEqual([3, 1, 2]);
  });

  it('names the file and the problem', async () => {
    await expect(readMatlab(new Uint8Array(10), 'a.mat', ['x'])).rejects.toThrow(
      'a.mat: expected a MATLAB 5 file but received one without its header; use',
    );
    await expect(readMatlab(new TextEncoder().encode('{'.repeat(200)), 'a.mat', ['x'])).rejects.toThrow(
      'received one without its header',
    );
    await expect(readMatlab(file, 'a.mat', ['names', 'labels'])).rejects.toThrow(
      'a.mat: expected a MATLAB 5 file but received one without labels (of names, labels).',
    );
  });

  it('rejects every truncation, and fails on damage with MALFORMED_FILE only', async () => {
    for (let size = 0; size < file.length; size += 7) {
      await expect(
        readMatlab(file.subarray(0, size), 'a.mat', ['names', 'boxes', 'indices']),
        `${size} bytes`,
      ).rejects.toThrow(expect.objectContaining({ name: 'FaceDetError', code: 'MALFORMED_FILE' }));
    }
    for (let at = 128; at < file.length; at += 3) {
      const damaged = file.slice();
      damaged[at]! ^= 0x5a;
      try {
        await readMatlab(damaged, 'a.mat', ['names', 'boxes', 'indices']);
      } catch (error) {
        expect(error).toMatchObject({ name: 'FaceDetError', code: 'MALFORMED_FILE' });
      }
    }
  });
});
