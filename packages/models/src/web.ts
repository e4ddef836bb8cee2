import { received } from '@facedet/checks';
import { FaceDetError, isFaceDetError } from '@facedet/core';
import { baseOf } from './base-url.ts';
import { bundledIdentities, defaultWeightsUrl } from './default.ts';
import { classifyModel } from './find.ts';
import type { ModelProgress } from './progress.ts';
import type { ModelIdentity } from './types.ts';
import { zooModels } from './zoo.ts';

export type { ModelProgress } from './progress.ts';

/** Options of `loadModel`. */
export interface LoadModelOptions {
  /**
   * Folder of the zoo's files as `NAME.onnx`, on your own site or with CORS allowed: a page can't read InsightFace's
   * release archives.
   */
  readonly baseUrl?: string | URL;
  /** The SHA-256 (64 hex digits) the file must have; for URLs that the manifest does not know. */
  readonly sha256?: string;
  /** Accepts the license that restricts the model's use. */
  readonly acceptLicense?: boolean;
  /** Name of the browser's cache; by default `facedet-models`. `false` keeps nothing. */
  readonly cache?: string | false;
  /** Called as bytes arrive. */
  readonly onProgress?: (progress: ModelProgress) => void;
  /** Aborts. */
  readonly signal?: AbortSignal;
  /** Attempts in a row that may fail without progress, at least 1; by default 4. */
  readonly attempts?: number;
  /** Seconds without a byte after which a connection counts as broken; by default 30. */
  readonly stallTimeout?: number;
}

/**
 * The bytes of a model, for an engine in the browser: from the Cache API where they are kept, else by `fetch`, resumed
 * after a break, their SHA-256 held against the manifest's (or the caller's) by SubtleCrypto. Without a name: the
 * default weights, served with the page.
 *
 * @throws FaceDetError `NO_MODEL`, `MODEL_UNKNOWN`, `MODEL_NOT_DOWNLOADABLE` (no `baseUrl`), `LICENSE_NOT_ACCEPTED`,
 * `DOWNLOAD_NOT_FOUND`, `DOWNLOAD_FAILED`, `CHECKSUM_MISMATCH`, `INSECURE_CONTEXT` (a hash can't be computed on a page
 * without HTTPS), `INVALID_ARGUMENT` (no URL); the signal's reason where it aborts.
 */
export async function loadModel(model?: string | URL, options: LoadModelOptions = {}): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  const { url, name, accepted, sameOrigin } = locate(model, options);
  // The page's own files are no safer than the page; where no hash can be had they are taken as they are.
  const verify = accepted.length > 0 && !(sameOrigin && !globalThis.crypto?.subtle);
  const store = await openStore(options.cache ?? 'facedet-models');

  const kept = await store?.match(url);
  if (kept) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if (!verify || accepted.includes(await sha256(bytes, url))) return bytes;
    await store?.delete(url);
  }
  const bytes = await download(url, name, verify, options);
  if (verify) {
    options.onProgress?.({ phase: 'verify', name, received: bytes.length, total: bytes.length });
    const received = await sha256(bytes, url);
    if (!accepted.includes(received))
      throw new FaceDetError(
        'CHECKSUM_MISMATCH',
        `${url} has SHA-256 ${received}, expected ${accepted[0]}: the file there is damaged or another one.`,
      );
  }
  // A full disk or a private window costs a download next time, nothing else.
  await store
    ?.put(
      url,
      new Response(bytes, {
        headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) },
      }),
    )
    .catch(() => {});
  return bytes;
}

/** Removes every model that `loadModel` keeps under this cache name. */
export async function clearModels(cache = 'facedet-models'): Promise<void> {
  await globalThis.caches?.delete(cache);
}

