import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError, type PixelBuffer } from '@facedet/core';
import { trackColor } from '@facedet/draw';
import { encodeImage } from '@facedet/runtime-node';
import type { Preview, PreviewUpdate } from '@facedet/video-node';
import { livePageHtml, LIVE_POLICY } from './live-page-html.ts';

/** Options of `startLivePage`. */
export interface LivePageOptions {
  /** From 0 to 65535; 0 takes any that is free. Default 8787. */
  port?: number;
  /** The address it listens on. Default `127.0.0.1`: nobody but this machine. */
  host?: string;
  /** What the page calls the video. */
  title?: string;
}

/** A page of this machine that shows a video as it is worked on. */
export interface LivePage extends Preview {
  /** Its path is a secret, made anew each time: other users of this machine reach the port too. */
  readonly url: string;
  /**
   * Shows a frame to those who look, unless the frame before is still on its way. Settles when the picture is taken:
   * the frame may be closed then. Never rejects.
   */
  push(update: PreviewUpdate): Promise<void>;
  /** Resolves as soon as somebody looks at the picture. Rejects with the signal's reason. */
  viewer(signal?: AbortSignal): Promise<void>;
  /** Tells the viewers that this was all and ends the server. */
  close(): Promise<void>;
}

interface Viewer {
  readonly response: ServerResponse;
  /** What was written last is on its way. */
  busy: boolean;
}

interface Seen {
  readonly id: number;
  readonly color: string;
  readonly first: number;
  last: number;
  score: number;
}

/** Pictures a second and lists a second at most, so that a fast run is not slowed down by its viewers. */
const [PICTURES, LISTS] = [30, 6];
/** Identities in the list: those seen last. */
const LISTED = 100;
/** Milliseconds that a viewer has to take the last words. */
const GRACE = 300;

/**
 * Serves a page with the pictures (`/video`, MJPEG) and the identities (`/events`, server-sent events). The newest
 * frame wins: a viewer that is slow skips frames, without viewers nothing is encoded. Only who knows its address sees
 * it; other sites' pages can't show it, and a foreign name that leads here (DNS rebinding) is refused, whatever `host`
 * is. Rejects with `PORT_IN_USE`, `PORT_UNAVAILABLE` and `INVALID_ARGUMENT`.
 */
