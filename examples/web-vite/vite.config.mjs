import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// The engine's files go along as they are, not bundled: its threads load their own script by name.
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
mkdirSync(here('public/ort'), { recursive: true });
for (const build of ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify']) {
  for (const type of ['mjs', 'wasm'])
    copyFileSync(here(`node_modules/onnxruntime-web/dist/${build}.${type}`), here(`public/ort/${build}.${type}`));
}
copyFileSync(here('../sample.png'), here('public/sample.png'));

// Threads for WASM need these two headers, on the real site too.
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  base: './',
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'] },
  // Vite's pre-bundling would tear the worker's script from its package.
  optimizeDeps: { exclude: ['@facedet/runtime-web', 'onnxruntime-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0 },
  server: { headers },
  preview: { headers },
});
