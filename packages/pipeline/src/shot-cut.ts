import { bytesPerPixel, channelOffsets, isRasterSource, rowStride, type ImageSource, type PixelBuffer, type RasterSource } from '@facedet/core';

const BINS = 4; // a channel: 64 colours are enough to tell one scene from another, and few enough not to notice noise
const SAMPLES = 4096;

/** Distribution of a picture's colours over 4 × 4 × 4 bins, summing to 1. */
export type Signature = readonly number[];

/** The signature of some 4,000 pixels spread over the picture. */
export function signatureOf(pixels: PixelBuffer): Signature {
  const { width, height, data, format } = pixels;
  const step = bytesPerPixel(format);
  const stride = rowStride(pixels);
  const [red, green, blue] = channelOffsets(format);
  const every = Math.max(1, Math.floor(Math.sqrt((width * height) / SAMPLES)));
  const histogram = new Array<number>(BINS ** 3).fill(0);
  let count = 0;
  for (let y = every >> 1; y < height; y += every) {
    for (let x = every >> 1; x < width; x += every) {
      const at = y * stride + x * step;
      histogram[((data[at + red]! >> 6) * BINS + (data[at + green]! >> 6)) * BINS + (data[at + blue]! >> 6)]!++;
      count++;
    }
  }
  return histogram.map((n) => n / Math.max(count, 1));
}

/** Half the L1 distance, in [0, 1]: the share of the picture whose colour class changed. */
export function signatureDistance(a: Signature, b: Signature): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / 2;
}

/** What the cut test remembers. */
export interface CutState {
  last: Signature | null;
  /** Running mean of the distance between neighbours. */
  usual: number;
}

const CUT_DISTANCE = 0.5;
const CUT_RATIO = 4;

/**
 * Whether a shot ended between the last picture and this one: over half of the colours changed, and far more than they usually do. A fade
 * or a flicker of the light changes as much over several frames, but never four times its own mean.
 */
export function isCut(state: CutState, signature: Signature): boolean {
  const distance = state.last ? signatureDistance(state.last, signature) : 0;
  const cut = distance > CUT_DISTANCE && distance > CUT_RATIO * state.usual;
  if (!cut && state.last) state.usual = 0.8 * state.usual + 0.2 * distance;
  state.last = signature;
  return cut;
}

/** A view of a source that takes the signature of the pixels which the detector asks for, before they leave for another thread. */
export function observed(image: ImageSource, onPixels: (pixels: PixelBuffer) => void): ImageSource {
  if (!isRasterSource(image)) {
    onPixels(image);
    return image;
  }
  let seen = false;
  const view: RasterSource = {
    width: image.width,
    height: image.height,
    async rasterize(width, height, options) {
      const pixels = await image.rasterize(width, height, options);
      if (!seen && !options?.region) {
        seen = true;
        onPixels(pixels);
      }
      return pixels;
    },
  };
  return view;
}
