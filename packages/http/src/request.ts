import type { IncomingMessage, request as nodeRequest, RequestOptions } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { FaceDetError } from '@facedet/checks';
import { parseUrl, printable, shownSource } from '@facedet/files';
import { plainHost, portOf, proxyFor } from './proxy.ts';

/** As browsers have it. */
const MAX_REDIRECTS = 20;

/** Options of `get`. */
export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Whether a redirect from https to http is followed: only where a known hash decides about the bytes. */
  readonly allowHttp: boolean;
  /** Called when a connection is there, also one to a proxy. */
  readonly onConnect: () => void;
}

/**
 * The response to a GET, its body still to be read (or destroyed). Redirects are followed, through the proxies of the
 * environment. User name and password of the URL become an `Authorization` header, which other origins don't get.
 *
 * Node's own client rather than `fetch`: that of Node 20 ignores the proxy variables, and undici 7 crashes the process
 * where a server closes the connection of a response that is not read fast enough (nodejs/undici#5360).
 *
 * Throws `DOWNLOAD_FAILED` for a redirect that isn't followed and a proxy that can't be used; `INVALID_ARGUMENT` for
 * what is no URL; the network's errors as they are.
 */
export async function get(url: string, options: GetOptions): Promise<IncomingMessage> {
  let target = parseUrl(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await getOnce(target, options);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode!) || location === undefined) return response;
    response.destroy();
    target = redirected(url, target, location, options.allowHttp);
  }
  throw new FaceDetError(
    'DOWNLOAD_FAILED',
    `Expected a file at ${shownSource(url)} but received more than ${MAX_REDIRECTS} redirects: they lead in a ` +
      'circle; check the address.',
  );
}

function redirected(url: string, from: URL, location: string, allowHttp: boolean): URL {
  const refuse = (received: string, advice: string) =>
    new FaceDetError(
      'DOWNLOAD_FAILED',
      `Expected a redirect of ${shownSource(url)} to an http or https address but received ${received}; ${advice}.`,
    );
  if (!URL.canParse(location, from.href)) throw refuse(JSON.stringify(shownSource(location)), 'check the address');
  const target = new URL(location, from);
  if (!/^https?:$/.test(target.protocol)) throw refuse(shownSource(target), 'check the address');
  if (from.protocol === 'https:' && target.protocol === 'http:' && !allowHttp) {
    throw refuse(`${shownSource(target)} after an https address`, 'use the final address, or another mirror');
  }
  // Credentials stay with their origin.
  if (target.origin === from.origin && target.username === '' && target.password === '') {
    target.username = from.username;
    target.password = from.password;
  }
  return target;
}

async function getOnce(url: URL, options: GetOptions): Promise<IncomingMessage> {
  const proxy = proxyFor(url);
  const headers: Record<string, string> = { ...options.headers };
  const credentials = basicAuth(url);
  if (credentials !== undefined) headers['authorization'] = credentials;
  const common = { headers, signal: options.signal, agent: false, method: 'GET' };
  const path = `${url.pathname}${url.search}`;
  if (proxy === undefined) {
    return exchange(
      url.protocol,
      { ...common, host: plainHost(url), port: portOf(url), path, servername: serverName(url) },
      options.onConnect,
    );
  }
  if (url.protocol === 'https:') {
    const secure = await tunnel(url, proxy, options);
    // With an agent Node would make a connection of its own.
    const through = {
      ...common,
      agent: undefined,
      createConnection: () => secure,
      host: plainHost(url),
      port: portOf(url),
      path,
    };
    return exchange('https:', through, options.onConnect);
  }
  headers['host'] = url.host;
  const proxyAuth = basicAuth(proxy);
  if (proxyAuth !== undefined) headers['proxy-authorization'] = proxyAuth;
  return exchange(
    proxy.protocol,
    {
      ...common,
      host: plainHost(proxy),
      port: portOf(proxy),
      path: `http://${url.host}${path}`,
      servername: serverName(proxy),
    },
    options.onConnect,
  );
}

type Options = RequestOptions & { servername?: string };

async function exchange(protocol: string, options: Options, onConnect: () => void): Promise<IncomingMessage> {
  const request = await client(protocol);
  return new Promise((resolve, reject) => {
    const sent = request(options, resolve);
    sent.on('error', reject);
    sent.on('socket', (socket: Socket) => {
      if (socket.connecting) socket.once('connect', onConnect);
      else onConnect();
    });
    sent.end();
  });
}

async function client(protocol: string): Promise<typeof nodeRequest> {
  return protocol === 'https:' ? (await import('node:https')).request : (await import('node:http')).request;
}

/** A TLS connection to an https address through its proxy (RFC 9110, 9.3.6). */
async function tunnel(url: URL, proxy: URL, { signal, onConnect }: GetOptions): Promise<Socket> {
  const authority = `${url.hostname}:${portOf(url)}`;
  const credentials = basicAuth(proxy);
  const headers = { host: authority, ...(credentials === undefined ? {} : { 'proxy-authorization': credentials }) };
  const request = await client(proxy.protocol);
  const options: Options = {
    method: 'CONNECT',
    host: plainHost(proxy),
    port: portOf(proxy),
    path: authority,
    headers,
    signal,
    agent: false,
    servername: serverName(proxy),
  };
  const socket = await new Promise<Socket>((resolve, reject) => {
    const sent = request(options);
    sent.on('error', reject);
    sent.on('socket', (plain: Socket) => plain.once('connect', onConnect));
    sent.on('connect', (response: IncomingMessage, plain: Socket, head: Buffer) => {
      if (response.statusCode === 200) {
        if (head.length > 0) plain.unshift(head);
        return resolve(plain);
      }
      plain.destroy();
      reject(proxyRefusal(url, proxy, response));
    });
    // A proxy that answers CONNECT as if it were a GET.
    sent.on('response', (response: IncomingMessage) => {
      response.destroy();
      reject(proxyRefusal(url, proxy, response));
    });
    sent.end();
  });
  const { connect } = await import('node:tls');
  const secure = connect({ socket, servername: serverName(url), ALPNProtocols: ['http/1.1'] });
  const abort = () => secure.destroy();
  signal.addEventListener('abort', abort, { once: true });
  return new Promise((resolve, reject) => {
    secure.once('error', reject);
    secure.once('close', () => {
      signal.removeEventListener('abort', abort);
      reject(signal.aborted ? (signal.reason as Error) : new Error('the connection through the proxy closed'));
    });
    secure.once('secureConnect', () => {
      secure.off('error', reject);
      resolve(secure);
    });
  });
}

/** Refusals of a proxy (407 above all) are not a matter of patience; what its own network says (502, 503, 504) is. */
function proxyRefusal(url: URL, proxy: URL, { statusCode, statusMessage }: IncomingMessage): Error {
  const said = `HTTP ${statusCode} ${printable(statusMessage ?? '', 100)}`.trimEnd();
  if (statusCode! >= 500) return new Error(`the proxy ${shownSource(proxy)} answered ${said}`);
  const advice =
    statusCode === 407
      ? 'put user name and password into the variable (http://user:password@host:port)'
      : 'check HTTPS_PROXY and NO_PROXY';
  return new FaceDetError(
    'DOWNLOAD_FAILED',
    `Expected the proxy ${shownSource(proxy)} to connect to ${printable(url.host, 200)} but it answered ` +
      `${said}; ${advice}.`,
  );
}

/** The server name of TLS; addresses have none. */
function serverName(url: URL): string {
  const host = plainHost(url);
  return isIP(host) ? '' : host;
}

function basicAuth({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
