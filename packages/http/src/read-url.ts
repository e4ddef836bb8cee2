import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/checks';
import { printable, shownSource } from '@facedet/files';
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
  /** Goes on only if the resource is still this one. Without it `start` is trusted as it is: verify the result. */
  readonly validator?: string;
}

/** What a transfer is for, how patient it is, and what it may bring. */
export interface HttpOptions {
  /** What is expected, with its article: `a model`. */
  readonly what: string;
  readonly signal?: AbortSignal;
  /**
   * Attempts in a row without progress before it gives up; by default 5. Higher waits longer for a server that fails.
   */
  readonly attempts?: number;
  /** Seconds without a byte after which a connection counts as broken; by default 30. */
  readonly stallTimeout?: number;
  /** Seconds until a connection must be there; by default 15, and at most `stallTimeout`. */
  readonly connectTimeout?: number;
  /** Seconds before the second attempt, doubled each time, at most 30; by default 0.5. */
  readonly backoff?: number;
  /** Bytes of the resource at most, `DOWNLOAD_TOO_LARGE` beyond; by default no limit. */
  readonly maxBytes?: number;
  /** Follow redirects from https to http: only where a known hash decides about the bytes. */
  readonly allowHttp?: boolean;
  /**
   * Go on after a break although nothing says that the resource is still the same: only where a known hash decides
   * about the bytes. By default it starts over there.
   */
  readonly trustParts?: boolean;
  /** Refuse web pages by their content type, where what is expected never is one. */
  readonly refusePages?: boolean;
  /** What else may help where the network fails; a sentence without its full stop. */
  readonly advice?: string;
}

/** The longest `Retry-After` that is waited out, and the longest back-off, in seconds. */
const [MAX_WAIT, MAX_BACKOFF] = [60, 30];
/** Connections to a server that keeps closing early, after which the download fails. */
const MAX_CONNECTIONS = 100;

/** Thrown where a part was asked for and the server sends only the whole. */
export class RangesUnsupported extends Error {}

/**
 * The bytes of a resource, in order. Broken, stalled and overloaded connections (408, 425, 429, 5xx) are tried again
 * with bounded exponential back-off, `Retry-After` honoured, going on where the last one ended.
 *
 * Throws `DOWNLOAD_NOT_FOUND` (404, 410), `DOWNLOAD_TOO_LARGE`, `DOWNLOAD_FAILED`; RangesUnsupported where `range.end`
 * is given and the server ignores ranges; the signal's reason.
 */
