import { createHash } from 'node:crypto';
import { dirname, join, resolve as absolute } from 'node:path';
import { FaceDetError, isFaceDetError } from '@facedet/core';
import { filePath, parseUrl, printable, shownSource, withLock } from '@facedet/files';
import { classifyModel } from '../find.ts';
import { findModelBySha256, models } from '../manifest.ts';
import type { ModelEntry } from '../types.ts';
import { accept, isAccepted, makeCacheDir, placesOf, readPin, unwritable, writePin, type Places } from './cache.ts';
import { fetchFirst, mirrored } from './fetch.ts';
import { bundledPath, inspect, knownHashes, mismatch, nameOf } from './file.ts';
import type { ResolvedModel, ResolveModelOptions } from './options.ts';

/**
 * Turns a name of the zoo, a path or a URL into a verified file on this machine, downloading it where needed.
 *
 * Names win over files: a path has a separator or ends in `.onnx`. The default weights are taken where nothing is
 * named. Every file's SHA-256 is computed each time; downloads appear under their final name only when complete and
 * verified, whatever breaks in between.
 *
 * @throws FaceDetError `NO_MODEL`, `MODEL_UNKNOWN`, `MODEL_NOT_FOUND` (no such file), `MODEL_UNUSABLE` (a folder, an
 * empty file), `MODEL_NOT_DOWNLOADABLE`, `LICENSE_NOT_ACCEPTED`, `OFFLINE`, `DOWNLOAD_NOT_FOUND`, `DOWNLOAD_TOO_LARGE`,
 * `DOWNLOAD_FAILED`, `ARCHIVE_INVALID`, `CHECKSUM_MISMATCH`, `CACHE_UNWRITABLE`, `INVALID_ARGUMENT`; the signal's
 * reason where it aborts.
 */
export async function resolveModel(model?: string | URL, options: ResolveModelOptions = {}): Promise<ResolvedModel> {
  options.signal?.throwIfAborted();
  checkOptions(options);
  const target = classifyModel(models, model);
  if ('path' in target) return fromPath(target.path, options);
  if ('entry' in target && target.entry.file.verification === 'bundled') return bundled(target.entry, options);
  const places = placesOf(options);
  return 'url' in target ? fromUrl(target.url, places, options) : fromZoo(target.entry, places, options);
}

function checkOptions({ sha256, attempts, stallTimeout, offline, refresh }: ResolveModelOptions): void {
  if (offline && refresh)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected offline or refresh but received both; a model is downloaded again with the network only.',
    );
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a SHA-256 of 64 hex digits but received ${printable(JSON.stringify(sha256), 100)}.`,
    );
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected attempts to be an integer of at least 1 but received ${attempts}.`,
    );
  if (stallTimeout !== undefined && !(stallTimeout > 0))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected stallTimeout to be a positive number of seconds but received ${stallTimeout}.`,
    );
}

async function fromPath(given: string | URL, options: ResolveModelOptions): Promise<ResolvedModel> {
  const path = given instanceof URL ? filePath(given) : absolute(given);
  const found = await inspect(path, options.signal);
  if (!found)
    throw new FaceDetError(
      'MODEL_NOT_FOUND',
      `Expected an ONNX file but ${shownSource(given)} does not exist; check the path.`,
    );
  const entry = findModelBySha256(found.sha256);
  const expected = options.sha256?.toLowerCase();
  if (expected !== undefined && expected !== found.sha256) throw mismatch(shownSource(path), found.sha256, expected);
  return {
    path,
    name: entry?.name ?? nameOf(path),
    ...(entry ? { entry } : {}),
    ...found,
    trust: entry || expected ? 'verified' : 'unverified',
    from: 'file',
  };
}

async function bundled(entry: ModelEntry, options: ResolveModelOptions): Promise<ResolvedModel> {
  const path = bundledPath(entry);
  const found = await inspect(path, options.signal).catch(() => undefined);
  if (!found)
    throw new FaceDetError(
      'NO_MODEL',
      `The weights of ${entry.name} are missing at ${shownSource(path)}: install @facedet/models again, or ` +
        'name another model or an ONNX file.',
    );
  if (found.sha256 !== entry.file.sha256)
    throw mismatch(shownSource(path), found.sha256, entry.file.sha256!, 'Install @facedet/models again.');
  return { path, name: entry.name, entry, ...found, trust: 'verified', from: 'bundled' };
}

async function fromZoo(entry: ModelEntry, places: Places, options: ResolveModelOptions): Promise<ResolvedModel> {
  const { cacheDir, baseUrl } = places;
  const present = await lookUp(entry, cacheDir, options);
  if (present && 'model' in present && !options.refresh) return present.model;

  const path = join(cacheDir, `${entry.name}.onnx`);
  const sources = baseUrl === undefined ? entry.downloads : mirrored(entry, baseUrl);
  if (present && 'error' in present && (options.offline || sources.length === 0)) throw present.error;
  if (sources.length === 0)
    throw new FaceDetError(
      'MODEL_NOT_DOWNLOADABLE',
      `${entry.name} can't be downloaded: ${entry.manual}. Then put it at ${shownSource(path)} or give its ` +
        `path. (${entry.license.name}.)`,
    );
  if (options.offline)
    throw new FaceDetError(
      'OFFLINE',
      `${entry.name} is not on this machine and downloads are switched off: put it at ${shownSource(path)} ` +
        `(${sources[0]!.archive ? `${sources[0]!.archive.member} in ` : ''}${shownSource(sources[0]!.url)}).`,
    );
  if (entry.license.mustAccept) await requireAcceptance(entry, cacheDir, options);

  return exclusively({ path, name: entry.name, cacheDir }, options, async () => {
    // Another process may have been faster.
    const meanwhile = await lookUp(entry, cacheDir, options);
    if (meanwhile && 'model' in meanwhile && !options.refresh) return meanwhile.model;
    const known = [...knownHashes(entry)];
    const pin = known.length === 0 && !options.refresh ? await readPin(path) : undefined;
    return fetchFirst({ name: entry.name, sources, path, accepted: pin ? [pin.sha256] : known, entry }, options);
  });
}

