import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import { redactUrl } from '@facedet/files';
import { get } from './request.ts';

/** Bytes of a response and where they belong. */
export interface Chunk {
  /** Offset of the first byte in the resource; it falls back to 0 where a server starts over. */
  readonly position: number;
  readonly bytes: Uint8Array;
  /** Size of the whole resource, where known. */
  readonly total?: number;
  /** What `If-Range` needs to go on later: a strong ETag or a date. */
  readonly validator?: string;
}

/** The part of a resource to read. */
export interface Range {
  readonly start?: number;
  /** First byte that is not wanted; by default the end. */
  readonly end?: number;
  /** Goes on only if the resource is still this one. Without it a resumption is trusted as it is: verify the result. */
  readonly validator?: string;
}

/** How patient a transfer is. */
export interface HttpOptions {
  readonly signal?: AbortSignal;
  /** Attempts in a row without progress before it gives up. */
  readonly attempts: number;
  /** Seconds without a byte after which a connection counts as broken. */
  readonly stallTimeout: number;
  /** Seconds before the second attempt, doubled each time. */
  readonly backoff?: number;
}

/** The longest `Retry-After` that is waited out, seconds. */
const MAX_WAIT = 60;
/** A server that breaks off after every few bytes is left after this many connections. */
const MAX_CONNECTIONS = 100;

/** Thrown where a part was asked for and the server sends only the whole. */
export class RangesUnsupported extends Error {}

/**
 * The bytes of a resource, in order. Broken, stalled and overloaded connections (408, 425, 429, 5xx) are tried again with bounded exponential backoff,
 * `Retry-After` honoured, going on where the last one ended.
 *
 * @throws FaceDetError `DOWNLOAD_NOT_FOUND` (404, 410), `DOWNLOAD_FAILED`; RangesUnsupported where `range.end` is given and the server ignores ranges.
 */
export async function* readUrl(url: string, range: Range, options: HttpOptions): AsyncGenerator<Chunk, void, undefined> {
  const { signal, attempts } = options;
  let position = range.start ?? 0;
  let { validator } = range;
  let failures = 0;
  for (let connection = 1; ; connection++) {
    signal?.throwIfAborted();
    const before = position;
    let failure: Failure;
    try {
      const attempt = watch(signal, options.stallTimeout);
      try {
        const response = await request(url, position, range.end, validator, attempt.signal);
        attempt.alive();
        const status = statusOf(url, response, position, range.end !== undefined);
        if (status === 'complete') return;
        if (status === 'restart') position = 0;
        validator = validatorOf(response) ?? validator;
        const total = totalOf(response, position);
        const end = range.end ?? total;
        for await (const part of response as AsyncIterable<Buffer>) {
          attempt.alive();
          const bytes = new Uint8Array(part.buffer, part.byteOffset, end === undefined ? part.byteLength : Math.min(part.byteLength, end - position));
          if (bytes.byteLength === 0) continue;
          yield { position, bytes, ...(total === undefined ? {} : { total }), ...(validator === undefined ? {} : { validator }) };
          position += bytes.byteLength;
          attempt.alive();
        }
        if (end === undefined || position >= end) return;
        failure = { message: `the connection closed after ${position} of ${end} bytes` };
      } catch (error) {
        throw attempt.stalled ?? error;
      } finally {
        attempt.stop();
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof FaceDetError || error instanceof RangesUnsupported) throw error;
      failure = error instanceof Retryable ? error : { message: reason(error), cause: error };
    }
    failures = position > before ? 1 : failures + 1;
    if (failures >= attempts || connection >= MAX_CONNECTIONS) throw gaveUp(url, failure, failures);
    await sleep(1000 * (failure.wait ?? (options.backoff ?? 0.5) * 2 ** (failures - 1)), undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

interface Failure {
  readonly message: string;
  readonly cause?: unknown;
  /** Seconds the server asked to wait. */
  readonly wait?: number;
}

class Retryable extends Error implements Failure {
  readonly wait?: number;
  constructor(message: string, wait?: number) {
    super(message);
    if (wait !== undefined) this.wait = wait;
  }
}

function request(url: string, start: number, end: number | undefined, validator: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'facedet' };
  if (start > 0 || end !== undefined) headers['range'] = `bytes=${start}-${end === undefined ? '' : end - 1}`;
  if (start > 0 && validator) headers['if-range'] = validator;
  return get(url, { headers, signal });
}

/** What to do with a response: its bytes follow at the position asked for, start over at 0, or nothing is left to read. */
function statusOf(url: string, response: IncomingMessage, position: number, partOnly: boolean): 'follow' | 'restart' | 'complete' {
  const status = response.statusCode!;
  if (status < 300 && /^text\/html\b/.test(response.headers['content-type'] ?? '')) {
    throw new FaceDetError('DOWNLOAD_FAILED', `${redactUrl(url)} sent a web page, expected a model: it may be a log-in page of your network, or the address of a page about the file.`);
  }
  if (status === 206 && contentRange(response)?.start === position) return 'follow';
  if (status === 200 && !partOnly) return position === 0 ? 'follow' : 'restart';
  if (status === 200) throw new RangesUnsupported(`${redactUrl(url)} does not answer ranges`);
  // Everything was there already, unless the resource has changed its size: then it starts over.
  if (status === 416 && position > 0 && !partOnly) {
    if (contentRange(response)?.total === position) return 'complete';
    throw new FaceDetError('DOWNLOAD_CHANGED', `${redactUrl(url)} no longer has the bytes after ${position}: the file there has changed.`);
  }
  if (status === 404 || status === 410) throw new FaceDetError('DOWNLOAD_NOT_FOUND', `${redactUrl(url)} does not exist (HTTP ${status}).`);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const wait = retryAfter(response);
    if (wait !== undefined && wait > MAX_WAIT) throw new FaceDetError('DOWNLOAD_FAILED', `${redactUrl(url)} answered HTTP ${status} and asks to wait ${Math.ceil(wait)} s: try again then.`);
    throw new Retryable(`HTTP ${status}`, wait);
  }
  if (status === 206) throw new Retryable(`a wrong range: ${response.headers['content-range']}`);
  throw new FaceDetError('DOWNLOAD_FAILED', `${redactUrl(url)} answered HTTP ${status} ${response.statusMessage ?? ''}`.trimEnd() + ', expected 200: check the address, your network and your proxy.');
}

function contentRange(response: IncomingMessage): { start?: number; total?: number } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
  if (!match) return undefined;
  return { ...(match[1] === undefined ? {} : { start: Number(match[1]) }), ...(match[2] === '*' ? {} : { total: Number(match[2]) }) };
}

