import type { DetectOptions, Rotate, Rotation } from './options.ts';

/** A point in pixels of the source image, floating point; the upper left corner of the upper left pixel is 0, 0. */
export interface Point {
  x: number;
  y: number;
}

/** A rectangle in pixels of the source image, floating point; `x, y` is the upper left corner, as in DOMRect. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Left eye, right eye, nose, left mouth corner, right mouth corner; left and right as seen in the image. */
export type Landmarks = [Point, Point, Point, Point, Point];

/** One detected face. */
export interface Face {
  /** The bounding box in pixels of the source image. */
  box: Box;
  /** Confidence in [0, 1]. */
  score: number;
  /**
   * Present when the model has landmark outputs. The left and right of a rotated face are as seen when it is upright.
   */
  landmarks?: Landmarks;
  /** Degrees by which the image was rotated clockwise when the face was found (see `rotate`); absent for 0. */
  rotation?: Rotation;
}

/** The order of the channels of a `PixelBuffer`, 8 bits per channel. */
export type PixelFormat = 'rgb' | 'rgba' | 'bgr' | 'bgra' | 'gray';

/** Uncompressed pixels, 8 bits per channel, rows from top to bottom. */
export interface PixelBuffer {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Pixels per row, an integer of at least 1. */
  readonly width: number;
  /** Rows, an integer of at least 1. */
  readonly height: number;
  readonly format: PixelFormat;
  /** Bytes from the start of one row to the start of the next; by default `width` × channels. */
  readonly stride?: number;
}

/** Options of `RasterSource.rasterize`. */
export interface RasterizeOptions {
  /**
   * The part of the source to scale, in source pixels; by default the whole image. It may extend beyond the edges,
   * whose pixels are then repeated.
   */
  region?: Box;
  /** Aborts the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * An image that scales itself: a decoder, a canvas, a GPU texture. Only the pixels that a detector asks for reach
 * JavaScript.
 */
export interface RasterSource {
  /** Width in source pixels, after orientation is applied. */
  readonly width: number;
  /** Height in source pixels, after orientation is applied. */
  readonly height: number;
  /**
   * Scales the image, or `region` of it, to `width` × `height` (bilinear, without anti-aliasing where there is a
   * choice). The caller owns the result.
   */
  rasterize(width: number, height: number, options?: RasterizeOptions): PixelBuffer | Promise<PixelBuffer>;
  /** Frees native memory; the source can't be used afterwards. */
  close?(): void;
}

/** An image that a detector accepts. */
export type ImageSource = PixelBuffer | RasterSource;

/** One frame of a video. The code that takes a frame from a source closes it. */
export type Frame = ImageSource & {
  /** Position in the source, from 0. */
  readonly index: number;
  /** Seconds from the start of the source; strictly increasing. */
  readonly timestamp: number;
};

/**
 * Detects faces. `createDetector` makes one from any `InferenceBackend`; the runtimes offer their own (a pool of
 * threads, a web worker).
 */
export interface Detector {
  /** Calls that can usefully be in flight at once (1 for one session; the number of workers of a pool). */
  readonly concurrency: number;
  /** The rotations of a call that does not name any; `createVideoDetector` adopts them. Undefined means `'auto'`. */
  readonly rotate?: Rotate;
  /**
   * Plain data that is equal for two detectors only if they find the same faces: the model's SHA-256 and the settings.
   * An interrupted run is continued only by a detector with the same fingerprint.
   */
  readonly fingerprint?: Readonly<Record<string, unknown>>;
  /** Resolves to the faces of an image by falling score, in pixels of the image. */
  detect(image: ImageSource, options?: DetectOptions): Promise<Face[]>;
  /** Resolves to the faces of each image, in order. Images share model runs where the model accepts batches. */
  detectBatch(images: readonly ImageSource[], options?: DetectOptions): Promise<Face[][]>;
  /** Loads the model and runs it once, so that the first detection is as fast as the rest. */
  warmup(): Promise<void>;
  /**
   * Resolves when all calls made so far have settled; the detector stays usable. Call it before `dispose()` to lose no
   * result.
   */
  drain(): Promise<void>;
  /** Ends the session and frees its memory; calls in flight reject with `DISPOSED`. */
  dispose(): Promise<void>;
}
