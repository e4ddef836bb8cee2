import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isFaceDetError } from '@facedet/core';
import { bundledModels, findModelBySha256, models } from '../manifest.ts';
import type { ModelEntry } from '../types.ts';
import { placesOf, readPin } from './cache.ts';
import { bundledPath, inspect, knownHashes, nameOf } from './file.ts';
import type { ResolvedModel, ResolveModelOptions } from './options.ts';

/** A model file on this machine. */
export interface StoredModel {
  /** The entry's name, or the file's. */
  readonly name: string;
  readonly entry?: ModelEntry;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Only after verification. */
  readonly sha256?: string;
  /** Only after verification; `damaged`: the file is not the one it was, or should be. */
  readonly trust?: ResolvedModel['trust'] | 'damaged';
}

/** Options of `storedModels`. */
export interface StoredModelsOptions extends Pick<ResolveModelOptions, 'cacheDir' | 'signal'> {
  /** Read every file and compare its SHA-256; without it only names and sizes are read. */
  readonly verify?: boolean;
}

/**
 * Every model on this machine: FaceDet's own weights and the files of the cache folder, in the manifest's order, then
 * by name.
 */
export async function storedModels(options: StoredModelsOptions = {}): Promise<StoredModel[]> {
  const { cacheDir } = placesOf(options);
  const files: { path: string; entry?: ModelEntry }[] = bundledModels.map((entry) => ({
    path: bundledPath(entry),
    entry,
  }));
  const names = await onnxFiles(cacheDir);
  for (const entry of models) {
    for (const name of [entry.name, ...entry.aliases])
      if (names.delete(`${name}.onnx`)) files.push({ path: join(cacheDir, `${name}.onnx`), entry });
  }
  for (const name of names) files.push({ path: join(cacheDir, name) });
  for (const name of await onnxFiles(join(cacheDir, 'urls'))) files.push({ path: join(cacheDir, 'urls', name) });

  const stored: StoredModel[] = [];
  for (const { path, entry } of files) {
    const size = await stat(path).then(
      (info) => info.size,
      () => undefined,
    );
    if (size === undefined) continue;
    stored.push(
      options.verify
        ? await verified(path, entry, size, options.signal)
        : { name: entry?.name ?? nameOf(path), ...(entry ? { entry } : {}), path, size },
    );
  }
  return stored;
}

async function verified(
  path: string,
  named: ModelEntry | undefined,
  size: number,
  signal?: AbortSignal,
): Promise<StoredModel> {
  const found = await inspect(path, signal).catch((error: unknown) => {
    if (!isFaceDetError(error)) throw error;
    return undefined;
  });
  const entry = named ?? (found && findModelBySha256(found.sha256));
  const known = entry && found && knownHashes(entry).has(found.sha256);
  const pin = await readPin(path);
  const pinned = pin && found && pin.sha256 === found.sha256 && entry?.file.verification !== 'official';
  const trust = known
    ? 'verified'
    : pinned
      ? 'pinned'
      : pin || (entry && knownHashes(entry).size > 0 && entry.file.verification !== 'export') || !found
        ? 'damaged'
        : 'unverified';
  return {
    name: entry?.name ?? nameOf(path),
    ...(entry ? { entry } : {}),
    path,
    size,
    ...(found ? { sha256: found.sha256 } : {}),
    trust,
  };
}

async function onnxFiles(folder: string): Promise<Set<string>> {
  const names = await readdir(folder).catch(() => []);
  return new Set(names.filter((name) => name.endsWith('.onnx')).sort());
}