function totalOf(response: IncomingMessage, position: number): number | undefined {
  const range = contentRange(response);
  if (range) return range.total;
  const length = response.headers['content-length'];
  return length === undefined ? undefined : position + Number(length);
}

/** Weak ETags can't be compared byte by byte, so `If-Range` doesn't take them (RFC 9110, 13.1.5). */
function validatorOf(response: IncomingMessage): string | undefined {
  const etag = response.headers['etag'];
  if (etag && !etag.startsWith('W/')) return etag;
  return response.headers['last-modified'];
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(response: IncomingMessage): number | undefined {
  const value = response.headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** A signal that aborts with the caller's, and by itself when nothing was heard for `seconds`. */
function watch(signal: AbortSignal | undefined, seconds: number) {
  const controller = new AbortController();
  let stalled: Error | undefined;
  const timer = setTimeout(() => {
    stalled = new Error(`nothing arrived for ${seconds} s`);
    controller.abort(stalled);
  }, seconds * 1000);
  const abort = () => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    /** Why it aborted by itself. */
    get stalled() {
      return stalled;
    },
    alive: () => void timer.refresh(),
    stop: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      // Frees the connection where the caller left in the middle.
      controller.abort();
    },
  };
}

/** The innermost message: network errors keep what happened in `cause`, attempts at several addresses in `errors`. */
function reason(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (inner instanceof AggregateError && inner.errors[0] instanceof Error) inner = inner.errors[0];
  return inner instanceof Error ? inner.message || (inner as NodeJS.ErrnoException).code || inner.name : String(inner);
}

function gaveUp(url: string, failure: Failure, attempts: number): FaceDetError {
  return new FaceDetError(
    'DOWNLOAD_FAILED',
    `${redactUrl(url)} could not be downloaded after ${attempts} attempts: ${failure.message}. Check the network, HTTPS_PROXY and NO_PROXY, or set FACEDET_MODELS to a mirror or to a folder with the file; what has arrived is kept and the next try goes on from there.`,
    { cause: failure.cause ?? failure },
  );
}
