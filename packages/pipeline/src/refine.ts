import {
  bytesPerPixel,
  FaceDetError,
  iou,
  isRasterSource,
  resizeBilinear,
  rowStride,
  type Box,
  type DetectOptions,
  type Detector,
  type Face,
  type ImageSource,
  type Landmarks,
  type PixelBuffer,
  type RasterSource,
} from '@facedet/core';
import { received } from '@facedet/core/engine';
import { checkFaces } from './check-faces.ts';
import type { RefineOptions } from './types.ts';

/**
 * The part of an image inside `region` (whole pixels) as a source of its own; coordinates begin at the region's corner.
 * It stays usable as long as the image is open.
 */
export function regionSource(image: ImageSource, region: Box): RasterSource {
  const { x, y, width, height } = region;
  const view = isRasterSource(image) ? null : viewOf(image, region);
  return {
    width,
    height,
    rasterize(columns, rows, options = {}) {
      options.signal?.throwIfAborted();
      const part = options.region;
      if (view) return resizeBilinear(view, columns, rows, part);
      const inside = part ? { x: x + part.x, y: y + part.y, width: part.width, height: part.height } : region;
      return isRasterSource(image)
        ? image.rasterize(columns, rows, { ...options, region: inside })
        : resizeBilinear(image, columns, rows, inside);
    },
  };
}

/**
 * The pixels of a region, not copied, so that its edges are edges; null where it is not inside the image or between
 * pixels.
 */
function viewOf(image: PixelBuffer, { x, y, width, height }: Box): PixelBuffer | null {
  const isWhole = [x, y, width, height].every(Number.isInteger);
  if (!isWhole || x < 0 || y < 0 || x + width > image.width || y + height > image.height) return null;
  const { data, format } = image;
  const stride = rowStride(image);
  return { data: data.subarray(y * stride + x * bytesPerPixel(format)), width, height, format, stride };
}

/**
 * Squares about the middles of boxes, `scale` times their longer side and at least 16 pixels wide, in whole pixels,
 * moved inside the picture of `width` × `height` and cut where they are larger.
 */
export function cropsAround(boxes: readonly Box[], width: number, height: number, scale: number): Box[] {
  return boxes.map((box) => {
    const side = Math.max(Math.round(Math.max(box.width, box.height) * scale), 16);
    const w = Math.min(side, width);
    const h = Math.min(side, height);
    const x = Math.min(Math.max(Math.round(box.x + box.width / 2 - w / 2), 0), width - w);
    const y = Math.min(Math.max(Math.round(box.y + box.height / 2 - h / 2), 0), height - h);
    return { x, y, width: w, height: h };
  });
}

/** Whether any part of a box is inside an image. */
export function intersects(box: Box, { width, height }: Pick<ImageSource, 'width' | 'height'>): boolean {
  return box.x < width && box.y < height && box.x + box.width > 0 && box.y + box.height > 0;
}

/**
 * Runs the detector on crops around predicted boxes, in one batch, and merges what several crops saw: faces by falling
 * score. Boxes are in pixels of the image; those outside it are passed over. `scoreThreshold` is the score that the
 * detector is asked for, by default its own. Rejects as `detectBatch` does, and with `INVALID_DETECTION` for what is no
 * result of it.
 */
// eslint-disable-next-line max-params -- The published signature.
export async function detectAround(
  detector: Detector,
  image: ImageSource,
  boxes: readonly Box[],
  options: RefineOptions & Pick<DetectOptions, 'scoreThreshold' | 'rotate'>,
  signal?: AbortSignal,
): Promise<Face[]> {
  const { inputSize = { width: 64, height: 64 }, scale = 2.2, scoreThreshold, rotate } = options;
  const inside = boxes.filter((box) => intersects(box, image));
  if (!inside.length) return [];
  const crops = cropsAround(inside, image.width, image.height, scale);
  const found = await detector.detectBatch(
    crops.map((crop) => regionSource(image, crop)),
    {
      inputSize,
      ...(scoreThreshold === undefined ? {} : { scoreThreshold }),
      ...(rotate === undefined ? {} : { rotate }),
      ...(signal ? { signal } : {}),
    },
  );
  if (!Array.isArray(found) || found.length !== crops.length) {
    throw new FaceDetError(
      'INVALID_DETECTION',
      `Expected an array for each of ${crops.length} images from the detector but received ${received(found)}; ` +
        'check what its detectBatch() returns.',
    );
  }
  const faces = found.flatMap((list, i) => {
    checkFaces(list);
    const { x, y, width, height } = crops[i]!;
    // A face that the crop cuts is some other's neighbor: its own crop, or the next key frame, sees it whole.
    const isCut = ({ box }: Face) =>
      (box.x < 1 && x > 0) ||
      (box.y < 1 && y > 0) ||
      (box.x + box.width > width - 1 && x + width < image.width) ||
      (box.y + box.height > height - 1 && y + height < image.height);
    return list.filter((face) => !isCut(face)).map((face) => moved(face, x, y));
  });
  faces.sort((a, b) => b.score - a.score);
  const kept: Face[] = [];
  for (const face of faces) if (!kept.some((other) => iou(other.box, face.box) > 0.4)) kept.push(face);
  return kept;
}

function moved({ box, landmarks, ...rest }: Face, x: number, y: number): Face {
  const points = landmarks?.map((p) => ({ x: p.x + x, y: p.y + y })) as Landmarks | undefined;
  return { ...rest, box: { ...box, x: box.x + x, y: box.y + y }, ...(points ? { landmarks: points } : {}) };
}
