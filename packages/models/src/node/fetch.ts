import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path/posix';
import { FaceDetError, isFaceDetError } from '@facedet/core';
import { firstBytes, shownSource } from '@facedet/files';
import { RangesUnsupported, type HttpOptions } from '@facedet/http';
import { findModelBySha256 } from '../manifest.ts';
import type { ModelDownload, ModelEntry } from '../types.ts';
import { extractFromFile, extractFromUrl } from './archive.ts';
import { readPin, writePin } from './cache.ts';
import { discardPart, downloadFile } from './download.ts';
import { knownHashes, mismatch } from './file.ts';
import { sha256File } from './hash.ts';
import type { ResolvedModel, ResolveModelOptions } from './options.ts';

/** A place to get a model from; a mirror may serve an archive of its own making. */
export type ModelSource = ModelDownload & { readonly isMirror?: boolean };

/** What to fetch. */
export interface Wanted {
  /** For messages and progress. */
  readonly name: string;
  /** Tried in turn; only a missing file leads to the next. */
  readonly sources: readonly ModelSource[];
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
      const recognized = entry ?? findModelBySha256(found.sha256);
      const vouched = wanted.vouched || (recognized && knownHashes(recognized).has(found.sha256));
      return {
        path,
        name: recognized?.name ?? name,
        ...(recognized ? { entry: recognized } : {}),
        ...found,
        trust: vouched ? 'verified' : 'pinned',
        from: 'download',
      };
    } catch (error) {
      if (!isFaceDetError(error) || error.code !== 'DOWNLOAD_NOT_FOUND') throw error;
      missing.push(error);
    }
  }
  throw missing.length === 1
    ? missing[0]
    : new FaceDetError(
        'DOWNLOAD_NOT_FOUND',
        `Expected ${name} at one of ${sources.map(({ url }) => shownSource(url)).join(', ')} but it is at ` +
          `none; check the mirror's address.`,
        { cause: missing[0] },
      );
}

async function fetchVerified(
  { name, path, accepted, entry }: Wanted,
  source: ModelSource,
  http: HttpOptions,
  options: ResolveModelOptions,
): Promise<{ sha256: string; size: number }> {
  const part = `${path}.partial`;
  // A damaged transfer, a resumption on top of another file: once more from the start, then it is the server's file
  // that is wrong.
  for (let last = false; ; last = true) {
    await fetchPart({ name, source, part, accepted, ...(entry && { entry }) }, http, options);
    await refuseStandIns(part, source.url);
    options.onProgress?.({ phase: 'verify', name, received: 0 });
    const found = await sha256File(part, options.signal);
    if (accepted.length === 0 || accepted.includes(found.sha256)) {
      // The pin comes last: a crash in between leaves a file without a pin, which is downloaded again, and not a pin
      // that belongs to another file.
      await rm(`${path}.json`, { force: true });
      await rename(part, path);
      await writePin(path, { ...found, url: source.url });
      return found;
    }
    await discardPart(part);
    if (last)
      throw mismatch(
        shownSource(source.url),
        found.sha256,
        accepted[0]!,
        'The file there is damaged or another one; try another mirror, or give a conversion of your own by ' +
          `its path.${await pinAdvice(path)}`,
      );
  }
}

/** The way out where the hash is that of the first download. */
async function pinAdvice(path: string): Promise<string> {
  if (!(await readPin(path))) return '';
  return (
    ' If its content changed with good reason since the first download, take it with "facedet models ' +
    'pull --refresh" (refresh: true in code).'
  );
}

