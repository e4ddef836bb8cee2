import { expect, it } from 'vitest';
import { colorLines } from './color-report.ts';

it('says in one line that the bits of a film are not those of its source', () => {
  const line = (pixelFormat: string, transfer: number, bitDepth?: 8 | 10, toneMap?: 'sdr') =>
    colorLines(
      'a.mp4',
      { pixelFormat, color: { range: 1, space: 9, primaries: 9, transfer, chromaLocation: 0 } },
      { ...(bitDepth && { bitDepth }), ...(toneMap && { toneMap }) },
    );
  expect(line('yuv420p', 1)).toEqual([]);
  expect(line('nv12', 18, 8)).toEqual([]);
  expect(line('yuv420p10le', 18, 10)).toEqual([]);
  expect(line('yuv420p10le', 18)).toEqual([
    'facedet: a.mp4: the source is 10-bit HLG (HDR), this film 8-bit with the same color tags; --bit-depth 10 ' +
      'keeps 10 bits, --tone-map sdr makes it SDR',
  ]);
  expect(line('p010le', 16)).toEqual([expect.stringContaining('10-bit PQ (HDR), this film 8-bit')]);
  for (const format of ['yuv422p10le', 'gbrp10le', 'yuv444p10be'])
    expect(line(format, 1)).toEqual([expect.stringContaining('the source is 10-bit, this film 8-bit')]);
  expect(line('yuv420p10le', 18, undefined, 'sdr')).toEqual([]);
  expect(line('yuv420p', 1, undefined, 'sdr')).toEqual([
    'facedet: a.mp4: the source is SDR, so --tone-map sdr changes nothing',
  ]);
  expect(line('yuv420p10le', 1, 8, 'sdr')).toHaveLength(2);
  expect(line('yuv422p12le', 1, 10)).toEqual(['facedet: a.mp4: the source is 12-bit, this film 10-bit']);
  expect(line('yuvj420p', 1, 10)).toEqual([
    expect.stringContaining('the source is 8-bit, this film 10-bit: its samples are stored in more bits'),
  ]);
});
