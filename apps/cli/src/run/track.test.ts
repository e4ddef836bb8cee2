import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Context } from '../shared/context.ts';
import { run } from './track.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-track-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function track(text: string, options: Partial<Parameters<typeof run>[1]> = {}): Promise<number[][]> {
  const input = join(folder, 'det.txt');
  writeFileSync(input, text);
  let output = '';
  const context = {
    write: async (data: string) => void (output += data),
    log() {},
    signal: new AbortController().signal,
  } as unknown as Context;
  await run(context, { output: '-', fps: 30, ...options }, input);
  return output
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(',').map(Number));
}

const walker = (frame: number) => `${frame},-1,${100 + 2 * frame},50,40,50,0.9`;
const frames = (...numbers: number[]) => numbers.map(walker).join('\n');

describe('track', () => {
  it('gives one ID to one face, with rows in any order and blank lines', async () => {
    const rows = await track(`${frames(3, 1, 2)}\r\n\n`);
    expect(rows.map(([frame, id]) => [frame, id])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(rows[0]).toEqual([1, 1, 102, 50, 40, 50, 0.9, -1, -1, -1]);
  });

  it('takes frames between those of every 5th for unseen, not for empty', async () => {
    const late = '\n1,-1,500,50,40,50,0.9\n6,-1,700,50,40,50,0.9\n11,-1,700,50,40,50,0.9';
    const rows = await track(frames(1, 6, 11, 16) + late);
    expect(rows.filter(([, id]) => id === 1).map(([frame]) => frame)).toEqual([1, 6, 11, 16]);
    // The one that comes in frame 6 is confirmed by its second detection, in frame 11.
    expect(rows.filter(([, id]) => id === 3).map(([frame]) => frame)).toEqual([11]);
  });

  it.each([
    [150, 30],
    [2, 0.1],
    [1, 0.01],
  ])('keeps a track over %d frames between detections at %d fps, where all gaps are that long', async (stride, fps) => {
    const rows = await track(
      Array.from({ length: 8 }, (_, i) => `${1 + i * stride},-1,${100 + 2 * i},50,40,50,0.9`).join('\n'),
      { fps },
    );
    expect(rows.map(([, id]) => id)).toEqual(Array(8).fill(1));
  });

  it('starts tracks where the score threshold is close to 1', async () => {
    const sure = (frame: number) => `${frame},-1,${100 + 2 * frame},50,40,50,0.99`;
    expect(await track([1, 2, 3].map(sure).join('\n'), { scoreThreshold: 0.95 })).toHaveLength(3);
    await expect(track(sure(1), { scoreThreshold: 1, compat: true })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('in compat only scores above it start tracks'),
    });
  });

  it('ends a track after a long gap', async () => {
    const rows = await track(`${frames(1, 2, 3)}\n1000000,-1,106,50,40,50,0.9\n1000001,-1,106,50,40,50,0.9`);
    expect(rows.map(([frame, id]) => [frame, id])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [1000001, 2],
    ]);
  });

  it('ends a track between the only two frames, however far apart', async () => {
    const rows = await track('1,-1,106,50,40,50,0.9\n1000,-1,106,50,40,50,0.9\n');
    expect(rows.map(([frame, id]) => [frame, id])).toEqual([[1, 1]]);
    const near = await track('1,-1,106,50,40,50,0.9\n6,-1,106,50,40,50,0.9\n');
    expect(near.map(([frame, id]) => [frame, id])).toEqual([
      [1, 1],
      [6, 1],
    ]);
  });

  it('refuses a frame number that no film has, with its line', async () => {
    await expect(track(`${frames(1)}\n9007199254740991,-1,1,2,3,4,0.9`)).rejects.toMatchObject({
      code: 'MALFORMED_FILE',
      message: expect.stringMatching(
        /^line 2: Expected a frame number from 1 to 20000000 but received 9007199254740991;/,
      ),
    });
  });

  it('leaves out small and wide boxes', async () => {
    expect(await track(frames(1, 2), { minArea: 2000 })).toEqual([]);
    expect(await track(frames(1, 2), { minArea: 1999 })).toHaveLength(2);
    expect(await track(frames(1, 2), { maxAspectRatio: 0.79 })).toEqual([]);
  });

  it('writes a file whole', async () => {
    const output = join(folder, 'tracks.txt');
    expect(await track(frames(1), { output })).toEqual([]);
    expect(readFileSync(output, 'utf8')).toBe('1,1,102,50,40,50,0.9,-1,-1,-1\n');
  });

  it('of nothing is nothing', async () => {
    expect(await track('')).toEqual([]);
  });

  it.each([
    ['1,-1,a,2,3,4,0.5', 'line 1: Expected frame,id,x,y,width,height,score but received "1,-1,a,2,3,4,0.5"; '],
    ['1,-1,1,2,3,4', 'line 1: Expected frame,id,x,y,width,height,score but received '],
    ['1,-1,,2,3,4,0.5', 'line 1: Expected frame,id,x,y,width,height,score but received '],
    [`${walker(1)}\n0,-1,1,2,3,4,0.5`, 'line 2: Expected a frame number, an integer from 1, but received 0; '],
    ['1,-1,1,2,3,4,50', 'line 1: Expected a score in [0, 1] but received 50; '],
    ['1,-1,1,2,-3,4,0.5', 'line 1: Expected a width and height of at least 0 but received -3 × 4; '],
  ])('refuses %j, naming the line', async (text, message) => {
    await expect(track(text)).rejects.toMatchObject({
      code: 'MALFORMED_FILE',
      exitCode: 1,
      message: expect.stringContaining(message),
    });
  });
});