export async function* readUrl(
  url: string,
  range: Range,
  options: HttpOptions,
): AsyncGenerator<Chunk, void, undefined> {
  const { signal, attempts = 5 } = options;
  const state: State = { position: range.start ?? 0, end: range.end, validator: range.validator };
  let failures = 0;
  let furthest = state.position;
  for (let connection = 1; ; connection++) {
    signal?.throwIfAborted();
    let failure: Failure | undefined;
    try {
      failure = yield* readOnce(url, state, options);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof FaceDetError || error instanceof RangesUnsupported) throw error;
      failure = error instanceof Retryable ? error : { message: reason(error), cause: error };
    }
    if (failure === undefined) return;
    failures = state.position > furthest ? 1 : failures + 1;
    furthest = Math.max(furthest, state.position);
    if (failures >= attempts || connection >= MAX_CONNECTIONS) throw gaveUp(url, failure, failures, options);
    if (state.end === undefined && state.validator === undefined && !options.trustParts) state.position = 0;
    const pause = failure.wait ?? Math.min(MAX_BACKOFF, (options.backoff ?? 0.5) * 2 ** (failures - 1));
    await sleep(1000 * pause, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

/** How far a resource is read. */
interface State {
  position: number;
  readonly end: number | undefined;
  validator: string | undefined;
  total?: number | undefined;
}

/** Whether a server that knows ranges, and not `If-Range`, goes on with another file. */
function isOther(
  { position, end, validator, total }: State,
  sentValidator: string | undefined,
  sentTotal: number | undefined,
): boolean {
  if (position === 0 || end !== undefined) return false;
  const differ = (before: unknown, now: unknown) => before !== undefined && now !== undefined && before !== now;
  return differ(validator, sentValidator) || differ(total, sentTotal);
}

/** One connection; returns why it ended early, if it did. */
async function* readOnce(
  url: string,
  state: State,
  options: HttpOptions,
): AsyncGenerator<Chunk, Failure | undefined, undefined> {
  const attempt = watch(options);
  try {
    const response = await request(url, state, attempt, options);
    attempt.alive();
    const status = statusOf(url, response, state, options);
    const sent = validatorOf(response);
    if (status === 'restart') Object.assign(state, { position: 0, validator: undefined, total: undefined });
    const total = totalOf(response, state.position);
    if (status === 'changed' || isOther(state, sent, total)) {
      Object.assign(state, { position: 0, validator: undefined, total: undefined });
      return { message: 'the file changed while it was read' };
    }
    if (status === 'complete') return undefined;
    const validator = (state.validator = sent ?? state.validator);
    state.total = total ?? state.total;
    if (state.end === undefined) checkSize(url, total ?? 0, options);
    const end = state.end ?? total;
    for await (const part of response as AsyncIterable<Buffer>) {
      attempt.alive();
      const length = end === undefined ? part.byteLength : Math.min(part.byteLength, end - state.position);
      if (length <= 0) continue;
      const bytes = new Uint8Array(part.buffer, part.byteOffset, length);
      checkSize(url, state.position + length, options);
      yield {
        position: state.position,
        bytes,
        ...(total === undefined ? {} : { total }),
        ...(validator === undefined ? {} : { validator }),
      };
      state.position += length;
      attempt.alive();
    }
    if (end === undefined || state.position >= end) return undefined;
    return { message: `the connection closed after ${state.position} of ${end} bytes` };
  } catch (error) {
    throw attempt.stalled ?? error;
  } finally {
    attempt.stop();
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

function request(
  url: string,
  { position, end, validator }: State,
  { signal, connected }: Attempt,
  { allowHttp = false }: HttpOptions,
): Promise<IncomingMessage> {
  const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'facedet' };
  if (position > 0 || end !== undefined) headers['range'] = `bytes=${position}-${end === undefined ? '' : end - 1}`;
  if (position > 0 && validator) headers['if-range'] = validator;
  return get(url, { headers, signal, allowHttp, onConnect: connected });
}

/**
 * What to do with a response: its bytes follow at the position asked for, start over at 0, or nothing is left to read.
 */
function statusOf(
  url: string,
  response: IncomingMessage,
  { position, end }: State,
  options: HttpOptions,
): 'follow' | 'restart' | 'complete' | 'changed' {
  const status = response.statusCode!;
  const shown = shownSource(url);
  if (status < 300) checkContent(shown, response, options);
  if (status === 206 && contentRange(response)?.start === position) return 'follow';
  if (status === 200 && end === undefined) return position === 0 ? 'follow' : 'restart';
  if (status === 200) throw new RangesUnsupported(`${shown} does not answer ranges`);
  // Everything was there already, unless the resource has changed its size: then it starts over.
  if (status === 416 && position > 0 && end === undefined) {
    return contentRange(response)?.total === position ? 'complete' : 'changed';
  }
  if (status === 404 || status === 410)
    throw new FaceDetError(
      'DOWNLOAD_NOT_FOUND',
      `Expected ${options.what} at ${shown} but it does not exist (HTTP ${status}); check the address.`,
    );
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const wait = retryAfter(response);
    if (wait !== undefined && wait > MAX_WAIT)
      throw new FaceDetError(
        'DOWNLOAD_FAILED',
        `Expected ${options.what} but ${shown} answered HTTP ${status} and asks to wait ${Math.ceil(wait)} s; ` +
          'try again then.',
      );
    throw new Retryable(`HTTP ${status}`, wait);
  }
  if (status === 206)
    throw new Retryable(`a wrong range: ${printable(response.headers['content-range'] ?? 'none', 100)}`);
  const said = `HTTP ${status} ${printable(response.statusMessage ?? '', 100)}`.trimEnd();
  throw new FaceDetError(
    'DOWNLOAD_FAILED',
    `Expected ${options.what} but ${shown} answered ${said}; check the address, your network and your proxy.`,
  );
}

function checkContent(shown: string, { headers }: IncomingMessage, { what, refusePages }: HttpOptions): void {
  if (refusePages && /^text\/html\b/i.test(headers['content-type'] ?? '')) {
    throw new FaceDetError(
      'DOWNLOAD_FAILED',
      `Expected ${what} but ${shown} sent a web page; it may be a log-in page of your network, or the address ` +
        'of a page about the file.',
    );
  }
  // Compressed bytes have other positions than the file's.
  if (/^(?:x-)?(?:gzip|deflate|br|zstd|compress)$/i.test(headers['content-encoding'] ?? '')) {
    throw new FaceDetError(
      'DOWNLOAD_FAILED',
      `Expected ${what} as it is but ${shown} sent it compressed (${headers['content-encoding']}) without ` +
        'being asked to; use another server.',
    );
  }
}

function checkSize(url: string, size: number, { what, maxBytes = Infinity }: HttpOptions): void {
  if (size <= maxBytes) return;
  throw new FaceDetError(
    'DOWNLOAD_TOO_LARGE',
    `Expected ${what} of at most ${maxBytes.toLocaleString('en')} bytes but ${shownSource(url)} sends ` +
      `${size.toLocaleString('en')} or more; check the address.`,
  );
}

function contentRange(response: IncomingMessage): { start?: number; total?: number } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
  if (!match) return undefined;
  return {
    ...(match[1] === undefined ? {} : { start: Number(match[1]) }),
    ...(match[2] === '*' ? {} : { total: Number(match[2]) }),
  };
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

type Attempt = ReturnType<typeof watch>;

/**
 * A signal that aborts with the caller's, and by itself when no connection came about or nothing was heard for too
 * long.
 */
function watch({ signal, stallTimeout = 30, connectTimeout = 15 }: HttpOptions) {
  const controller = new AbortController();
  let stalled: Error | undefined;
  const start = (seconds: number, message: string) =>
    setTimeout(() => {
      stalled = new Error(message);
      controller.abort(stalled);
    }, seconds * 1000);
  const patience = Math.min(connectTimeout, stallTimeout);
  let timer = start(patience, `no connection within ${patience} s`);
  const abort = () => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    /** Why it aborted by itself. */
    get stalled() {
      return stalled;
    },
    connected: () => {
      clearTimeout(timer);
      if (!controller.signal.aborted) timer = start(stallTimeout, `nothing arrived for ${stallTimeout} s`);
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

function gaveUp(url: string, failure: Failure, attempts: number, { what, advice }: HttpOptions): FaceDetError {
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  const next = `check the network, HTTP_PROXY, HTTPS_PROXY and NO_PROXY${advice === undefined ? '' : `, ${advice}`}`;
  const said = printable(failure.message, 300);
  return new FaceDetError(
    'DOWNLOAD_FAILED',
    `Expected ${what} but ${shownSource(url)} could not be downloaded after ${tries}: ${said}; ${next}.`,
    { cause: failure.cause ?? failure },
  );
}
