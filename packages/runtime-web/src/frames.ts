import { FaceDetError, type Frame } from '@facedet/core';
import { drawable, type WebImageSource } from './image-source.ts';

/** A frame of the browser: its picture can be drawn, and it must be closed. */
export type WebFrame = Frame &
  WebImageSource & { /** What shows the frame on a canvas. */ readonly image: VideoFrame | ImageBitmap; close(): void };

/** Options of frame sources. */
export interface FrameOptions {
  /** Ends the source. */
  signal?: AbortSignal;
}

function webFrame(
  image: WebFrame['image'],
  { width, height, index, timestamp }: { width: number; height: number; index: number; timestamp: number },
): WebFrame {
  return { ...drawable(image, width, height), image, index, timestamp, close: () => image.close() };
}

/**
 * The frames that a video element shows, as it shows them (`requestVideoFrameCallback`), until it ends or the signal
 * aborts. Timestamps are the media's, in seconds; where the viewer seeks back, time goes on from where it was.
 */
export async function* videoFrames(
  video: HTMLVideoElement,
  { signal }: FrameOptions = {},
): AsyncGenerator<WebFrame, void, undefined> {
  let index = 0;
  let last = -Infinity;
  let offset = 0;
  while (!signal?.aborted) {
    const shown = await nextShown(video, signal);
    if (!shown) return;
    // A VideoFrame is a reference; where there are none, the bitmap is a copy.
    const image =
      typeof VideoFrame === 'undefined'
        ? await createImageBitmap(video)
        : new VideoFrame(video, { timestamp: Math.round(shown.mediaTime * 1e6) });
    if (shown.mediaTime + offset <= last) offset = last - shown.mediaTime + 1 / 60;
    last = shown.mediaTime + offset;
    yield webFrame(image, { width: video.videoWidth, height: video.videoHeight, index: index++, timestamp: last });
  }
}

function nextShown(video: HTMLVideoElement, signal?: AbortSignal): Promise<{ mediaTime: number } | null> {
  if (video.ended) return Promise.resolve(null);
  return new Promise((resolve) => {
    const finish = (value: { mediaTime: number } | null) => {
      video.removeEventListener('ended', ended);
      signal?.removeEventListener('abort', ended);
      resolve(value);
    };
    const ended = () => finish(null);
    video.addEventListener('ended', ended, { once: true });
    signal?.addEventListener('abort', ended, { once: true });
    if ('requestVideoFrameCallback' in video)
      video.requestVideoFrameCallback((_, { mediaTime }) => finish({ mediaTime }));
    else requestAnimationFrame(() => finish({ mediaTime: (video as HTMLVideoElement).currentTime }));
  });
}

/**
 * The frames of a camera or any other video track, until it ends or the signal aborts; straight from the track where
 * the browser can (MediaStreamTrackProcessor), else by a hidden video element. Timestamps are seconds. Rejects with
 * `INVALID_ARGUMENT` where the stream has no video.
 */
export async function* streamFrames(
  stream: MediaStream,
  { signal }: FrameOptions = {},
): AsyncGenerator<WebFrame, void, undefined> {
  const [track] = stream.getVideoTracks();
  if (!track)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a MediaStream with video but it has ${stream.getTracks().length} other tracks; ask ` +
        'getUserMedia for { video: true }.',
    );
  const Processor = (
    globalThis as {
      MediaStreamTrackProcessor?: new (o: { track: MediaStreamTrack; maxBufferSize?: number }) => {
        readable: ReadableStream<VideoFrame>;
      };
    }
  ).MediaStreamTrackProcessor;
  if (!Processor) {
    const video = document.createElement('video');
    Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
    await video.play();
    try {
      yield* videoFrames(video, signal ? { signal } : {});
    } finally {
      video.srcObject = null;
    }
    return;
  }
  const reader = new Processor({ track, maxBufferSize: 1 }).readable.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal?.addEventListener('abort', stop, { once: true });
  let index = 0;
  let first: number | null = null;
  let last = -Infinity;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const seconds = value.timestamp / 1e6;
      first ??= seconds;
      if (seconds - first <= last) {
        value.close();
        continue;
      }
      last = seconds - first;
      yield webFrame(value, {
        width: value.displayWidth,
        height: value.displayHeight,
        index: index++,
        timestamp: last,
      });
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** A video file, opened for reading frame by frame. */
export interface VideoFile {
  readonly width: number;
  readonly height: number;
  /** Seconds. */
  readonly duration: number;
  /** Every frame, in order, as fast as they can be decoded. */
  frames(options?: FrameOptions): AsyncGenerator<WebFrame, void, undefined>;
  close(): void;
}

/**
 * Opens a video file by WebCodecs, through the optional package mediabunny. Rejects with `DEPENDENCY_MISSING` without
 * that package, `VIDEO_UNSUPPORTED` without WebCodecs or its codec, and `VIDEO_UNREADABLE` for a file that is not a
 * video.
 */
export async function openVideoFile(file: Blob): Promise<VideoFile> {
  if (typeof VideoDecoder === 'undefined')
    throw new FaceDetError(
      'VIDEO_UNSUPPORTED',
      'Expected WebCodecs but this browser has none; play the file in a video element and use videoFrames() instead.',
    );
  const { Input, BlobSource, ALL_FORMATS, VideoSampleSink } = await import('mediabunny').catch((cause: unknown) => {
    throw new FaceDetError(
      'DEPENDENCY_MISSING',
      'Expected the package mediabunny but it could not be loaded; add it to your project: npm install mediabunny',
      { cause },
    );
  });
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  try {
    const track = await input.getPrimaryVideoTrack().catch((cause: unknown) => {
      throw new FaceDetError(
        'VIDEO_UNREADABLE',
        `Expected a video file but the ${file.type || 'file'} of ${file.size} bytes can't be read; ` +
          'use MP4, WebM, MOV or MKV.',
        { cause },
      );
    });
    if (!track) throw new FaceDetError('VIDEO_UNREADABLE', 'Expected a video file but this one has no video track.');
    if (!(await track.canDecode()))
      throw new FaceDetError(
        'VIDEO_UNSUPPORTED',
        `Expected a codec that this browser decodes but the file's is ${track.codec ?? 'unknown'}.`,
      );
    const duration = await track.computeDuration();
    return {
      width: track.displayWidth,
      height: track.displayHeight,
      duration,
      async *frames({ signal } = {}) {
        let index = 0;
        let first: number | null = null;
        for await (const sample of new VideoSampleSink(track).samples()) {
          const image = sample.toVideoFrame();
          first ??= sample.timestamp;
          const timestamp = sample.timestamp - first;
          sample.close();
          if (signal?.aborted) {
            image.close();
            return;
          }
          yield webFrame(image, { width: track.displayWidth, height: track.displayHeight, index: index++, timestamp });
        }
      },
      close: () => input.dispose(),
    };
  } catch (error) {
    input.dispose();
    throw error;
  }
}
