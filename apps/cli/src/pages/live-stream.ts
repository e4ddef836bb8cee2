import type { ServerResponse } from 'node:http';
import type { PixelBuffer } from '@facedet/core';
import { trackColor } from '@facedet/draw';
import { encodeImage } from '@facedet/runtime-node';
import type { PreviewUpdate } from '@facedet/video-node';

interface Viewer {
  readonly response: ServerResponse;
  /** Whether the last write is still buffered. */
  busy: boolean;
}

interface ListedTrack {
  readonly id: number;
  readonly color: string;
  readonly first: number;
  last: number;
  score: number;
}

/** Separates the pictures of the MJPEG stream. */
export const BOUNDARY = 'facedet-frame';

/** The highest rates of pictures and of track lists in 1/s, so that viewers do not slow down a fast run. */
const [PICTURE_RATE, LIST_RATE] = [30, 6];
/** The most tracks in the list; those seen last are kept. */
const LISTED = 100;

/**
 * The streams of the live page: pictures for viewers (MJPEG), the list of tracks for readers (server-sent events). A
 * slow viewer skips frames; without viewers nothing is encoded.
 */
export class LiveStream {
  private readonly viewers = new Set<Viewer>();
  private readonly readers = new Set<Viewer>();
  /** Callbacks that wait for a viewer. */
  private readonly arrivals = new Set<() => void>();
  /** By ID, in the order of their last detection. */
  private readonly tracks = new Map<number, ListedTrack>();
  /** Times of the frames of the last second. */
  private arrived: number[] = [];
  private last: Omit<PreviewUpdate, 'image'> | undefined;
  private encoding = false;
  private pictureAt = -Infinity;
  private listAt = -Infinity;

  /** Sends pictures to a response from now on; its head is written. */
  addViewer(response: ServerResponse): void {
    response.write(`--${BOUNDARY}\r\n`);
    join(this.viewers, response);
    for (const arrive of this.arrivals) arrive();
  }

  /** Sends events to a response from now on; its head is written. */
  addReader(response: ServerResponse): void {
    join(this.readers, response);
    response.write(`retry: 2000\n\n${this.list()}`);
  }

  /** Sends a frame to viewers and readers. Settles when the picture is read and the frame may be closed. */
  async push({ image, faces, index, timestamp, statistics }: PreviewUpdate): Promise<void> {
    this.last = { faces, index, timestamp, statistics };
    const now = performance.now();
    this.arrived.push(now);
    if (this.arrived[0]! <= now - 1000) this.arrived = this.arrived.filter((at) => at > now - 1000);
    for (const { id, score } of faces) if (id !== null) this.see(id, score, timestamp);
    if (this.readers.size > 0 && now - this.listAt >= 1000 / LIST_RATE) {
      this.listAt = now;
      const event = this.list();
      for (const reader of this.readers) give(reader, event);
    }
    const isIdle = !this.encoding && now - this.pictureAt >= 1000 / PICTURE_RATE;
    if (!isIdle || ![...this.viewers].some(({ busy }) => !busy)) return;
    this.encoding = true;
    this.pictureAt = now;
    // The run goes on without a preview where the picture or its encoder fails.
    const pixels = typeof image === 'function' ? await image().catch(() => undefined) : image;
    void this.show(pixels).finally(() => (this.encoding = false));
  }

  /** Resolves once there is a viewer of the pictures. Rejects with the signal's reason. */
  viewer(signal?: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.viewers.size > 0) return resolve();
      const abort = () => settle(() => reject(signal!.reason as Error));
      const arrive = () => settle(resolve);
      const settle = (how: () => void) => {
        this.arrivals.delete(arrive);
        signal?.removeEventListener('abort', abort);
        how();
      };
      this.arrivals.add(arrive);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Sends the last list and the end of the video, and ends all responses. */
  end(): void {
    for (const { response } of this.readers) response.end(`${this.list()}event: end\ndata: {}\n\n`);
    for (const { response } of this.viewers) response.end();
  }

  /** The last frame and the tracks as an event; empty before the first frame. */
  private list(): string {
    if (!this.last) return '';
    const { index, timestamp, faces, statistics } = this.last;
    const data = {
      index,
      timestamp,
      faces: faces.length,
      fps: this.arrived.length,
      tracks: statistics.identities,
      list: [...this.tracks.values()].reverse(),
    };
    return `event: frame\ndata: ${JSON.stringify(data)}\n\n`;
  }

  private see(id: number, score: number, timestamp: number): void {
    const { tracks } = this;
    const color = `rgb(${trackColor(id).join(' ')})`;
    const track = tracks.get(id) ?? { id, color, first: timestamp, last: timestamp, score };
    track.last = timestamp;
    track.score = Math.round(score * 100) / 100;
    // Moves it to the end of the map.
    tracks.delete(id);
    tracks.set(id, track);
    if (tracks.size > LISTED) tracks.delete(tracks.keys().next().value!);
  }

  private async show(pixels: PixelBuffer | undefined): Promise<void> {
    const jpeg = pixels && (await encodeImage(pixels, { format: 'jpeg', quality: 80 }).catch(() => undefined));
    if (!jpeg) return;
    // A browser shows a part when it has received the next boundary.
    const part = Buffer.concat([
      Buffer.from(`Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`),
      jpeg,
      Buffer.from(`\r\n--${BOUNDARY}\r\n`),
    ]);
    for (const viewer of this.viewers) give(viewer, part);
  }
}

function join(group: Set<Viewer>, response: ServerResponse): void {
  const viewer: Viewer = { response, busy: false };
  group.add(viewer);
  response.on('drain', () => (viewer.busy = false));
  response.on('close', () => group.delete(viewer));
}

function give(viewer: Viewer, data: Buffer | string): void {
  if (!viewer.busy) viewer.busy = !viewer.response.write(data);
}
