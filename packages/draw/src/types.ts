import type { Box, Landmarks, PixelBuffer, Point } from '@facedet/core';

/** What is drawn or masked: a `Face`, a `Track`, or a row of the command's JSONL. */
export interface DrawableFace {
  /** Pixels of the picture; may reach over its edges. */
  readonly box: Box;
  /** Confidence in [0, 1]; shown in the label where given. */
  readonly score?: number;
  /** Five points in pixels of the picture. */
  readonly landmarks?: Landmarks | null;
  /** Track ID; a track has the same color in every frame. */
  readonly id?: number | null;
}

/** Red, green and blue, each from 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Uncompressed YUV (Y′CbCr) planes as decoders and encoders hold them, rows from top to bottom. */
export interface YuvPlanes {
  /** Luma samples per row, an integer of at least 1. */
  readonly width: number;
  /** Luma rows, an integer of at least 1. */
  readonly height: number;
  /**
   * `[y, u, v]`, or `[y, uv]` with u and v interleaved (NV12, P010), or `[y]` (gray). Above 8 bits a sample takes two
   * bytes in the machine's order; such planes may be given as bytes too, if they begin at an even address.
   */
  readonly planes: readonly (Uint8Array | Uint8ClampedArray | Uint16Array)[];
  /** Bytes from one row's start to the next, for each plane. */
  readonly strides: readonly number[];
  /** Chroma samples: half in both directions, half across, or all. Without meaning for gray. */
  readonly subsampling: '420' | '422' | '444';
  /**
   * Bits per sample, 8 to 16, in the low bits; default 8. For formats with the value in the high bits (P010), give 16.
   */
  readonly bitDepth?: number;
  /** Which weights made the luma; default `bt709` from 720 rows up, else `bt601`. */
  readonly matrix?: 'bt601' | 'bt709' | 'bt2020';
  /** Whether 8-bit luma runs from 16 to 235 or from 0 to 255; default `limited`. */
  readonly range?: 'limited' | 'full';
  /**
   * Share of the full signal at which white is drawn, above 0 up to 1. Lower draws darker. HDR planes need it, as their
   * full signal is many times brighter than white paper: 0.75 in HLG, 0.58 in PQ (ITU-R BT.2408). Default 1.
   */
  readonly whiteLevel?: number;
}

/** Which pixels around a face an effect covers. */
export interface RegionOptions {
  /** An ellipse inscribed in the enlarged box, or the enlarged box itself; default `ellipse`. */
  readonly shape?: 'ellipse' | 'box';
  /**
   * The box is enlarged by this factor about its center, 0.1 to 100. Higher covers more of hair, ears and background;
   * lower may leave parts of a face visible. Default 1.3.
   */
  readonly margin?: number;
  /** IDs of faces that stay visible. A face without an ID is always masked. */
  readonly keepIds?: Iterable<number>;
}

/** How faces in pixels or planes are masked. */
export interface AnonymizeOptions extends RegionOptions {
  /**
   * - `blur` (default): a smooth field of about 2 × 3 mean values per face, in lowered contrast: nothing is left to
   *   restore.
   * - `pixelate`: tiles that show the same field, and so mask as well.
   * - `solid`: one color.
   * - `image`: a picture stretched over the enlarged box, over a blur where it is transparent.
   */
  readonly effect?: 'blur' | 'pixelate' | 'solid' | 'image';
  /** For `solid`; default black. */
  readonly color?: Rgb;
  /** For `image`; its alpha is respected. */
  readonly image?: PixelBuffer;
}

/** What is drawn of each face. */
export interface OverlayOptions {
  /** Rectangles around the faces; default true. */
  readonly boxes?: boolean;
  /** Labels above the boxes: track ID and score (default true), none, or your own (undefined for none). */
  readonly labels?: boolean | ((face: DrawableFace) => string | undefined);
  /** Five dots, where a face has landmarks; default true. */
  readonly landmarks?: boolean;
  /** Where each track was, oldest point first; see `createTrails`. */
  readonly trails?: ReadonlyMap<number, readonly Point[]>;
  /**
   * Pixels, above 0. Higher draws thicker lines and larger labels. Default about 1/300 of the picture's shorter side,
   * at least 2 (1 where that side is below 160).
   */
  readonly lineWidth?: number;
  /** The color of a face; by default `trackColor` of its ID. */
  readonly color?: (face: DrawableFace) => Rgb;
}
