import { defineConfig } from 'tsup';

const entry = { index: 'src/index.ts', worker: 'src/worker.ts' };
const shared = {
  entry,
  format: 'esm' as const,
  target: 'es2022',
  platform: 'browser' as const,
  sourcemap: true,
  splitting: true,
};

export default defineConfig([
  // The types of `await using`, also where a page's tsconfig names an older library.
  { ...shared, dts: { banner: '/// <reference lib="esnext.disposable" />' }, clean: ['dist/*.*'] },
  // For pages without a bundler: everything in it but the engine's .wasm files and mediabunny.
  {
    ...shared,
    outDir: 'dist/standalone',
    clean: true,
    minify: true,
    noExternal: [/^@facedet\//, /^onnxruntime-/],
    external: ['mediabunny'],
    esbuildOptions(options) {
      options.conditions = ['onnxruntime-web-use-extern-wasm', 'browser', 'module'];
    },
  },
]);
