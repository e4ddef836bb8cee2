import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { filePath, outputPlace } from '@facedet/files';

/**
 * Where a path or `file:` URL leads, without links, also for a file that is not there yet: two paths with the same
 * place are the same file.
 */
export function place(pathOrUrl: string): string {
  const path = /^file:\/\//i.test(pathOrUrl) ? filePath(pathOrUrl) : pathOrUrl;
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(resolve(path));
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path));
}

/** Whether an output is standard output: `-`, `/dev/stdout`. */
export function isStandardOutput(path: string): boolean {
  const found = outputKind(path);
  return found?.kind === 'stream' && found.fd === 1;
}

/** Whether an output is a pipe, a device or standard output, which can't be continued. */
export function isStream(path: string): boolean {
  return outputKind(path)?.kind === 'stream';
}

/** Undefined where nothing can be written; opening it will say why. */
function outputKind(path: string): ReturnType<typeof outputPlace> | undefined {
  try {
    return outputPlace(path);
  } catch {
    return undefined;
  }
}