export async function startLivePage({
  port = 8787,
  host = '127.0.0.1',
  title = 'Video',
}: LivePageOptions = {}): Promise<LivePage> {
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a port from 0 to 65535, received ${port}.`);
  const viewers = new Set<Viewer>();
  const readers = new Set<Viewer>();
  const arrivals = new Set<() => void>();
  const identities = new Map<number, Seen>();
  /** When the frames of the last second came. */
  let arrived: number[] = [];
  let last: Omit<PreviewUpdate, 'image'> | undefined;
  let encoding = false;
  let [pictureAt, listAt] = [-Infinity, -Infinity];
  let closed: Promise<void> | undefined;
  const secret = randomBytes(16).toString('base64url');

  const server = createServer((request, response) => {
    response.on('error', () => {}); // a viewer that is gone
    if (!isOwnName(request, host)) return refuse(response, 403, 'Open this page by the address that facedet printed.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'GET only.');
    const path = pathBehind(secret, request);
    if (path === undefined)
      return refuse(response, 403, 'Open this page by the address that facedet printed; it is another one each time.');
    if (path === '/') return page(response, title);
    if (path === '/video' && request.method === 'GET') {
      join(viewers, response, { 'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` });
      for (const arrive of arrivals) arrive();
      return;
    }
    if (path === '/events' && request.method === 'GET') {
      join(readers, response, { 'Content-Type': 'text/event-stream' });
      response.write(`retry: 2000\n\n${list()}`);
      return;
    }
    refuse(response, 404, 'Nothing is here.');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE';
      reject(
        new FaceDetError(
          inUse ? 'PORT_IN_USE' : 'PORT_UNAVAILABLE',
          inUse
            ? `Expected port ${port} of ${host} to be free, another program uses it. Give another port, or 0 for any.`
            : `Expected to listen on port ${port} of ${host}: ${cause.message}. Give another port, or 0 for any.`,
          { cause },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  server.on('error', () => {});
  const { port: actual } = server.address() as AddressInfo;

  /** The last frame and the identities as an event; nothing before the first frame. */
  function list(): string {
    if (!last) return '';
    const { index, timestamp, faces, statistics } = last;
    const data = {
      index,
      timestamp,
      faces: faces.length,
      fps: arrived.length,
      identities: statistics.identities,
      list: [...identities.values()].reverse(),
    };
    return `event: frame\ndata: ${JSON.stringify(data)}\n\n`;
  }

  async function push({ image, faces, index, timestamp, statistics }: PreviewUpdate): Promise<void> {
    if (closed) return;
    last = { faces, index, timestamp, statistics };
    const now = performance.now();
    arrived.push(now);
    if (arrived[0]! <= now - 1000) arrived = arrived.filter((at) => at > now - 1000);
    for (const { id, score } of faces) if (id !== null) see(identities, id, score, timestamp);
    if (readers.size > 0 && now - listAt >= 1000 / LISTS) {
      listAt = now;
      const event = list();
      for (const reader of readers) give(reader, event);
    }
    if (encoding || now - pictureAt < 1000 / PICTURES || ![...viewers].some(({ busy }) => !busy)) return;
    encoding = true;
    pictureAt = now;
    // Without the picture or its encoder the run goes on: looking is not what it is for.
    const pixels = typeof image === 'function' ? await image().catch(() => undefined) : image;
    void show(pixels).finally(() => (encoding = false));
  }

  async function show(pixels: PixelBuffer | undefined): Promise<void> {
    const jpeg = pixels && (await encodeImage(pixels, { format: 'jpeg', quality: 80 }).catch(() => undefined));
    if (!jpeg) return;
    // A browser shows a part when the next boundary has come.
    const part = Buffer.concat([
      Buffer.from(`Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`),
      jpeg,
      Buffer.from(`\r\n--${BOUNDARY}\r\n`),
    ]);
    for (const viewer of viewers) give(viewer, part);
  }

  async function end(): Promise<void> {
    for (const { response } of readers) response.end(`${list()}event: end\ndata: {}\n\n`);
    for (const { response } of viewers) response.end();
    const over = new Promise<void>((done) => server.close(() => done()));
    await Promise.race([over, sleep(GRACE, undefined, { ref: false })]);
    server.closeAllConnections();
    await over;
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}/${secret}/`,
    push,
    viewer: (signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        if (viewers.size > 0) return resolve();
        const abort = () => settle(() => reject(signal!.reason as Error));
        const arrive = () => settle(resolve);
        const settle = (how: () => void) => {
          arrivals.delete(arrive);
          signal?.removeEventListener('abort', abort);
          how();
        };
        arrivals.add(arrive);
        signal?.addEventListener('abort', abort, { once: true });
      }),
    close: () => (closed ??= end()),
  };
}

const BOUNDARY = 'facedet-frame';

/**
 * Whether a request names this machine itself: a foreign site's name may lead here too, and its pages would then be of
 * one origin with this one. Beyond loopback an address is as good as a name: no DNS leads it elsewhere.
 */
function isOwnName(request: IncomingMessage, host: string): boolean {
  const name = (request.headers.host ?? '')
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  if (name === 'localhost' || name === '127.0.0.1' || name === '::1') return true;
  if (host === '127.0.0.1' || host === '::1' || host === 'localhost') return false;
  return isIP(name) !== 0 || name === host.toLowerCase() || name === hostname().toLowerCase();
}

/** The path of a request behind the secret; undefined where that is missing or wrong. */
function pathBehind(secret: string, request: IncomingMessage): string | undefined {
  const path = request.url?.split('?', 1)[0] ?? '';
  const given = Buffer.from(path.slice(1, secret.length + 1));
  if (given.length !== secret.length || path[secret.length + 1] !== '/') return undefined;
  return timingSafeEqual(given, Buffer.from(secret)) ? path.slice(secret.length + 1) : undefined;
}

function join(group: Set<Viewer>, response: ServerResponse, headers: Record<string, string>): void {
  response.writeHead(200, { ...HEADERS, ...headers });
  if (headers['Content-Type']?.startsWith('multipart')) response.write(`--${BOUNDARY}\r\n`);
  const viewer: Viewer = { response, busy: false };
  group.add(viewer);
  response.on('drain', () => (viewer.busy = false));
  response.on('close', () => group.delete(viewer));
}

function give(viewer: Viewer, data: Buffer | string): void {
  if (!viewer.busy) viewer.busy = !viewer.response.write(data);
}

function see(identities: Map<number, Seen>, id: number, score: number, timestamp: number): void {
  const seen = identities.get(id) ?? {
    id,
    color: `rgb(${trackColor(id).join(' ')})`,
    first: timestamp,
    last: timestamp,
    score,
  };
  seen.last = timestamp;
  seen.score = Math.round(score * 100) / 100;
  // The map's order is that of the last sighting.
  identities.delete(id);
  identities.set(id, seen);
  if (identities.size > LISTED) identities.delete(identities.keys().next().value!);
}

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

function page(response: ServerResponse, title: string): void {
  response.writeHead(200, {
    ...HEADERS,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': LIVE_POLICY,
  });
  response.end(livePageHtml(title));
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}
