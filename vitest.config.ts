import { defineConfig } from 'vitest/config';

const conditions = ['@facedet/source', 'module', 'node', 'development|production'];

export default defineConfig({
  // Packages are tested from their sources; only what needs a built file (workers, the command) reads dist.
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'apps/*/src/**/*.test.ts',
      'examples/**/*.test.ts',
      'scripts/**/*.test.{ts,mjs}',
    ],
    // A busy machine is slow, not wrong.
    testTimeout: 240_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
