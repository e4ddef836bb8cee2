import type { InputSize } from './options.ts';
import type { PassCondition } from './settings.ts';
import type { Box, PixelBuffer } from './types.ts';

/** One upright run of the model over a region of the image; plain data that can be posted to a worker. */
export interface Pass {
  /** The part of the image, in source pixels. */
  readonly region: Box;
  /** The requested input size. */
  readonly size: InputSize;
  /** Width of the scaled region in the network's input: what a raster source is asked for. */
  readonly width: number;
  /** Height of the scaled region in the network's input. */
  readonly height: number;
  /** The edges of the region that are inside the image, so that they may cut faces; null if there are none. */
  readonly cutEdges: CutEdges | null;
  /** Boxes whose longer side is below this, in input pixels, are left to the other passes; 0 in most passes. */
  readonly minSide: number;
  /** The index of the pass whose pixels this one scales down, or null if it takes the source's own. */
  readonly from: number | null;
  /** When the pass runs. */
  readonly when: PassCondition;
}

/** Which edges of a region are inside the image. */
export interface CutEdges {
  readonly left: boolean;
  readonly top: boolean;
  readonly right: boolean;
  readonly bottom: boolean;
}

/** A pass and its pixels. */
export interface PassPixels {
  readonly pass: Pass;
  readonly pixels: PixelBuffer;
  /** The part of `pixels` that shows the pass's region; null if they are exactly that, at the pass's size. */
  readonly crop: Box | null;
}
