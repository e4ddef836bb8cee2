import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path/posix';
import { FaceDetError, isFaceDetError } from '@facedet/core';
import { redactUrl } from '@facedet/files';
import { findModelBySha256 } from '../manifest.ts';
import type { ModelDownload, ModelEntry } from '../types.ts';
import { extractFromFile, extractFromUrl } from './archive.ts';
import { readPin, writePin } from './cache.ts';
import { discardPart, downloadFile } from './download.ts';
import { knownHashes, mismatch } from './file.ts';
import { sha256File } from './hash.ts';
import { RangesUnsupported, type HttpOptions } from './http.ts';
import type { ResolvedModel, ResolveModelOptions } from './options.ts';

/** What to fetch. */
export interface Wanted {
  /** For messages and progress. */
  readonly name: string;
  /** Tried in turn; only a missing file leads to the next. */
  readonly sources: readonly ModelDownload[];
  /** Where the file goes, in a folder that exists. */
  readonly path: string;
  /** The SHA-256 values it may have; empty where none is known. */
  readonly accepted: readonly string[];
  readonly entry?: ModelEntry;
  /** Whether `accepted` comes from the caller. */
  readonly vouched?: boolean;
}

/** Downloads from the first place that has the file, verifies it and moves it into place. */
export async function fetchFirst(wanted: Wanted, options: ResolveModelOptions): Promise<ResolvedModel> {
  const { name, sources, path, entry } = wanted;
  const missing: FaceDetError[] = [];
  for (const source of sources) {
    try {
      const found = await fetchVerified(wanted, source, httpOptions(options), options);
      const recognised = entry ?? findModelBySha256(found.sha256);
      const vouched = wanted.vouched || (recognised && knownHashes(recognised).has(found.sha256));
      return { path, name: recognised?.name ?? name, ...(recognised ? { entry: recognised } : {}), ...found, trust: vouched ? 'verified' : 'pinned', from: 'download' };
    } catch (error) {
      if (!isFaceDetError(error) || error.code !== 'DOWNLOAD_NOT_FOUND') throw error;
      missing.push(error);
    }
  }
  throw missing.length === 1 ? missing[0] : new FaceDetError('DOWNLOAD_NOT_FOUND', `${name} was found at none of ${sources.map(({ url }) => redactUrl(url)).join(', ')}.`, { cause: missing[0] });
}

async function fetchVerified({ name, path, accepted }: Wanted, source: ModelDownload, http: HttpOptions, options: ResolveModelOptions): Promise<{ sha256: string; size: number }> {
  const part = `${path}.partial`;
  // A damaged transfer, a resumption on top of another file: once more from the start, then it is the server's file that is wrong.
  for (let last = false; ; last = true) {
    await fetchPart(name, source, part, accepted.length > 0, http, options);
    options.onProgress?.({ phase: 'verify', name, received: 0 });
    const found = await sha256File(part, options.signal);
    if (accepted.length === 0 || accepted.includes(found.sha256)) {
      // The file first: a crash in between leaves a file without a pin, which is downloaded again, and not a pin without a file.
      await rename(part, path);
      await writePin(path, { ...found, url: source.url });
      return found;
    }
    await discardPart(part);
    if (last) throw mismatch(redactUrl(source.url), found.sha256, accepted[0]!, `The file there is damaged or another one: try another mirror; give a conversion of your own by its path.${await pinAdvice(path)}`);
  }
}

/** The way out where the hash is that of the first download. */
async function pinAdvice(path: string): Promise<string> {
  if (!(await readPin(path))) return '';
  return ` If its content changed with good reason since the first download, delete ${path}.json and pull again.`;
}

async function fetchPart(name: string, { url, archive }: ModelDownload, part: string, verified: boolean, http: HttpOptions, options: ResolveModelOptions): Promise<void> {
  const onBytes = throttled((received, total) => options.onProgress?.({ phase: 'download', name, received, ...(total === undefined ? {} : { total }) }));
  if (!archive) return downloadFile(url, part, { ...http, verified, onBytes });
  const extraction = { onBytes, ...(options.signal ? { signal: options.signal } : {}) };
  try {
    return await extractFromUrl(url, archive.member, part, http, extraction);
  } catch (error) {
    if (!(error instanceof RangesUnsupported)) throw error;
  }
  // A server without ranges: the whole archive, kept only until the file is out of it.
  const zip = `${part}.zip`;
  await downloadFile(url, zip, { ...http, verified, onBytes });
  await extractFromFile(zip, archive.member, part, options.signal ? { signal: options.signal } : {});
  await rm(zip, { force: true });
}

/** The same file under a mirror's roof: by the model's name, else in the archive that officially holds it. */
export function mirrored(entry: ModelEntry, baseUrl: string): ModelDownload[] {
  const archives = new Map(entry.downloads.map((download) => [basename(new URL(download.url).pathname), download]));
  return [{ url: `${baseUrl}/${entry.name}.onnx` }, ...[...archives].map(([name, download]) => ({ ...download, url: `${baseUrl}/${name}` }))];
}

function httpOptions(options: ResolveModelOptions): HttpOptions {
  return { attempts: options.attempts ?? 5, stallTimeout: options.stallTimeout ?? 30, ...(options.signal ? { signal: options.signal } : {}) };
}

/** At most some thirty calls a second, the last one always. */
function throttled(report: (received: number, total: number | undefined) => void): (received: number, total: number | undefined) => void {
  let next = 0;
  return (received, total) => {
    const now = performance.now();
    if (now < next && received !== total) return;
    next = now + 33;
    report(received, total);
  };
}
