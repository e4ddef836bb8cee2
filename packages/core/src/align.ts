import { checkOptionNames, invalidArgument } from '@facedet/checks';
import { checkImage, checkRaster } from './check-image.ts';
import { isRasterSource } from './pixels.ts';
import { sampleAffine } from './sample.ts';
import type { ImageSource, Landmarks, PixelBuffer, RasterSource } from './types.ts';

/**
 * The five points of a frontal face in a 112 × 112 crop, as in ArcFace's training data (Deng et al., CVPR 2019): x and
 * y in turn.
 */
const TEMPLATE = [38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366, 41.5493, 92.3655, 70.7299, 92.2041];

/** Options of `alignFace`. */
export interface AlignOptions {
  /**
   * Side of the square crop in pixels, an integer from 1 to 8,192; by default 112, which recognition models expect.
   * Higher keeps more detail of large faces.
   */
  size?: number;
  /** Aborts the call; its promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

const MAX_SIZE = 8192;

/** A similarity transform: x' = a · x − b · y + tx and y' = b · x + a · y + ty. */
interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/** Pixels that show a part of the source: source x is at (x − left) · kx, likewise y. */
interface SourcePart {
  readonly pixels: PixelBuffer;
  readonly kx: number;
  readonly ky: number;
  readonly left: number;
  readonly top: number;
}

/**
 * Cuts a face out of an image so that it is upright and its landmarks are where face recognition models expect them, in
 * the template of ArcFace, by the least-squares similarity transform (Umeyama, PAMI 1991). Positions outside the image
 * are black. Resolves to packed RGB, `size` × `size`. Rejects with the signal's reason, with `INVALID_ARGUMENT` for a
 * size out of range, an unknown option, or landmarks that are not five finite points or coincide, and with
 * `INVALID_IMAGE` for a value that is not an image.
 */
export async function alignFace(
  image: ImageSource,
  landmarks: Landmarks,
  options: AlignOptions = {},
): Promise<PixelBuffer> {
  checkOptionNames(options, ['size', 'signal'], '', "alignFace's options");
  const { size = 112, signal } = options;
  signal?.throwIfAborted();
  checkImage(image);
  checkLandmarks(landmarks);
  if (!(Number.isInteger(size) && size >= 1 && size <= MAX_SIZE))
    throw invalidArgument(`an integer from 1 to ${MAX_SIZE} for size`, size, 'the default is 112');
  const toSource = similarity(
    TEMPLATE.map((v) => (v * size) / 112),
    landmarks.flatMap((p) => [p.x, p.y]),
  );
  const part = isRasterSource(image)
    ? await rasterizePart(image, toSource, size, signal)
    : { pixels: image, kx: 1, ky: 1, left: 0, top: 0 };
  return part
    ? warp(part, toSource, size)
    : { data: new Uint8Array(size * size * 3), width: size, height: size, format: 'rgb' };
}

/**
 * Rasterizes just the part of the source that the crop covers, at about the crop's scale: neighboring pixels of the
 * crop are at most 2 apart. Null if the crop is outside the image.
 */
async function rasterizePart(
  source: RasterSource,
  { a, b, tx, ty }: Similarity,
  size: number,
  signal: AbortSignal | undefined,
): Promise<SourcePart | null> {
  const corners = [0, size].flatMap((x) => [0, size].map((y) => [a * x - b * y + tx, b * x + a * y + ty] as const));
  const left = Math.max(Math.floor(Math.min(...corners.map(([x]) => x))) - 1, 0);
  const top = Math.max(Math.floor(Math.min(...corners.map(([, y]) => y))) - 1, 0);
  const right = Math.min(Math.ceil(Math.max(...corners.map(([x]) => x))) + 1, source.width);
  const bottom = Math.min(Math.ceil(Math.max(...corners.map(([, y]) => y))) + 1, source.height);
  if (right <= left || bottom <= top) return null;
  const shrink = Math.min(1, 1.5 / Math.hypot(a, b));
  const width = Math.max(Math.round((right - left) * shrink), 1);
  const height = Math.max(Math.round((bottom - top) * shrink), 1);
  const pixels = await source.rasterize(width, height, {
    region: { x: left, y: top, width: right - left, height: bottom - top },
    ...(signal ? { signal } : {}),
  });
  checkRaster(pixels, width, height);
  signal?.throwIfAborted();
  return { pixels, kx: width / (right - left), ky: height / (bottom - top), left, top };
}

function checkLandmarks(landmarks: Landmarks): void {
  const valid =
    Array.isArray(landmarks) &&
    landmarks.length === 5 &&
    landmarks.every((p) => Number.isFinite(p?.x) && Number.isFinite(p?.y));
  if (!valid)
    throw invalidArgument('five landmarks { x, y } with finite numbers', landmarks, "pass a face's landmarks");
}

/** The similarity without mirroring that maps `from` closest to `to`; x and y in turn. */
function similarity(from: readonly number[], to: readonly number[]): Similarity {
  const n = from.length / 2;
  let [mx, my, nx, ny] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    mx += from[2 * i]! / n;
    my += from[2 * i + 1]! / n;
    nx += to[2 * i]! / n;
    ny += to[2 * i + 1]! / n;
  }
  let [dot, cross, norm] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [px, py, qx, qy] = [from[2 * i]! - mx, from[2 * i + 1]! - my, to[2 * i]! - nx, to[2 * i + 1]! - ny];
    dot += px * qx + py * qy;
    cross += px * qy - py * qx;
    norm += px * px + py * py;
  }
  const a = dot / norm;
  const b = cross / norm;
  const scale = Math.hypot(a, b);
  if (!(scale > 1e-6 && scale < 1e9))
    throw invalidArgument('landmarks of a face, neither coinciding nor far apart', to, "pass a face's landmarks");
  return { a, b, tx: nx - a * mx + b * my, ty: ny - b * mx - a * my };
}

function warp({ pixels, kx, ky, left, top }: SourcePart, { a, b, tx, ty }: Similarity, size: number): PixelBuffer {
  return sampleAffine(
    { pixels, left: 0, top: 0, right: pixels.width - 1, bottom: pixels.height - 1 },
    { xx: a * kx, xy: -b * kx, x0: (tx - left) * kx, yx: b * ky, yy: a * ky, y0: (ty - top) * ky },
    { data: new Uint8Array(size * size * 3), width: size, height: size, format: 'rgb' },
  );
}