async function fromUrl(url: string, { cacheDir }: Places, options: ResolveModelOptions): Promise<ResolvedModel> {
  const name = nameOf(decodedPath(url)) || 'model';
  const path = join(
    cacheDir,
    'urls',
    `${createHash('sha256').update(url).digest('hex').slice(0, 16)}-${name.replace(/[^\w.-]/g, '_').slice(-80)}.onnx`,
  );
  const expected = options.sha256?.toLowerCase();
  const look = async (): Promise<ResolvedModel | undefined> => {
    if (options.refresh) return undefined;
    const found = await inspect(path, options.signal).catch(() => undefined);
    const pinned = found && (expected ?? (await readPin(path))?.sha256);
    if (!found || found.sha256 !== pinned) return undefined;
    const entry = findModelBySha256(found.sha256);
    return {
      path,
      name: entry?.name ?? name,
      ...(entry ? { entry } : {}),
      ...found,
      trust: entry || expected ? 'verified' : 'pinned',
      from: 'cache',
    };
  };
  const present = await look();
  if (present) return present;
  if (options.offline)
    throw new FaceDetError(
      'OFFLINE',
      `${shownSource(url)} is not on this machine and downloads are switched off: download it elsewhere and ` +
        'give its path.',
    );
  // The second download of a URL must bring what the first brought, even where the file was lost or damaged since.
  const pinned = expected ?? (options.refresh ? undefined : (await readPin(path))?.sha256);
  return exclusively(
    { path, name, cacheDir },
    options,
    async () =>
      (await look()) ??
      fetchFirst(
        {
          name,
          sources: [{ url }],
          path,
          accepted: pinned === undefined ? [] : [pinned],
          vouched: expected !== undefined,
        },
        options,
      ),
  );
}

/** The path of a URL, as it is where its escapes are broken. */
function decodedPath(url: string): string {
  const { pathname } = parseUrl(url);
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

/**
 * A file of the folder under the entry's name or an alias. A damaged one is reported as an error; a download may
 * replace it.
 */
async function lookUp(
  entry: ModelEntry,
  cacheDir: string,
  options: ResolveModelOptions,
): Promise<{ model: ResolvedModel } | { error: FaceDetError } | undefined> {
  const known = knownHashes(entry);
  let error: FaceDetError | undefined;
  for (const name of [entry.name, ...entry.aliases]) {
    const path = join(cacheDir, `${name}.onnx`);
    let found;
    try {
      found = await inspect(path, options.signal);
    } catch (cause) {
      if (!isFaceDetError(cause)) throw cause;
      error ??= cause;
    }
    if (!found) continue;
    const model = (trust: ResolvedModel['trust']) => ({
      model: { path, name: entry.name, entry, ...found, trust, from: 'cache' as const },
    });
    if (known.has(found.sha256)) return model('verified');
    if (entry.file.verification === 'official') {
      error ??= mismatch(
        shownSource(path),
        found.sha256,
        entry.file.sha256!,
        'Delete the file; give a conversion of your own by its path.',
      );
      continue;
    }
    // No official hash exists: the file that was first used under this name is the right one.
    const pin = await readPin(path);
    if (!pin) await writePin(path, found).catch(() => {});
    if (!pin || pin.sha256 === found.sha256) return model('pinned');
    error ??= mismatch(
      shownSource(path),
      found.sha256,
      pin.sha256,
      `It has changed since its first use: if that was you, delete ${shownSource(`${path}.json`)}.`,
    );
  }
  return error && { error };
}

async function requireAcceptance(entry: ModelEntry, cacheDir: string, options: ResolveModelOptions): Promise<void> {
  if (options.acceptLicense) {
    await makeCacheDir(cacheDir);
    await accept(cacheDir, entry.license);
  } else if (!(await isAccepted(cacheDir, entry.license))) {
    throw new FaceDetError(
      'LICENSE_NOT_ACCEPTED',
      `${entry.name}: ${entry.license.notice} (${entry.license.url}) Accept it once with --accept-license, or ` +
        'acceptLicense: true in code.',
    );
  }
}

/** Runs `work` alone among all processes that want this file; errors of the disk become the cache's errors. */
async function exclusively(
  { path, name, cacheDir }: { path: string; name: string; cacheDir: string },
  options: ResolveModelOptions,
  work: () => Promise<ResolvedModel>,
): Promise<ResolvedModel> {
  await makeCacheDir(dirname(path));
  const wait = () => options.onProgress?.({ phase: 'wait', name, received: 0 });
  try {
    return await withLock(
      `${path}.lock`,
      { onWait: wait, ...(options.signal ? { signal: options.signal } : {}) },
      work,
    );
  } catch (error) {
    throw unwritable(cacheDir, error);
  }
}
