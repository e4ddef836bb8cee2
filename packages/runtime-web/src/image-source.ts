import {
  FaceDetError,
  resizeBilinear,
  type Box,
  type PixelBuffer,
  type RasterizeOptions,
  type RasterSource,
} from '@facedet/core';

/** Pictures that a browser holds. */
export type WebImage =
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame
  | ImageData
  | Blob;

/** A picture of the browser that scales itself, also into an `ImageBitmap` that a worker can take without a copy. */
export interface WebImageSource extends RasterSource {
  /** The picture, or `region` of it, scaled to `width` × `height`. The caller closes it. */
  bitmap(width: number, height: number, options?: RasterizeOptions): Promise<ImageBitmap>;
}

/** Whether a source can give bitmaps. */
export function hasBitmap(source: object): source is WebImageSource {
  return typeof (source as Partial<WebImageSource>).bitmap === 'function';
}

/**
 * Makes any picture of the browser an `ImageSource`. Blobs (files) are decoded first, with their EXIF orientation
 * applied. Rejects with `INVALID_IMAGE` for anything that is not a picture or has no pixels yet, `IMAGE_UNREADABLE` for
 * a blob that can't be decoded.
 */
export async function imageSource(image: WebImage): Promise<WebImageSource> {
  if (image instanceof Blob) {
    if (!image.size) throw new FaceDetError('IMAGE_UNREADABLE', 'Expected a picture but the file is empty.');
    let bitmap: ImageBitmap;
    try {
      bitmap = await createImageBitmap(image, { imageOrientation: 'from-image' });
    } catch (cause) {
      throw new FaceDetError(
        'IMAGE_UNREADABLE',
        `Expected a picture but this browser can't decode the ${image.type || 'file'} of ${image.size} bytes; ` +
          'try JPEG, PNG, WebP or AVIF.',
        { cause },
      );
    }
    return { ...drawable(bitmap, bitmap.width, bitmap.height), close: () => bitmap.close() };
  }
  if (typeof HTMLImageElement !== 'undefined' && image instanceof HTMLImageElement) {
    if (!image.complete || !image.naturalWidth)
      await image.decode().catch((cause: unknown) => {
        throw new FaceDetError(
          'IMAGE_UNREADABLE',
          `Expected a loaded picture but ${image.src || 'the image element'} can't be decoded.`,
          { cause },
        );
      });
    return drawable(image, image.naturalWidth, image.naturalHeight);
  }
  const [width, height] = sizeOf(image);
  if (!(width > 0 && height > 0))
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected a picture with pixels but its size is ${width} × ${height}; ` +
        'wait until it is loaded (loadeddata of a video).',
    );
  return drawable(image as Exclude<WebImage, Blob>, width, height);
}

function sizeOf(image: Exclude<WebImage, Blob>): [number, number] {
  if (typeof HTMLVideoElement !== 'undefined' && image instanceof HTMLVideoElement)
    return [image.videoWidth, image.videoHeight];
  if (typeof VideoFrame !== 'undefined' && image instanceof VideoFrame)
    return [image.displayWidth, image.displayHeight];
  const { width, height } = image as { width?: unknown; height?: unknown };
  if (typeof width !== 'number' || typeof height !== 'number')
    throw new FaceDetError(
      'INVALID_IMAGE',
      'Expected an ImageBitmap, an image, canvas or video element, a VideoFrame, ImageData or a Blob ' +
        `but received ${Object.prototype.toString.call(image)}.`,
    );
  return [width, height];
}

/** A source over anything that `createImageBitmap` takes. */
export function drawable(image: Drawable['image'], width: number, height: number): WebImageSource {
  const picture: Drawable = { image, width, height };
  const all = { x: 0, y: 0, width, height };
  return {
    width,
    height,
    async bitmap(w, h, { region = all, signal } = {}) {
      signal?.throwIfAborted();
      checkRequest(w, h, region);
      const result = isInside(picture, region)
        ? await scaled(image, region, w, h)
        : await createImageBitmap(imageData(await resampled(picture, region, w, h)));
      if (signal?.aborted) {
        result.close();
        signal.throwIfAborted();
      }
      return result;
    },
    async rasterize(w, h, { region = all, signal } = {}) {
      signal?.throwIfAborted();
      checkRequest(w, h, region);
      if (!isInside(picture, region)) {
        const pixels = await resampled(picture, region, w, h);
        signal?.throwIfAborted();
        return pixels;
      }
      const result = await scaled(image, region, w, h);
      try {
        signal?.throwIfAborted();
        return pixelsOf(result);
      } finally {
        result.close();
      }
    },
  };
}

interface Drawable {
  readonly image: Exclude<WebImage, Blob>;
  readonly width: number;
  readonly height: number;
}

/** Whether a region has whole pixels and is inside the picture. */
function isInside(picture: Drawable, { x, y, width, height }: Box): boolean {
  return (
    [x, y, width, height].every(Number.isInteger) &&
    x >= 0 &&
    y >= 0 &&
    x + width <= picture.width &&
    y + height <= picture.height
  );
}

/** Scales a part of whole pixels inside the picture. */
async function scaled(image: Drawable['image'], part: Box, width: number, height: number): Promise<ImageBitmap> {
  try {
    // 'low' is bilinear between neighbors without anti-aliasing, as the detector's rules want; 'medium' and 'high'
    // average.
    return await createImageBitmap(image, part.x, part.y, part.width, part.height, {
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: 'low',
    });
  } catch (cause) {
    if (isClosed(image))
      throw new FaceDetError('DISPOSED', 'Expected an open picture but it was closed; close it after its last use.', {
        cause,
      });
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected a picture that can be drawn but the browser refused: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * Scales a region between whole pixels or over the edges: `createImageBitmap` would round it, and fill what is outside
 * with black.
 */
async function resampled(picture: Drawable, region: Box, width: number, height: number): Promise<PixelBuffer> {
  const [left, right] = cover(region.x, region.width, picture.width);
  const [top, bottom] = cover(region.y, region.height, picture.height);
  // The browser shrinks to about the size asked for, so that only few pixels are read back.
  const shrink = Math.min(region.width / width, region.height / height);
  const side = (length: number, of: number, to: number) =>
    shrink < 2 ? length : Math.max(Math.round((length / of) * to), 1);
  const [partWidth, partHeight] = [side(right - left, region.width, width), side(bottom - top, region.height, height)];
  const [sx, sy] = [partWidth / (right - left), partHeight / (bottom - top)];
  const whole = { x: left, y: top, width: right - left, height: bottom - top };
  const part = await scaled(picture.image, whole, partWidth, partHeight);
  try {
    return resizeBilinear(pixelsOf(part), width, height, {
      x: (region.x - left) * sx,
      y: (region.y - top) * sy,
      width: region.width * sx,
      height: region.height * sy,
    });
  } finally {
    part.close();
  }
}

/** The browser would silently round a size and a region. */
function checkRequest(width: number, height: number, region: Box): void {
  if (!(Number.isInteger(width) && width > 0 && Number.isInteger(height) && height > 0)) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected positive integers for the size to scale to but received ${width} × ${height}; round it first.`,
    );
  }
  const { x, y, width: w, height: h } = region;
  if (!([x, y, w, h].every(Number.isFinite) && w > 0 && h > 0)) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a region of finite numbers with positive sides but received ${w} × ${h} at ${x}, ${y}; ` +
        'regions are in source pixels.',
    );
  }
}

/** A bitmap or frame that was closed has no size any more. */
function isClosed(image: Exclude<WebImage, Blob>): boolean {
  if (image instanceof ImageBitmap) return image.width === 0;
  return typeof VideoFrame !== 'undefined' && image instanceof VideoFrame && image.codedWidth === 0;
}

/** The whole pixels under a span and one more on each side, inside the picture; at least one. */
function cover(start: number, length: number, limit: number): [from: number, to: number] {
  const from = Math.min(Math.max(Math.floor(start) - 1, 0), limit - 1);
  return [from, Math.min(Math.max(Math.ceil(start + length) + 1, from + 1), limit)];
}

function imageData({ data, width, height }: PixelBuffer): ImageData {
  const result = new ImageData(width, height);
  for (let from = 0, to = 0; to < result.data.length; from += 3, to += 4) {
    result.data[to] = data[from]!;
    result.data[to + 1] = data[from + 1]!;
    result.data[to + 2] = data[from + 2]!;
    result.data[to + 3] = 255;
  }
  return result;
}

let canvas: OffscreenCanvas | undefined;

/** The pixels of a bitmap, by one canvas that is used again: making one costs more than reading it. */
export function pixelsOf(bitmap: ImageBitmap): PixelBuffer {
  const { width, height } = bitmap;
  canvas ??= new OffscreenCanvas(width, height);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false })!;
  context.drawImage(bitmap, 0, 0);
  return { data: context.getImageData(0, 0, width, height).data, width, height, format: 'rgba' };
}
