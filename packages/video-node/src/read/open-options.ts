import { availableParallelism } from 'node:os';
import { FaceDetError } from '@facedet/core';
import { DEFAULT_LIMITS, type InputLimits } from './input.ts';
import type { ConnectionChange, ReaderOptions } from './reader-options.ts';

/** Options of `openVideo`. */
export interface OpenVideoOptions {
  /**
   * Frames per second (fps) of a folder of pictures, or requested from a camera. Default: 25 for pictures, the camera's
   * own rate for cameras.
   */
  fps?: number;
  /** Width and height requested from a camera, in pixels. */
  size?: readonly [width: number, height: number];
  /**
   * Frames decoded in advance. Higher evens out slow frames but takes more memory (3 MB per frame of 1080p, 64 MB at
   * most). Default 4.
   */
  decodeAhead?: number;
  /** Decoder threads. Default: a quarter of the cores, which leaves the others for inference. */
  threads?: number;
  /** `auto` decodes on a GPU if there is one. Default `none`. */
  hwaccel?: 'auto' | 'none';
  /** Deinterlaces pictures that are marked as interlaced. Default true. */
  deinterlace?: boolean;
  /** Continues after a frame of an earlier run: the first frame has index `index + 1`. Not for live sources. */
  after?: { readonly index: number; readonly timestamp: number };
  /**
   * Attempts in a row to reopen a lost stream: after 0.5 s, then twice as long each time up to 30 s, each with up to
   * 25 % jitter. If set, it also applies to the first connection, which otherwise fails at once. Higher survives longer
   * outages; 0 ends the video when the stream is lost. Default 10.
   */
  reconnects?: number | 'forever';
  /** Called when a stream is lost, before each attempt to reopen it, and when it is back. */
  onReconnect?: (change: ConnectionChange) => void;
  /** Yields frames no faster than their timestamps, as a camera does. Default true for files with `dropLate`. */
  paced?: boolean;
  /**
   * What happens if a picture of a folder can't be read: `stop` throws its error; `skip` yields a black frame with
   * `error`, whose `rasterize` rejects. Default `stop`.
   */
  onPictureError?: 'skip' | 'stop';
  /**
   * Maximum pixels per frame; `IMAGE_TOO_LARGE` beyond. Higher lets a small file use more memory. Default
   * 8,192 × 4,320.
   */
  pixelLimit?: number;
  /**
   * URL schemes allowed in a source string besides `rtsp(s)` and `http(s)`, such as `['udp', 'srt']`. Not for user
   * input.
   */
  protocols?: readonly string[];
  /**
   * Maximum bytes of a pipe kept in a temporary file, for formats that can't be read sequentially (an MP4 with its
   * index at the end). Higher lets a pipe use more disk space. Default 4 GiB.
   */
  spoolLimit?: number;
  /** Drops the oldest waiting frames when they are not taken in time. Default true for cameras and streams. */
  dropLate?: boolean;
  /** Aborts reading; the loop then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Checks `fps`; returns the rate of a folder of pictures. */
export function checkPictureRate({ fps = 25 }: OpenVideoOptions): number {
  if (fps > 0 && fps < Infinity) return fps;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected a positive number of frames per second for fps but received ${String(fps)}; leave it out for the ` +
      'default.',
  );
}

/** Options of the reader: all but `after` and the hooks have defaults here. */
export function resolveOptions(
  options: OpenVideoOptions,
  internal: Pick<ReaderOptions, 'pictureRate' | 'limits' | 'signal' | 'onReconnect'>,
): ReaderOptions {
  return {
    capture: {
      ...(options.size ? { width: options.size[0], height: options.size[1] } : {}),
      ...(options.fps ? { fps: options.fps } : {}),
    },
    threads: options.threads ?? Math.min(8, Math.ceil(availableParallelism() / 4)),
    hwaccel: options.hwaccel ?? 'none',
    deinterlace: options.deinterlace ?? true,
    after: options.after,
    reconnects: attempts(options.reconnects ?? 10),
    firstConnects: attempts(options.reconnects ?? 0),
    onPictureError: options.onPictureError ?? 'stop',
    ...internal,
  };
}

function attempts(reconnects: number | 'forever'): number {
  if (reconnects === 'forever') return Infinity;
  if (Number.isInteger(reconnects) && reconnects >= 0) return reconnects;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected an integer of at least 0 or 'forever' for reconnects but received ${String(reconnects)}; leave ` +
      'it out for 10.',
  );
}

/** Checks the limits; returns them with their defaults. */
export function checkLimits({
  pixelLimit = DEFAULT_LIMITS.pixelLimit,
  spoolLimit = DEFAULT_LIMITS.spoolLimit,
  protocols = [],
}: OpenVideoOptions): InputLimits {
  if (!(pixelLimit >= 1))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a positive number for pixelLimit but received ${String(pixelLimit)}; leave it out for ` +
        `${DEFAULT_LIMITS.pixelLimit.toLocaleString('en')}.`,
    );
  if (!(spoolLimit >= 0))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a number of bytes for spoolLimit but received ${String(spoolLimit)}; leave it out for 4 GiB.`,
    );
  const odd = protocols.find((name) => !/^[a-z][a-z0-9+.-]*$/i.test(name) || name.toLowerCase() === 'lavfi');
  if (odd !== undefined)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected URL schemes such as 'udp' for protocols but received ${JSON.stringify(odd).slice(0, 60)}; ` +
        `write the name alone, and pass filter graphs as { lavfi: '…' }.`,
    );
  // FFmpeg takes an integer of 32 bits.
  return { pixelLimit: Math.min(Math.floor(pixelLimit), 2 ** 31 - 1), spoolLimit, protocols };
}
