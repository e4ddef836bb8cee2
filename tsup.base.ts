import { defineConfig, type Options } from 'tsup';

/** The build of every library package: ESM, one file an entry, declarations beside it. */
export function library(entry: Record<string, string>, extra: Options = {}) {
  return defineConfig({ entry, format: 'esm', target: 'es2022', platform: 'neutral', dts: true, clean: true, sourcemap: true, splitting: true, ...extra });
}
