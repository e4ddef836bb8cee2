import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { show, evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { moveIndexToFront, shiftOffsets } from './faststart.ts';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The types of the top-level boxes of a file. */
function boxTypes(path: string): string[] {
  const bytes = readFileSync(path);
  const types: string[] = [];
  for (let place = 0; place + 8 <= bytes.length;) {
    const short = bytes.readUInt32BE(place);
    types.push(bytes.toString('latin1', place + 4, place + 8));
    place += short === 1 ? Number(bytes.readBigUInt64BE(place + 8)) : short;
  }
  return types;
}

describe('a finished MP4 or MOV', () => {
  it('has its index in front of its data, and no file beside it', async () => {
    for (const name of ['film.mp4', 'film.mov', 'film.m4v']) {
      const times = evenTimes(60);
      await writeNumbered(at(name), times);
      const types = boxTypes(at(name));
      expect(types.indexOf('moov'), types.join()).toBeLessThan(types.indexOf('mdat'));
      expect(types.filter((type) => type === 'moov').length).toBe(1);
      const { times: read, error } = await show(at(name));
      expect(error).toBeUndefined();
      read.forEach((time, i) => expect(time).toBeCloseTo(times[i]!, 4));
      expect(read.length).toBe(60);
    }
    expect(readdirSync(folder).sort()).toEqual(['film.m4v', 'film.mov', 'film.mp4']);
  });

  it('is not changed if there is nothing to move, or its boxes are broken', async () => {
    await writeNumbered(at('whole.mp4'), evenTimes(5));
    const bytes = readFileSync(at('whole.mp4'));
    expect(await moveIndexToFront(at('whole.mp4'))).toBe(false);
    expect(readFileSync(at('whole.mp4')).equals(bytes)).toBe(true);
    writeFileSync(at('cut.mp4'), bytes.subarray(0, bytes.length - 20));
    expect(await moveIndexToFront(at('cut.mp4'))).toBe(false);
  });

  it('keeps its index at the end if 32-bit offsets would overflow', () => {
    const stco = Buffer.alloc(20);
    stco.writeUInt32BE(20, 0);
    stco.write('stco', 4, 'latin1');
    stco.writeUInt32BE(1, 12);
    stco.writeUInt32BE(0xffff_fff0, 16);
    expect(shiftOffsets(Buffer.from(stco), (offset) => offset + 1n)).toBe(true);
    expect(shiftOffsets(Buffer.from(stco), (offset) => offset + 100n)).toBe(false);
  });
});
