import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { makeFolder, redactUrl, replaceFile, shownSource } from '@facedet/files';
import envPaths from 'env-paths';
import { baseOf } from '../base-url.ts';
import type { ModelLicense } from '../types.ts';
import type { ResolveModelOptions } from './options.ts';

/** Where models are kept and where they come from, after `FACEDET_MODELS` and the options are weighed. */
export interface Places {
  readonly cacheDir: string;
  /** Without a slash at its end. */
  readonly baseUrl?: string;
}

/**
 * The folder in which downloaded models are kept: `FACEDET_MODELS` where it is set to a folder, else the platform's
 * cache folder (`~/.cache/facedet`, `~/Library/Caches/facedet`, `%LOCALAPPDATA%\facedet\Cache`).
 */
export function modelCacheDir(): string {
  return placesOf({}).cacheDir;
}

/** Weighs options against `FACEDET_MODELS`, which is a folder or a mirror's URL. */
export function placesOf(options: Pick<ResolveModelOptions, 'baseUrl' | 'cacheDir'>): Places {
  const setting = process.env['FACEDET_MODELS'] || undefined;
  const mirror = setting !== undefined && /^https?:\/\//i.test(setting) ? setting : undefined;
  const baseUrl = options.baseUrl ?? mirror;
  return {
    cacheDir: resolve(options.cacheDir ?? (mirror ? undefined : setting) ?? envPaths('facedet', { suffix: '' }).cache),
    ...(baseUrl === undefined ? {} : { baseUrl: baseOf(baseUrl) }),
  };
}

/** What is known of a file in the cache, kept beside it as `FILE.json`. */
export interface Pin {
  /** Of the first download (or the first use of a file put there by hand). */
  readonly sha256: string;
  readonly size: number;
  /** Where it was downloaded from; absent for files put there by hand. */
  readonly url?: string;
}

/** Reads the pin of a file; undefined if it is missing or can't be read. */
export async function readPin(path: string): Promise<Pin | undefined> {
  try {
    const pin = JSON.parse(await readFile(`${path}.json`, 'utf8')) as Pin;
    return /^[0-9a-f]{64}$/.test(pin.sha256) ? pin : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the pin of a file. */
export async function writePin(path: string, pin: Pin): Promise<void> {
  const { url } = pin;
  replaceFile(
    `${path}.json`,
    `${JSON.stringify({ ...pin, ...(url === undefined ? {} : { url: redactUrl(url) }) }, undefined, 2)}\n`,
  );
}

/** Makes the folder, or says what to do where that fails. */
export async function makeCacheDir(cacheDir: string): Promise<void> {
  try {
    makeFolder(cacheDir);
  } catch (error) {
    throw unwritable(cacheDir, error);
  }
}

/** An error of the file system, told as what it means for the cache; others are returned as they are. */
export function unwritable(cacheDir: string, error: unknown): unknown {
  // What writes our small files says what the system said as its cause.
  const system =
    error instanceof FaceDetError && (error.code === 'OUTPUT_UNWRITABLE' || error.code === 'DISK_FULL')
      ? error.cause
      : error;
  const code = (system as NodeJS.ErrnoException | undefined)?.code;
  if (!code || !['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG'].includes(code))
    return error;
  return new FaceDetError(
    'CACHE_UNWRITABLE',
    `The model folder ${shownSource(cacheDir)} can't be written (${code}): free or allow it, or set ` +
      'FACEDET_MODELS to another folder.',
    { cause: error },
  );
}

/** Whether the license was accepted earlier with this cache. */
export async function isAccepted(cacheDir: string, license: ModelLicense): Promise<boolean> {
  return license.id in (await readAcceptances(cacheDir));
}

/** Remembers that the license was accepted. */
export async function accept(cacheDir: string, license: ModelLicense): Promise<void> {
  const earlier = await readAcceptances(cacheDir);
  if (license.id in earlier) return;
  try {
    replaceFile(
      licensesFile(cacheDir),
      JSON.stringify(
        { ...earlier, [license.id]: { name: license.name, url: license.url, accepted: new Date().toISOString() } },
        undefined,
        2,
      ) + '\n',
    );
  } catch (error) {
    throw unwritable(cacheDir, error);
  }
}

async function readAcceptances(cacheDir: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(licensesFile(cacheDir), 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function licensesFile(cacheDir: string): string {
  return join(cacheDir, 'accepted-licenses.json');
}
