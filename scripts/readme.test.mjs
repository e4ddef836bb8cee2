// The commands of the root's and the examples' READMEs, run as written.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelFile } from './lib/model.mjs';
import { blocksOf, runBlock } from './lib/readme.mjs';
import { root } from './lib/workspace.mjs';

/** The line that runs all tests: it runs this one too, so it is only held to be the one that CI runs. */
const TEST_LINE = /^npx -y pnpm@[\d.]+ test$/;

const places = ['.', 'examples', ...readdirSync(join(root, 'examples')).map((name) => join('examples', name))];
const files = places.map((place) => join(root, place, 'README.md')).filter((file) => existsSync(file));

describe('commands of the READMEs', () => {
  for (const block of files.flatMap(blocksOf)) {
    const lines = block.code.split('\n').filter((line) => !TEST_LINE.test(line));
    it(`${block.file}:${block.line} (${block.language}) runs`, async () => {
      const { code, output } = await runBlock(
        { ...block, code: lines.join('\n') },
        { cwd: join(root, dirname(block.file)), env: { CI: 'true', MODEL: modelFile() } },
      );
      expect(code, output).toBe(0);
    }, 600_000);
  }
});
