import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import { bytesPerPixel, channelOffsets, checkImage, checkRaster, isRasterSource, rowStride } from './pixels.ts';
import type { ImageSource, Landmarks, PixelBuffer } from './types.ts';

/**
 * The five points of a frontal face in a 112 × 112 crop, as ArcFace's training data (Deng et al., CVPR 2019) has them.
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

/**
 * A square crop in which the face is upright and its landmarks are where face recognition models expect them (the
 * template of ArcFace), by the least-squares similarity transform (Umeyama, PAMI 1991). What lies outside the image is
 * black. Resolves to packed RGB, `size` × `size`. Rejects with the signal's reason, with `INVALID_ARGUMENT` for a size
 * out of range, an unknown option or landmarks that are not five finite points or coincide, and with `INVALID_IMAGE`
 * for what is not an image.
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
  if (!(Number.isInteger(size) && size >= 1 && size <= MAX_SIZE)) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected an integer from 1 to ${MAX_SIZE} for size but received ${received(size)}; the default is 112.`,
    );
  }
  // From the crop to the source: source = [a −b; b a] · crop + t.
  const { a, b, tx, ty } = similarity(
    TEMPLATE.map((v) => (v * size) / 112),
    landmarks.flatMap((p) => [p.x, p.y]),
  );
  if (!isRasterSource(image)) return warp(image, size, a, b, tx, ty);

  // The source shows just the part that the crop covers, at about the crop's scale: points of the crop are at most 2
  // pixels apart.
  const corners = [0, size].flatMap((x) => [0, size].map((y) => [a * x - b * y + tx, b * x + a * y + ty] as const));
  const left = Math.max(Math.floor(Math.min(...corners.map(([x]) => x))) - 1, 0);
  const top = Math.max(Math.floor(Math.min(...corners.map(([, y]) => y))) - 1, 0);
  const right = Math.min(Math.ceil(Math.max(...corners.map(([x]) => x))) + 1, image.width);
  const bottom = Math.min(Math.ceil(Math.max(...corners.map(([, y]) => y))) + 1, image.height);
  if (right <= left || bottom <= top)
    return { data: new Uint8Array(size * size * 3), width: size, height: size, format: 'rgb' };
  const shrink = Math.min(1, 1.5 / Math.hypot(a, b));
  const width = Math.max(Math.round((right - left) * shrink), 1);
  const height = Math.max(Math.round((bottom - top) * shrink), 1);
  const part = await image.rasterize(width, height, {
    region: { x: left, y: top, width: right - left, height: bottom - top },
    ...(signal ? { signal } : {}),
  });
  checkRaster(part, width, height);
  signal?.throwIfAborted();
  const kx = width / (right - left);
  const ky = height / (bottom - top);
  return warp(part, size, a, b, tx, ty, { kx, ky, left, top });
}

function checkLandmarks(landmarks: Landmarks): void {
  const valid =
    Array.isArray(landmarks) &&
    landmarks.length === 5 &&
    landmarks.every((p) => Number.isFinite(p?.x) && Number.isFinite(p?.y));
  if (!valid)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected five landmarks { x, y } with finite numbers but received ${received(landmarks)}; ` +
        "pass a face's landmarks.",
    );
}

/**
 * The similarity that takes `from` closest to `to` (x and y in turn): to ≈ [a −b; b a] · from + t, without mirroring.
 */
function similarity(from: readonly number[], to: readonly number[]): { a: number; b: number; tx: number; ty: number } {
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
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected landmarks of a face but received points that coincide or lie too far apart: ${received(to)}; ` +
        "pass a face's landmarks.",
    );
  return { a, b, tx: nx - a * mx + b * my, ty: ny - b * mx - a * my };
}

function warp(
  from: PixelBuffer,
  size: number,
  a: number,
  b: number,
  tx: number,
  ty: number,
  part = { kx: 1, ky: 1, left: 0, top: 0 },
): PixelBuffer {
  const data = new Uint8Array(size * size * 3);
  const step = bytesPerPixel(from.format);
  const stride = rowStride(from);
  const channels = channelOffsets(from.format);
  for (let y = 0, to = 0; y < size; y++) {
    for (let x = 0; x < size; x++, to += 3) {
      // Pixel centers are at + 0.5, in the crop as in the source.
      const sx = (a * (x + 0.5) - b * (y + 0.5) + tx - part.left) * part.kx - 0.5;
      const sy = (b * (x + 0.5) + a * (y + 0.5) + ty - part.top) * part.ky - 0.5;
      if (sx < -0.5 || sy < -0.5 || sx > from.width - 0.5 || sy > from.height - 0.5) continue;
      const x0 = Math.min(Math.max(Math.floor(sx), 0), from.width - 1);
      const y0 = Math.min(Math.max(Math.floor(sy), 0), from.height - 1);
      const x1 = Math.min(x0 + 1, from.width - 1);
      const y1 = Math.min(y0 + 1, from.height - 1);
      const u = Math.min(Math.max(sx - x0, 0), 1);
      const v = Math.min(Math.max(sy - y0, 0), 1);
      for (let c = 0; c < 3; c++) {
        const k = channels[c]!;
        const above = from.data[y0 * stride + x0 * step + k]! * (1 - u) + from.data[y0 * stride + x1 * step + k]! * u;
        const below = from.data[y1 * stride + x0 * step + k]! * (1 - u) + from.data[y1 * stride + x1 * step + k]! * u;
        data[to + c] = above * (1 - v) + below * v + 0.5;
      }
    }
  }
  return { data, width: size, height: size, format: 'rgb' };
}
