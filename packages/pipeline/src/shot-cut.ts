import { bytesPerPixel, channelOffsets, isRasterSource, rowStride, type ImageSource, type PixelBuffer, type RasterSource } from '@facedet/core';

const BINS = 4; // a channel: 64 colours are enough to tell one scene from another, and few enough not to notice noise
const COLORS = BINS ** 3;
const [COLUMNS, ROWS] = [16, 12];
const SAMPLES = 4096;

/** Distribution of a picture's colours over 4 × 4 × 4 bins, summing to 1; then the mean luma (0 to 255) of each of 16 × 12 fields. */
export type Signature = readonly number[];

/** The signature of some 4,000 pixels spread over the picture. */
export function signatureOf(pixels: PixelBuffer): Signature {
  const { width, height, data, format } = pixels;
  const step = bytesPerPixel(format);
  const stride = rowStride(pixels);
  const [red, green, blue] = channelOffsets(format);
  const every = Math.max(1, Math.floor(Math.sqrt((width * height) / SAMPLES)));
  const histogram = new Array<number>(COLORS).fill(0);
  const sums = new Array<number>(COLUMNS * ROWS).fill(0);
  const counts = new Array<number>(COLUMNS * ROWS).fill(0);
  let count = 0;
  for (let y = every >> 1; y < height; y += every) {
    for (let x = every >> 1; x < width; x += every) {
      const at = y * stride + x * step;
      const [r, g, b] = [data[at + red]!, data[at + green]!, data[at + blue]!];
      histogram[((r >> 6) * BINS + (g >> 6)) * BINS + (b >> 6)]!++;
      const field = Math.floor((y * ROWS) / height) * COLUMNS + Math.floor((x * COLUMNS) / width);
      sums[field]! += 0.299 * r + 0.587 * g + 0.114 * b;
      counts[field]!++;
      count++;
    }
  }
  return [...histogram.map((n) => n / Math.max(count, 1)), ...sums.map((sum, i) => sum / Math.max(counts[i]!, 1))];
}

/** Half the L1 distance, in [0, 1]: the share of the picture whose colour class changed. */
export function signatureDistance(a: Signature, b: Signature): number {
  let sum = 0;
  for (let i = 0; i < COLORS; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / 2;
}

/** Correlation of the two pictures' fields of luma, −1 to 1, whatever their brightness and contrast; 0 where one has no structure. */
export function structureLikeness(a: Signature, b: Signature): number {
  const count = COLUMNS * ROWS;
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  for (let i = COLORS; i < COLORS + count; i++) {
    sumA += a[i]!;
    sumB += b[i]!;
    squareA += a[i]! * a[i]!;
    squareB += b[i]! * b[i]!;
    product += a[i]! * b[i]!;
  }
  const varianceA = squareA / count - (sumA / count) ** 2;
  const varianceB = squareB / count - (sumB / count) ** 2;
  if (varianceA < 1 || varianceB < 1) return 0;
  return (product / count - (sumA / count) * (sumB / count)) / Math.sqrt(varianceA * varianceB);
}

/** What the cut test remembers. */
export interface CutState {
  last: Signature | null;
  /** Running mean of the distance between neighbours. */
  usual: number;
}

const CUT_DISTANCE = 0.5;
const CUT_RATIO = 4;
const SAME_STRUCTURE = 0.8;

/**
 * Whether a shot ended between the last picture and this one: over half of the colours changed, far more than they usually do, and light
 * and dark lie elsewhere. A fade changes as much over several frames, but never four times its own mean; when only the light changes, a
 * plain wall may step from one colour class to the next in a single frame, yet what is in front of it stands where it stood.
 */
export function isCut(state: CutState, signature: Signature): boolean {
  const distance = state.last ? signatureDistance(state.last, signature) : 0;
  const cut = distance > CUT_DISTANCE && distance > CUT_RATIO * state.usual && structureLikeness(state.last!, signature) < SAME_STRUCTURE;
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