function locate(
  model: string | URL | undefined,
  options: LoadModelOptions,
): { url: string; name: string; accepted: string[]; sameOrigin: boolean } {
  const base = globalThis.location?.href;
  const own = options.sha256 === undefined ? [] : [options.sha256.toLowerCase()];
  const target = classifyModel(zooModels, model);
  if ('entry' in target) {
    const { entry } = target;
    const accepted = [entry.file.sha256, ...(entry.file.otherExports ?? []).map((other) => other.sha256)].filter(
      (hash) => hash !== undefined,
    );
    // Bundlers take along only what is spelled out: the default weights.
    if (entry === bundledIdentities[0])
      return { url: defaultWeightsUrl().href, name: entry.name, accepted, sameOrigin: true };
    return {
      url: mirrorUrl(entry, options),
      name: entry.name,
      accepted: own.length > 0 ? own : accepted,
      sameOrigin: false,
    };
  }
  const address = String('url' in target ? target.url : target.path);
  if (!URL.canParse(address, base))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a model's name or URL but received ${received(address)}; correct it.`,
    );
  const url = new URL(address, base).href;
  return { url, name: url.split(/[?#]/, 1)[0]!.split('/').at(-1)!, accepted: own, sameOrigin: false };
}

function mirrorUrl(entry: ModelIdentity, { baseUrl, acceptLicense }: LoadModelOptions): string {
  if (baseUrl === undefined) {
    throw new FaceDetError(
      'MODEL_NOT_DOWNLOADABLE',
      `${entry.name} is served by no official place that a page may read: put ${entry.name}.onnx on your site ` +
        `and give its folder as baseUrl, or its URL. (${entry.license.name}.)`,
    );
  }
  if (entry.license.mustAccept && !acceptLicense)
    throw new FaceDetError(
      'LICENSE_NOT_ACCEPTED',
      `${entry.name}: ${entry.license.notice} (${entry.license.url}) Say acceptLicense: true if that is your use.`,
    );
  return new URL(`${baseOf(baseUrl)}/${entry.name}.onnx`, globalThis.location?.href).href;
}

/** The Cache API exists in secure contexts only, and may be switched off. */
async function openStore(name: string | false): Promise<Cache | undefined> {
  if (name === false) return undefined;
  return globalThis.caches?.open(name).catch(() => undefined);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>, url: string): Promise<string> {
  if (!globalThis.crypto?.subtle)
    throw new FaceDetError(
      'INSECURE_CONTEXT',
      `The SHA-256 of ${url} can't be computed here: serve the page by HTTPS or from localhost.`,
    );
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param resume Whether a part of an earlier attempt may be kept: a hash must hold the whole together. */
async function download(
  url: string,
  name: string,
  resume: boolean,
  options: LoadModelOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, attempts = 4, stallTimeout = 30 } = options;
  const parts: Uint8Array[] = [];
  let received = 0;
  for (let failures = 0; ;) {
    if (!resume) received = parts.length = 0;
    const before = received;
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    let timer = setTimeout(() => {}, 0);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(
        () => controller.abort(new Error(`nothing arrived for ${stallTimeout} s`)),
        stallTimeout * 1000,
      );
    };
    try {
      alive();
      const response = await fetch(url, {
        signal: controller.signal,
        ...(received > 0 ? { headers: { range: `bytes=${received}-` } } : {}),
      });
      check(url, response);
      if (received > 0 && response.status !== 206) received = parts.length = 0;
      // A compressed transfer announces the size of what travels, not of the file.
      const length = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
      const total = length === null ? undefined : received + Number(length);
      const reader = response.body?.getReader();
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        alive();
        parts.push(part.value);
        received += part.value.length;
        options.onProgress?.({ phase: 'download', name, received, ...(total === undefined ? {} : { total }) });
      }
      if (total === undefined || received >= total) return join(parts, received);
      throw new Error(`the connection closed after ${received} of ${total} bytes`);
    } catch (error) {
      signal?.throwIfAborted();
      if (isFaceDetError(error)) throw error;
      failures = received > before ? 1 : failures + 1;
      if (failures >= attempts)
        throw new FaceDetError(
          'DOWNLOAD_FAILED',
          `${url} could not be downloaded after ${failures} attempts: ` +
            `${error instanceof Error ? error.message : String(error)}. Check that it exists and that its server ` +
            'allows this page (CORS).',
          { cause: error },
        );
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      controller.abort();
    }
    await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** failures));
    signal?.throwIfAborted();
  }
}

function check(url: string, response: Response): void {
  const { status } = response;
  if (status === 404 || status === 410)
    throw new FaceDetError('DOWNLOAD_NOT_FOUND', `${url} does not exist (HTTP ${status}).`);
  if (status === 408 || status === 425 || status === 429 || status >= 500) throw new Error(`HTTP ${status}`);
  if (!response.ok) throw new FaceDetError('DOWNLOAD_FAILED', `${url} answered HTTP ${status}, expected 200.`);
  // Development servers answer unknown paths with the app's page.
  if (/^text\/html\b/.test(response.headers.get('content-type') ?? ''))
    throw new FaceDetError('DOWNLOAD_NOT_FOUND', `${url} is a web page, expected a model: is the file there?`);
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
