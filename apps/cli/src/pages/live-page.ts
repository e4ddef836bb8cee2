import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import type { Preview, PreviewUpdate } from '@facedet/video-node';
import { answer } from './live-page-requests.ts';
import { LiveStream } from './live-stream.ts';

/** Options of `startLivePage`. */
export interface LivePageOptions {
  /** From 0 to 65535; 0 takes any free port. Default 8787. */
  port?: number;
  /** The address it listens on. Default `127.0.0.1`: reachable from this machine only. */
  host?: string;
  /** The title of the video on the page. */
  title?: string;
}

/** A local web page that shows a video while it is processed. */
export interface LivePage extends Preview {
  /** Has a secret in its path, a new one for each page: other users of this machine can reach the port too. */
  readonly url: string;
  /**
   * Shows a frame to the viewers, unless the frame before is still being sent. Settles when the picture is read and the
   * frame may be closed. Never rejects.
   */
  push(update: PreviewUpdate): Promise<void>;
  /** Resolves once there is a viewer of the picture. Rejects with the signal's reason. */
  viewer(signal?: AbortSignal): Promise<void>;
  /** Shows the end of the video to the viewers and stops the server. */
  close(): Promise<void>;
}

/** Milliseconds that viewers have to receive the end of the streams. */
const GRACE = 300;

/**
 * Serves a page with the pictures (`/video`, MJPEG) and the list of tracks (`/events`, server-sent events). The newest
 * frame wins: a slow viewer skips frames, and without viewers nothing is encoded. The page is visible only at its
 * secret address; pages of other sites can't embed it, and a foreign host name that resolves to this machine (DNS
 * rebinding) is refused, whatever `host` is. Rejects with `PORT_IN_USE`, `PORT_UNAVAILABLE` and `INVALID_ARGUMENT`.
 */
export async function startLivePage({
  port = 8787,
  host = '127.0.0.1',
  title = 'Video',
}: LivePageOptions = {}): Promise<LivePage> {
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a port from 0 to 65535 but received ${port}.`);
  const stream = new LiveStream();
  const secret = randomBytes(16).toString('base64url');
  const server = createServer((request, response) => answer({ host, secret, title, stream }, request, response));
  await listen(server, port, host);
  const { port: actual } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}/${secret}/`,
    async push(update) {
      if (!closed) await stream.push(update);
    },
    viewer: (signal) => stream.viewer(signal),
    close: () => (closed ??= end(server, stream)),
  };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE';
      reject(
        new FaceDetError(
          inUse ? 'PORT_IN_USE' : 'PORT_UNAVAILABLE',
          inUse
            ? `Port ${port} of ${host} is in use by another program; choose another port, or 0 for any free one.`
            : `Can't listen on port ${port} of ${host}: ${cause.message}; choose another port, or 0 for any free one.`,
          { cause },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  server.on('error', () => {});
}

async function end(server: Server, stream: LiveStream): Promise<void> {
  stream.end();
  const over = new Promise<void>((done) => server.close(() => done()));
  await Promise.race([over, sleep(GRACE, undefined, { ref: false })]);
  server.closeAllConnections();
  await over;
}
