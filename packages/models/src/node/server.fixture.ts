import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { crc32, deflateRawSync } from 'node:zlib';
import { createHash } from 'node:crypto';

/** A request as the server saw it. */
interface Seen {
  readonly path: string;
  readonly range?: string;
  readonly ifRange?: string;
}

/** How one request is answered: the file, or something that goes wrong. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

/** A local HTTP server; each path has its behaviours, used up one a request, the last one for all that follow. */
export async function startServer(paths: Record<string, Behaviour | Behaviour[]>) {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url!;
    seen.push({ path, ...(request.headers.range ? { range: request.headers.range } : {}), ...(request.headers['if-range'] ? { ifRange: String(request.headers['if-range']) } : {}) });
    const list = [paths[path] ?? status(404)].flat();
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    list[Math.min(count, list.length - 1)]!(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
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

/** Answers with a file as a proper server does, or breaks off as a bad one does. */
export function file(body: Uint8Array, options: FileOptions = {}): Behaviour {
  return (request, response) => {
    const match = options.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const stale = request.headers['if-range'] !== undefined && request.headers['if-range'] !== options.etag;
    const headers: Record<string, string | number> = { 'content-type': 'application/octet-stream', ...(options.etag ? { etag: options.etag } : {}) };
    let start = 0;
    let end = body.length;
    if (match && !stale) {
      start = Number(match[1]);
      if (start >= body.length) return void response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
      end = match[2] ? Math.min(body.length, Number(match[2]) + 1) : end;
      headers['content-range'] = `bytes ${start}-${end - 1}/${body.length}`;
    }
    if (!options.chunked) headers['content-length'] = end - start;
    response.writeHead(match && !stale ? 206 : 200, headers);
    void send(response, body.subarray(start, end), options);
  };
}

async function send(response: ServerResponse, bytes: Uint8Array, { breakAfter, stallAfter, slow }: FileOptions): Promise<void> {
  const limit = breakAfter ?? stallAfter;
  const sent = limit === undefined ? bytes : bytes.subarray(0, limit);
  for (let at = 0; at < sent.length; at += 65_536) {
    await new Promise((resolve) => response.write(sent.subarray(at, at + 65_536), resolve));
    if (slow) await new Promise((resolve) => setTimeout(resolve, slow));
  }
  if (breakAfter !== undefined && breakAfter < bytes.length) response.socket?.destroy();
  else if (stallAfter === undefined) response.end();
}

export function status(code: number, headers: Record<string, string> = {}): Behaviour {
  return (_, response) => void response.writeHead(code, headers).end('an error page');
}

export function redirect(to: string): Behaviour {
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

/** A zip archive of these files, deflated. */
export function zip(files: Record<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, body] of Object.entries(files)) {
    const packed = deflateRawSync(body);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(body), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(body.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, rest, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
