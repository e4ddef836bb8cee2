import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { published, root } from '../lib/workspace.mjs';

/**
 * Holds the ceilings of scripts/sizes.json: bytes of all that the packages export, bundled, minified and compressed by
 * gzip, which every server can (Brotli makes less); engines left out.
 */
export async function sizes() {
  const ceilings = JSON.parse(readFileSync(join(root, 'scripts', 'sizes.json'), 'utf8'));
  // By import specifier: `@facedet/eval/mot` is the entry `./mot`.
  const entries = new Map(
    published().flatMap(({ name, folder, manifest }) =>
      // Not ./package.json, which is a plain path.
      Object.entries(manifest.exports ?? {}).flatMap(([path, target]) =>
        target.default ? [[`${name}${path.slice(1)}`, join(folder, target.default)]] : [],
      ),
    ),
  );
  const lines = [];
  let tooLarge = 0;
  for (const { name, packages, limit } of ceilings) {
    const { outputFiles } = await build({
      stdin: {
        contents: packages
          .map((each, i) => `export * as part${i} from ${JSON.stringify(entries.get(each))};`)
          .join('\n'),
        resolveDir: root,
      },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      external: ['onnxruntime-web', 'onnxruntime-web/*', 'onnxruntime-common', 'mediabunny'],
      logLevel: 'silent',
    });
    const code = outputFiles[0].contents;
    const bytes = gzipSync(code, { level: 9 }).length;
    if (bytes > limit) tooLarge++;
    lines.push(
      `${name}: ${bytes} bytes (at most ${limit}; Brotli ${brotliCompressSync(code).length}, minified ` +
        `${code.length})${bytes > limit ? ' TOO LARGE' : ''}`,
    );
  }
  return { code: tooLarge ? 1 : 0, output: lines.join('\n') };
}
