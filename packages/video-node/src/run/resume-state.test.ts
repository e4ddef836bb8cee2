import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { tempFolder } from '../fixtures.ts';
import { openResumeState, type ResumePoint } from './resume-state.ts';

let folder: string;
beforeEach(() => {
  folder = tempFolder();
  vi.stubEnv('FACEDET_MODELS', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A state of about `bytes` bytes. */
function point(index: number, bytes: number): ResumePoint {
  const snapshot = 'x'.repeat(bytes);
  return {
    index,
    timestamp: index / 25,
    snapshot,
    lingering: [],
    totals: { ids: [], damage: { frames: 0 } },
  } as unknown as ResumePoint;
}

const kept = () => readdirSync(join(folder, 'resume')).map((name) => join(folder, 'resume', name));

it.each([
  [100, 12],
  [1.9e6, 6],
  [5.5e6, 3],
])('keeps the last states of %d bytes in a file of bounded size, for another run', (bytes, count) => {
  const state = openResumeState(['a.jsonl'], {} as never, false);
  for (let index = 0; index < 20; index++) state.offer(() => point(index, bytes), true);
  const [path] = kept();
  expect(statSync(path!).size).toBeLessThan(17e6);
  expect((JSON.parse(readFileSync(path!, 'utf8')) as ResumePoint[]).map(({ index }) => index)).toEqual(
    Array.from({ length: count }, (_, i) => 20 - count + i),
  );
  const again = openResumeState(['a.jsonl'], {} as never, true);
  expect(again.before(20)).toEqual(point(19, bytes));
  expect(again.before(20 - count)).toBeUndefined();
  again.forget();
  expect(kept()).toEqual([]);
});
