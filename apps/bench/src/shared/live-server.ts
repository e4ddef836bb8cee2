// An unreliable camera: an HTTP server on loopback.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createScene } from '@facedet/eval/synthetic';
import { encodeImage } from '@facedet/runtime-node';
import { writeMedia } from '@facedet/video-node/testing';

/** What the server sends: pictures one by one, or MPEG-TS whose clock jumps. */
export const KINDS = ['mjpeg', 'mpegts'] as const;
export type LiveKind = (typeof KINDS)[number];

/** The server, and what it did so far. */
export interface LiveServer {
  readonly url: string;
  readonly counts: {
    connections: number;
    refused: number;
    stalls: number;
    drops: number;
    sizes: number;
    jumps: number;
  };
  /** What is sent from now on; returns it. */
  begin(kind: LiveKind): LiveKind;
  close(): Promise<void>;
}

const FRAME_MS = 40;
const SIZES = [
  [320, 180],
  [480, 270],
  [160, 120],
] as const;
/** Seconds at which the clock of each MPEG-TS clip begins: ahead by an hour, back, and back by less than a second. */
const STARTS = [10, 3610, 20, 21.6, 500] as const;
const CLIP_FRAMES = 50;

/** Starts the server; `random` decides when it stalls, drops a connection, changes the size and jumps. */
export async function startLiveServer(random: () => number): Promise<LiveServer> {
  const pictures = await Promise.all(SIZES.map(picturesOf));
  const clips = await clipsOf();
  const counts = { connections: 0, refused: 0, stalls: 0, drops: 0, sizes: 0, jumps: 0 };
  let kind: LiveKind = 'mjpeg';
  let away = 0;
  let size = 0;

  /** Sends a piece; false where the connection is gone. Now and then it stalls, or drops the connection. */
  async function send(response: ServerResponse, piece: Uint8Array, ms: number): Promise<boolean> {
    if (response.destroyed) return false;
    response.write(piece);
    await sleep(ms);
    const event = random();
    if (event < 0.006) {
      counts.drops++;
      away = performance.now() + 200 + 1500 * random();
      response.destroy();
      return false;
    }
    if (event < 0.02) {
      counts.stalls++;
      // A stream that is silent for ten seconds counts as lost.
      await sleep(event < 0.0075 ? 11_000 : 300 + 2000 * random());
    }
    return !response.destroyed;
  }

  async function mjpeg(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
    for (let i = 0; ; i++) {
      if (random() < 0.01) {
        size = (size + 1) % SIZES.length;
        counts.sizes++;
      }
      const jpeg = pictures[size]![i % pictures[size]!.length]!;
      const head = `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
      if (!(await send(response, Buffer.concat([Buffer.from(head), jpeg, Buffer.from('\r\n')]), FRAME_MS))) return;
    }
  }

  async function mpegts(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'video/mp2t' });
    for (let i = 0; ; i++) {
      if (i > 0) counts.jumps++;
      const clip = clips[i % clips.length]!;
      const length = 188 * Math.ceil(clip.length / 188 / CLIP_FRAMES);
      for (let at = 0; at < clip.length; at += length) {
        if (!(await send(response, clip.subarray(at, at + length), FRAME_MS))) return;
      }
    }
  }

  const server = createServer((_, response) => {
    response.on('error', () => {});
    if (performance.now() < away) {
      counts.refused++;
      response.writeHead(503).end();
      return;
    }
    counts.connections++;
    void (kind === 'mjpeg' ? mjpeg(response) : mpegts(response));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/cam`,
    counts,
    begin: (next) => (kind = next),
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** A moving scene of one size, as JPEGs. */
async function picturesOf([width, height]: (typeof SIZES)[number]): Promise<Buffer[]> {
  const scene = createScene({ seed: 3, width, height, frames: 40, faces: 2, events: [] });
  const jpegs: Buffer[] = [];
  for (let i = 0; i < scene.length; i++) {
    jpegs.push(Buffer.from(await encodeImage(scene.frame(i).image, { format: 'jpeg' })));
  }
  return jpegs;
}

async function clipsOf(): Promise<Buffer[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-clips-'));
  try {
    const clips: Buffer[] = [];
    for (const [i, start] of STARTS.entries()) {
      const video = { encoder: 'mpeg2video', frames: CLIP_FRAMES, size: [320, 180] } as const;
      clips.push(readFileSync(await writeMedia(join(folder, `${i}.ts`), { video, sound: 'mp2', start })));
    }
    return clips;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
