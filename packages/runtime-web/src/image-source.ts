import { FaceDetError, type Box, type PixelBuffer, type RasterizeOptions, type RasterSource } from '@facedet/core';

/** Pictures that a browser holds. */
export type WebImage = ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement | VideoFrame | ImageData | Blob;

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
 * Makes any picture of the browser an `ImageSource`. Blobs (files) are decoded first, with their EXIF orientation applied.
 * Rejects with `INVALID_IMAGE` for what is no picture or has no pixels yet, `IMAGE_UNREADABLE` for a blob that can't be decoded.
 */
export async function imageSource(image: WebImage): Promise<WebImageSource> {
  if (image instanceof Blob) {
    if (!image.size) throw new FaceDetError('IMAGE_UNREADABLE', 'Expected a picture but the file is empty.');
    let bitmap: ImageBitmap;
    try {
      bitmap = await createImageBitmap(image, { imageOrientation: 'from-image' });
    } catch (cause) {
      throw new FaceDetError('IMAGE_UNREADABLE', `Expected a picture but this browser can't decode the ${image.type || 'file'} of ${image.size} bytes; try JPEG, PNG, WebP or AVIF.`, { cause });
    }
    return { ...drawable(bitmap, bitmap.width, bitmap.height), close: () => bitmap.close() };
  }
  if (typeof HTMLImageElement !== 'undefined' && image instanceof HTMLImageElement) {
    if (!image.complete || !image.naturalWidth) await image.decode().catch((cause: unknown) => {
      throw new FaceDetError('IMAGE_UNREADABLE', `Expected a loaded picture but ${image.src || 'the image element'} can't be decoded.`, { cause });
    });
    return drawable(image, image.naturalWidth, image.naturalHeight);
  }
  const [width, height] = sizeOf(image);
  if (!(width > 0 && height > 0)) throw new FaceDetError('INVALID_IMAGE', `Expected a picture with pixels but its size is ${width} × ${height}; wait until it is loaded (loadeddata of a video).`);
  return drawable(image as Exclude<WebImage, Blob>, width, height);
}

function sizeOf(image: Exclude<WebImage, Blob>): [number, number] {
  if (typeof HTMLVideoElement !== 'undefined' && image instanceof HTMLVideoElement) return [image.videoWidth, image.videoHeight];
  if (typeof VideoFrame !== 'undefined' && image instanceof VideoFrame) return [image.displayWidth, image.displayHeight];
  const { width, height } = image as { width?: unknown; height?: unknown };
  if (typeof width !== 'number' || typeof height !== 'number') throw new FaceDetError('INVALID_IMAGE', `Expected an ImageBitmap, an image, canvas or video element, a VideoFrame, ImageData or a Blob but received ${Object.prototype.toString.call(image)}.`);
  return [width, height];
}

/** A source over anything that `createImageBitmap` takes. */
export function drawable(image: Exclude<WebImage, Blob>, width: number, height: number): WebImageSource {
  // 'low' is bilinear between neighbours without anti-aliasing, as the detector's rules want; 'medium' and 'high' average.
  const bitmap = async (w: number, h: number, { region, signal }: RasterizeOptions = {}): Promise<ImageBitmap> => {
    signal?.throwIfAborted();
    const { x, y, width: rw, height: rh } = wholePixels(region ?? { x: 0, y: 0, width, height });
    const result = await createImageBitmap(image, x, y, rw, rh, { resizeWidth: w, resizeHeight: h, resizeQuality: 'low' });
    if (signal?.aborted) {
      result.close();
      signal.throwIfAborted();
    }
    return result;
  };
  return {
    width,
    height,
    bitmap,
    async rasterize(w, h, options) {
      const scaled = await bitmap(w, h, options);
      try {
        return pixelsOf(scaled);
      } finally {
        scaled.close();
      }
    },
  };
}

function wholePixels({ x, y, width, height }: Box): Box {
  const left = Math.round(x);
  const top = Math.round(y);
  return { x: left, y: top, width: Math.max(Math.round(x + width) - left, 1), height: Math.max(Math.round(y + height) - top, 1) };
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
