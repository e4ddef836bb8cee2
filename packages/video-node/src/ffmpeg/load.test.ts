import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadFfmpeg } from './load.ts';

it.skipIf(process.platform === 'win32')(
  'loads after a lookup of a named pipe (skipped on Windows: no mkfifo)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'facedet-load-'));
    try {
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      expect(statSync(join(folder, 'pipe')).isFIFO()).toBe(true);
      expect((await loadFfmpeg()).constants.AVMEDIA_TYPE_VIDEO).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
