/**
 * A published detection pipeline: `paper` is the SCRFD repository's evaluation on WIDER FACE, `runtime` InsightFace's
 * deployed pipeline, for everything else.
 */
export type DetectionPreset = 'paper' | 'runtime';

/**
 * The input size of the network.
 * - A number: the longer side of the scaled image in pixels; the shorter side is padded to a multiple of 32.
 * - `{ width, height }`: exactly this size, multiples of 32; the image is letterboxed into it.
 * - `{ pixels }`: of all sizes with at most this area, the one that shows the image at the largest scale.
 */
export type InputSize = number | { readonly width: number; readonly height: number } | { readonly pixels: number };

/** Degrees by which an image is rotated clockwise before detection. */
export type Rotation = 0 | 45 | 90 | 135 | 180 | 225 | 270 | 315;

/**
 * The rotations in which the detector runs. A number or a list: each of these, merged by one NMS. `'auto'`: upright,
 * and if that finds no confident face or a rotated one, also in the rotation that quick runs at a quarter of the pixels
 * find best.
 */
export type Rotate = 'auto' | Rotation | readonly Rotation[];

/** Overlapping tiles in addition to the whole image, for tiny faces in large images. */
export interface TileOptions {
  /**
   * Side of the square tiles in source pixels, at least 32; by default the size at which a tile is not scaled. Smaller
   * tiles find smaller faces, in more model runs.
   */
  size?: number;
  /**
   * Overlap of neighboring tiles as a fraction of their side, in [0, 0.9); by default 0.25. A face smaller than the
   * overlap is complete in at least one tile; higher overlaps take more model runs.
   */
  overlap?: number;
}

/** Options of contrast-limited adaptive histogram equalization (Zuiderveld 1994), which is applied to the luma. */
export interface ClaheOptions {
  /**
   * The height at which histogram bins are clipped, as a multiple of a flat histogram's height, at least 1; by default
   * 2. Higher raises contrast, and noise with it.
   */
  clipLimit?: number;
  /**
   * Tiles per side of the image, an integer from 1 to 256; by default 8. Higher adapts to smaller parts of the image.
   */
  grid?: number;
  /**
   * Only images whose mean luma (0–255) is below this are changed; by default 256, that is all. Lower leaves bright
   * images unchanged.
   */
  belowLuma?: number;
}

/** Options of a detector; all have defaults. */
export interface DetectionOptions {
  /** The pipeline whose thresholds and geometry apply; by default `runtime`. */
  preset?: 'paper' | 'runtime';
  /**
   * The network's input size, or a list of sizes with one pass each, merged by one NMS. By default
   * `{ pixels: 409_600 }` plus small passes for faces that fill the image; 640 × 640 alone with `paper`. A given size
   * means exactly these passes. Larger finds smaller faces and takes longer. A side that the model fixes stays as it
   * is.
   */
  inputSize?: InputSize | readonly InputSize[];
  /**
   * By default `'auto'`, or 0 with `paper`. More rotations find faces in images that are sideways or upside down, each
   * at the cost of more model runs. If the model has no landmark outputs, `'auto'` decides by scores alone.
   */
  rotate?: Rotate;
  /**
   * The lowest score of a face, in [0, 1]; by default 0.5, or 0.02 (exclusive) with `paper`. Higher drops doubtful
   * faces, and real ones that are small, blurred or half hidden. In front of a tracker, `createVideoDetector` asks for
   * the tracker's own lower threshold.
   */
  scoreThreshold?: number;
  /**
   * NMS drops a face whose IoU with a better one is above this, in [0, 1]; by default 0.4, or 0.45 with `paper`. Higher
   * keeps overlapping faces, and duplicates.
   */
  iouThreshold?: number;
  /** Keeps only this many faces per image, those with the highest scores; by default all. */
  maxFaces?: number;
  /** Tiles in addition to the whole image; by default none. */
  tiles?: boolean | TileOptions;
  /** Local contrast equalization before detection; by default none. */
  clahe?: boolean | ClaheOptions;
}

/** Options of one detection call; each replaces the detector's own option for this call. */
export interface DetectOptions {
  /**
   * The network's input size, for example a small one for a crop around a face; a list means one pass each. A model
   * with a fixed input shape keeps its own.
   */
  inputSize?: InputSize | readonly InputSize[];
  /** The lowest score of a face, in [0, 1]. Lower finds more faces, and more false positives. */
  scoreThreshold?: number;
  /** The rotations in which the detector runs. */
  rotate?: Rotate;
  /** Aborts the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
}
