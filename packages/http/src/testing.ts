import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A request as the server saw it. */
interface Seen {
  readonly path: string;
  readonly authorization?: string;
  readonly range?: string;
  readonly ifRange?: string;
}

/** How one request is answered: the file, or something that goes wrong. */
export type Behavior = (request: IncomingMessage, response: ServerResponse) => void;

/** A local HTTP server; each path has its behaviors, used up one a request, the last one for all that follow. */
export async function startServer(paths: Record<string, Behavior | Behavior[]>, tls?: { key: string; cert: string }) {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  const answer: Behavior = (request, response) => {
    const path = request.url!;
    const { authorization } = request.headers;
    seen.push({
      path,
      ...(authorization ? { authorization } : {}),
      ...(request.headers.range ? { range: request.headers.range } : {}),
      ...(request.headers['if-range'] ? { ifRange: String(request.headers['if-range']) } : {}),
    });
    const list = [paths[path] ?? status(404)].flat();
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    list[Math.min(count, list.length - 1)]!(request, response);
  };
  const server = tls ? createSecureServer(tls, answer) : createServer(answer);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    seen,
    server,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface FileOptions {
  /** Ranges are ignored, as simple servers do. */
  readonly ranges?: boolean;
  readonly etag?: string;
  /** The connection is cut after so many bytes of the answer. */
  readonly breakAfter?: number;
  /** Nothing follows after so many bytes, and the connection stays open. */
  readonly stallAfter?: number;
  /** Milliseconds between pieces of 64 KiB. */
  readonly slow?: number;
  /** No Content-Length: the size is unknown. */
  readonly chunked?: boolean;
}

/** Serves a file correctly, or closes the connection early. */
export function file(body: Uint8Array, options: FileOptions = {}): Behavior {
  return (request, response) => {
    const match = options.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const stale = request.headers['if-range'] !== undefined && request.headers['if-range'] !== options.etag;
    const headers: Record<string, string | number> = {
      'content-type': 'application/octet-stream',
      ...(options.etag ? { etag: options.etag } : {}),
    };
    let start = 0;
    let end = body.length;
    if (match && !stale) {
      start = Number(match[1]);
      if (start >= body.length)
        return void response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
      end = match[2] ? Math.min(body.length, Number(match[2]) + 1) : end;
      headers['content-range'] = `bytes ${start}-${end - 1}/${body.length}`;
    }
    if (!options.chunked) headers['content-length'] = end - start;
    response.writeHead(match && !stale ? 206 : 200, headers);
    void send(response, body.subarray(start, end), options);
  };
}

async function send(
  response: ServerResponse,
  bytes: Uint8Array,
  { breakAfter, stallAfter, slow }: FileOptions,
): Promise<void> {
  const limit = breakAfter ?? stallAfter;
  const sent = limit === undefined ? bytes : bytes.subarray(0, limit);
  for (let at = 0; at < sent.length; at += 65_536) {
    await new Promise((resolve) => response.write(sent.subarray(at, at + 65_536), resolve));
    if (slow) await new Promise((resolve) => setTimeout(resolve, slow));
  }
  if (breakAfter !== undefined && breakAfter < bytes.length) response.socket?.destroy();
  else if (stallAfter === undefined) response.end();
}

export function status(code: number, headers: Record<string, string> = {}): Behavior {
  return (_, response) => void response.writeHead(code, headers).end('an error page');
}

export function redirect(to: string): Behavior {
  return status(302, { location: to });
}

/** Bytes that no server could make up: the same for the same seed. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2_654_435_761;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** How a proxy asks for a user name and password, and what it does not reach. */
export interface ProxyOptions {
  /** `user:password`; others get 407. */
  readonly credentials?: string;
  /** Answers every CONNECT with this status. */
  readonly refuseTunnels?: number;
}

const CHALLENGE = { 'proxy-authenticate': 'Basic realm="proxy"' };

/** A local proxy behind which every host is 127.0.0.1 at `port`; `through` lists what it was asked for. */
export async function startProxy(port: number, { credentials, refuseTunnels }: ProxyOptions = {}) {
  const through: string[] = [];
  const sockets = new Set<Duplex>();
  const allowed = (request: IncomingMessage) =>
    credentials === undefined ||
    request.headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`;
  const proxy = createServer((request, response) => {
    through.push(`${request.method} ${request.url}`);
    if (!allowed(request)) return void response.writeHead(407, CHALLENGE).end();
    const { pathname, search } = new URL(request.url!);
    const passed = forward(
      { port, host: '127.0.0.1', path: pathname + search, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    passed.on('error', () => response.destroy());
    passed.end();
  });
  proxy.on('connection', (socket) => sockets.add(socket));
  proxy.on('connect', (request: IncomingMessage, socket: Duplex) => {
    through.push(`CONNECT ${request.url}`);
    socket.on('error', () => {});
    const refused = allowed(request) ? refuseTunnels : 407;
    if (refused !== undefined)
      return void socket.end(
        `HTTP/1.1 ${refused} No\r\nProxy-Authenticate: ${CHALLENGE['proxy-authenticate']}\r\n\r\n`,
      );
    const far = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    sockets.add(far);
    far.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port: own } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    through,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

/** The variables that name proxies, all unset, so that those of the machine change no test. */
export const NO_PROXIES: Readonly<Record<string, undefined>> = Object.fromEntries(
  ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']
    .flatMap((name) => [name, name.toUpperCase()])
    .map((name) => [name, undefined]),
);

/** A key and a certificate signed by itself for `name` and 127.0.0.1, PEM. */
export function selfSigned(name: string): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts);
    const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
    return Buffer.concat([Buffer.from([tag, ...length]), body]);
  };
  const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
  const time = (text: string) => der(0x17, Buffer.from(text));
  const ecdsaWithSha256 = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const subject = sequence(der(0x31, sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from(name)))));
  const names = sequence(der(0x82, Buffer.from(name)), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = der(0xa3, sequence(sequence(der(0x06, Buffer.from('551d11', 'hex')), der(0x04, names))));
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const validity = sequence(time('200101000000Z'), time('491231235959Z'));
  const body = sequence(
    version,
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    subject,
    validity,
    subject,
    key,
    extensions,
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const cert = sequence(body, ecdsaWithSha256, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    cert: `-----BEGIN CERTIFICATE-----\n${cert}\n-----END CERTIFICATE-----\n`,
  };
}
