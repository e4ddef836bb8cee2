import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FaceDetError, type InferenceBackend } from '@facedet/core';
import { oneLine } from '@facedet/files';

/** A backend of one's own for a pool: functions can't be sent to a thread, so a module is named that makes it there. */
export interface BackendModule {
  /**
   * A module whose default export, or `createBackend`, is an `InferenceBackend` or a function of `options` that returns
   * one (or a promise of one). A URL, a path, or a package's name as seen from the working folder; in a module, `new
   * URL('./backend.js', import.meta.url)` or `import.meta.resolve('package')` say exactly which.
   */
  module: string | URL;
  /** Handed to the module's function; data that can be cloned. */
  options?: unknown;
}

/** What `import()` takes in any thread for a module named here. */
export function resolveBackendModule(module: string | URL): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== 'string' || module === '')
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a module's URL, path or name for backend.module but received ${String(module)}.`,
    );
  if (/^(file|data|node):/.test(module)) return module;
  if (isAbsolute(module) || /^\.{1,2}[\\/]/.test(module)) return pathToFileURL(resolve(module)).href;
  try {
    return pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(module)).href;
  } catch {
    return module; // a package that only `import` may load: the thread tries
  }
}

/** Imports a module and makes its backend. Rejects with `BACKEND_UNUSABLE`. */
export async function importBackend(module: string, options: unknown): Promise<InferenceBackend> {
  let loaded: { default?: unknown; createBackend?: unknown };
  try {
    loaded = (await import(module)) as typeof loaded;
  } catch (cause) {
    throw new FaceDetError(
      'BACKEND_UNUSABLE',
      `Expected a module with an inference backend but ${module} can't be imported: ` +
        `${oneLine((cause as Error).message)} Name it by URL, for example with import.meta.resolve().`,
      { cause },
    );
  }
  const made: unknown = loaded.default ?? loaded.createBackend;
  let backend: unknown;
  try {
    backend = await (typeof made === 'function' ? (made as (options: unknown) => unknown)(options) : made);
  } catch (cause) {
    throw new FaceDetError(
      'BACKEND_UNUSABLE',
      `The inference backend of ${module} could not be made: ${oneLine((cause as Error).message)}`,
      { cause },
    );
  }
  if (typeof (backend as Partial<InferenceBackend> | undefined)?.createSession !== 'function') {
    throw new FaceDetError(
      'BACKEND_UNUSABLE',
      `Expected the default export (or createBackend) of ${module} to be an InferenceBackend or a function ` +
        `that returns one but received ${Object.prototype.toString.call(backend)}.`,
    );
  }
  return backend as InferenceBackend;
}
