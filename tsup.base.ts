import { defineConfig, type Options } from 'tsup';

/** Private packages that are built into those that use them: code and declarations. */
const BUNDLED = ['@facedet/checks', '@facedet/files', '@facedet/http'];

/** The build of every library package: ESM, one file an entry, declarations beside it. */
export function library(entry: Record<string, string>, extra: Options = {}) {
  return defineConfig({
    entry,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    dts: { resolve: BUNDLED },
    noExternal: BUNDLED,
    clean: true,
    sourcemap: true,
    splitting: true,
    ...extra,
  });
}
