import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { livePageHtml, LIVE_POLICY } from './live-page-html.ts';
import { BOUNDARY, type LiveStream } from './live-stream.ts';

/** What the server needs to answer a request. */
export interface LiveSite {
  /** The address that the server listens on. */
  readonly host: string;
  /** The first part of the path of each request. */
  readonly secret: string;
  readonly title: string;
  readonly stream: LiveStream;
}

/** Answers a request: the page, its pictures (`/video`) and its events (`/events`). */
export function answer({ host, secret, title, stream }: LiveSite, request: IncomingMessage, response: ServerResponse) {
  response.on('error', () => {}); // a viewer that is gone
  if (!isOwnName(request, host)) return refuse(response, 403, 'Open this page by the address that facedet printed.');
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'GET only.');
  const path = pathBehind(secret, request);
  if (path === undefined)
    return refuse(response, 403, 'Open this page by the address that facedet printed; it changes with each run.');
  if (path === '/') return page(response, title);
  if (path === '/video' && request.method === 'GET') {
    response.writeHead(200, { ...HEADERS, 'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` });
    return stream.addViewer(response);
  }
  if (path === '/events' && request.method === 'GET') {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    return stream.addReader(response);
  }
  refuse(response, 404, 'Not found.');
}

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/**
 * Whether the host name of a request is that of this machine. The name of another site may resolve to this machine too
 * (DNS rebinding), and its pages would then share this page's origin. Beyond loopback any IP address is accepted, as no
 * DNS server decides where it leads.
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