/** Throws for what servers send in place of a file: a Git LFS pointer, a web page without its content type. */
async function refuseStandIns(part: string, url: string): Promise<void> {
  const text = (await firstBytes(part, 256))
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  const isPointer = text.startsWith('version https://git-lfs');
  if (!isPointer && !/^<(?:!doctype\s|html\b|\?xml\s)/i.test(text)) return;
  await discardPart(part);
  const [received, advice] = isPointer
    ? [
        'a Git LFS pointer, which only names the file',
        'use the address of the file itself (on GitHub under media.githubusercontent.com, on Hugging Face ' +
          'with /resolve/)',
      ]
    : ['a web page', 'it may be a log-in page of your network, or the address of a page about the file'];
  throw new FaceDetError('DOWNLOAD_FAILED', `Expected a model but ${shownSource(url)} sent ${received}; ${advice}.`);
}

interface Part extends Pick<Wanted, 'name' | 'accepted' | 'entry'> {
  readonly source: ModelSource;
  readonly part: string;
}

async function fetchPart(
  { name, source: { url, archive, isMirror }, part, accepted, entry }: Part,
  http: HttpOptions,
  options: ResolveModelOptions,
): Promise<void> {
  const verified = accepted.length > 0;
  const onBytes = throttled((received, total) =>
    options.onProgress?.({ phase: 'download', name, received, ...(total === undefined ? {} : { total }) }),
  );
  if (!archive) return downloadFile(url, part, { ...http, verified, onBytes });
  const maxBytes = verified ? largestKnown(entry) : undefined;
  // A mirror may have packed the file again: then the file's own hash decides, if it is known.
  const isOfficial = !isMirror || !verified;
  const common = {
    member: archive.member,
    destination: part,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(options.signal ? { signal: options.signal } : {}),
  };
  const archiveHttp = { ...http, what: 'a release archive', allowHttp: verified };
  try {
    return await extractFromUrl(url, archiveHttp, {
      ...common,
      onBytes,
      ...(isOfficial && { size: archive.size }),
    });
  } catch (error) {
    if (!(error instanceof RangesUnsupported)) throw error;
  }
  // A server without ranges: the whole archive, kept only until the file is out of it.
  const zip = `${part}.zip`;
  await downloadFile(url, zip, { ...archiveHttp, verified, onBytes, ...(isOfficial && { maxBytes: archive.size }) });
  try {
    if (isOfficial) {
      const found = await sha256File(zip, options.signal);
      if (found.sha256 !== archive.sha256)
        throw mismatch(
          shownSource(url),
          found.sha256,
          archive.sha256,
          'The archive there is damaged or another one; try another mirror.',
        );
    }
    await extractFromFile(zip, common);
  } finally {
    await rm(zip, { force: true });
  }
}

/** Bytes of the largest file that goes under an entry's name; undefined where that is not known. */
function largestKnown(entry: ModelEntry | undefined): number | undefined {
  if (entry?.file.size === undefined) return undefined;
  return Math.max(entry.file.size, ...(entry.file.otherExports ?? []).map(({ size }) => size));
}

/** The same file on a mirror: by the model's name, else in the archive that officially has it. */
export function mirrored(entry: ModelEntry, baseUrl: string): ModelSource[] {
  const archives = new Map(entry.downloads.map((download) => [basename(new URL(download.url).pathname), download]));
  return [
    { url: `${baseUrl}/${entry.name}.onnx` },
    ...[...archives].map(([name, download]) => ({ ...download, url: `${baseUrl}/${name}`, isMirror: true })),
  ];
}

function httpOptions(options: ResolveModelOptions): HttpOptions {
  const advice =
    'or set FACEDET_MODELS to a mirror or to a folder with the file; what has arrived is kept for the next try';
  return {
    what: 'a model',
    refusePages: true,
    advice,
    attempts: options.attempts ?? 5,
    stallTimeout: options.stallTimeout ?? 30,
    ...(options.signal ? { signal: options.signal } : {}),
  };
}

/** At most about thirty calls per second; the last one is always made. */
function throttled(
  report: (received: number, total: number | undefined) => void,
): (received: number, total: number | undefined) => void {
  let next = 0;
  return (received, total) => {
    const now = performance.now();
    if (now < next && received !== total) return;
    next = now + 33;
    report(received, total);
  };
}
