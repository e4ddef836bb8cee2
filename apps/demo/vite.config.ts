import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const require = createRequire(import.meta.url);
const ort = join(require.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'), '..');
// The plain build for WASM, and the one that also drives WebGPU; each an .mjs that loads its .wasm and, for threads,
// itself.
const ENGINE_FILES = [
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.wasm',
  'ort-wasm-simd-threaded.asyncify.mjs',
  'ort-wasm-simd-threaded.asyncify.wasm',
];

/** Serves and ships the engine's files under ort/, unbundled: its threads load their own script by name. */
function engineFiles(): Plugin {
  return {
    name: 'engine-files',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = /\/ort\/([\w.-]+)/.exec(request.url ?? '')?.[1];
        if (!name || !ENGINE_FILES.includes(name)) return next();
        response.setHeader('content-type', name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
        createReadStream(join(ort, name)).pipe(response);
      });
    },
    async generateBundle() {
      for (const name of ENGINE_FILES)
        this.emitFile({ type: 'asset', fileName: `ort/${name}`, source: await readFile(join(ort, name)) });
    },
  };
}

/** The headers of public/_headers, so that development and preview behave as the served site. */
async function siteHeaders(): Promise<Record<string, string>> {
  const text = await readFile(new URL('./public/_headers', import.meta.url), 'utf8');
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      }),
  );
}

export default defineConfig(async ({ command }) => {
  const headers = await siteHeaders();
  const { 'Content-Security-Policy': _, ...development } = headers; // Vite's own client is injected inline
  return {
    base: './',
    plugins: [engineFiles()],
    // The library without its engine inlined: the files are in ort/.
    resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'] },
    optimizeDeps: { exclude: ['@facedet/runtime-web', 'onnxruntime-web'] },
    worker: { format: 'es' as const },
    build: { target: 'es2022', chunkSizeWarningLimit: 1200, assetsInlineLimit: 0 },
    server: { headers: command === 'serve' ? development : {} },
    preview: { headers },
  };
});
