import type { InputSize, Rotate, Rotation } from './settings.ts';

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

/** Left eye, right eye, nose, left mouth corner, right mouth corner; left and right as seen in the picture. */
export type Landmarks = [Point, Point, Point, Point, Point];

/** One detected face. */
export interface Face {
  /** Pixels of the source image. */
  box: Box;
  /** Confidence in [0, 1]. */
  score: number;
  /** Present when the model has landmark outputs. Of a turned face, left and right are as seen when it is upright. */
  landmarks?: Landmarks;
  /**
   * Degrees by which the picture was turned clockwise when the face was found (see `rotate`); absent where it was not
   * turned.
   */
  rotation?: Rotation;
}

/** The order of channels of a `PixelBuffer`, 8 bits each. */
export type PixelFormat = 'rgb' | 'rgba' | 'bgr' | 'bgra' | 'gray';

/** Uncompressed pixels, 8 bits a channel, rows from top to bottom. */
export interface PixelBuffer {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Pixels a row, an integer of at least 1. */
  readonly width: number;
  /** Rows, an integer of at least 1. */
  readonly height: number;
  readonly format: PixelFormat;
  /** Bytes from one row's start to the next; by default `width` × channels. */
  readonly stride?: number;
}

/** What a `RasterSource` is asked for besides the size. */
export interface RasterizeOptions {
  /**
   * The part of the source to show, in source pixels; by default the whole picture. It may reach over the edges, which
   * are then repeated.
   */
  region?: Box;
  /** Aborts the work; the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A picture that can scale itself: a decoder, a canvas, a GPU texture. Only the pixels asked for reach JavaScript. */
export interface RasterSource {
  /** Width in source pixels, after orientation is applied. */
  readonly width: number;
  /** Height in source pixels, after orientation is applied. */
  readonly height: number;
  /**
   * The picture, or `region` of it, scaled to `width` × `height` (bilinear, without anti-aliasing where there is a
   * choice). The caller owns the result.
   */
  rasterize(width: number, height: number, options?: RasterizeOptions): PixelBuffer | Promise<PixelBuffer>;
  /** Frees native memory; the source can't be used afterwards. */
  close?(): void;
}

/** Anything a detector can look at. */
export type ImageSource = PixelBuffer | RasterSource;

/** A picture of a video. Whoever takes a frame from a source closes it. */
export type Frame = ImageSource & {
  /** Position in the source, from 0. */
  readonly index: number;
  /** Seconds from the start of the source; strictly rising. */
  readonly timestamp: number;
};

/** Options of one detection call. */
export interface DetectOptions {
  /**
   * Another canvas than the detector's for this call, for example a small one for a crop around a face. A model with a
   * fixed shape keeps its own.
   */
  inputSize?: InputSize;
  /**
   * In [0, 1]: another lowest score than the detector's for this call. Lower finds more faces, and more that are none.
   */
  scoreThreshold?: number;
  /** Another `rotate` than the detector's for this call. */
  rotate?: Rotate;
  /** Aborts the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Finds faces. `createDetector` makes one from any `InferenceBackend`; runtimes offer their own (a pool of threads, a
 * web worker).
 */
export interface Detector {
  /** Calls that may usefully be in flight at once (1 for one session; the number of workers of a pool). */
  readonly concurrency: number;
  /**
   * The orientations of a call that names none; `createVideoDetector` takes it over. Undefined is taken for `'auto'`.
   */
  readonly rotate?: Rotate;
  /**
   * Plain data that is equal for two detectors only if they find the same faces: the model's SHA-256 and the settings.
   * An interrupted run is continued only by a detector with the same one.
   */
  readonly fingerprint?: Readonly<Record<string, unknown>>;
  /** Faces by falling score, in pixels of the image. */
  detect(image: ImageSource, options?: DetectOptions): Promise<Face[]>;
  /** Faces of each image, in order. One batch where the model takes them, one by one elsewhere. */
  detectBatch(images: readonly ImageSource[], options?: DetectOptions): Promise<Face[][]>;
  /** Loads the model and runs it once, so that the first detection is as fast as the rest. */
  warmup(): Promise<void>;
  /**
   * Resolves when all calls made so far have settled; the detector stays usable. Call it before `dispose()` to lose
   * nothing.
   */
  drain(): Promise<void>;
  /** Ends the session and frees its memory; calls in flight reject with `DISPOSED`. */
  dispose(): Promise<void>;
}
