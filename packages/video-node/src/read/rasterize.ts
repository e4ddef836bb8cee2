import { FaceDetError, resizeBilinear, type Box, type PixelBuffer } from '@facedet/core';
import type { Frame as NativeFrame, SoftwareScaleContext } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { colorTagsOf, neutralReference, setColorTags } from '../ffmpeg/colors.ts';
import { check } from '../ffmpeg/errors.ts';
import { layoutOf, type Layout } from '../ffmpeg/pixel-layout.ts';

/** Scales decoded pictures to RGB and reuses its scaling contexts. */
export interface Rasterizer {
  /** `region` of a picture (by default all of it) scaled to `width` × `height`. The pixels own their memory. */
  rasterize(frame: NativeFrame, width: number, height: number, region?: Box): Promise<PixelBuffer>;
  close(): void;
}

/** FFmpeg's scaling contexts for one picture at a time. */
interface Scalers {
  readonly toSize: SoftwareScaleContext;
  readonly toRgb: SoftwareScaleContext;
}

/** `rasterize` with FFmpeg's scaler. Calls may run concurrently: each one has its own scaling contexts. */
export function createRasterizer(ffmpeg: Ffmpeg): Rasterizer {
  const pool = createScalerPool(ffmpeg);
  const scale = (frame: NativeFrame, width: number, height: number) =>
    pool.use((scalers) => scaleToRgb(ffmpeg, scalers, frame, { width, height }));
  return {
    async rasterize(frame, width, height, region) {
      checkSize(width, height);
      if (
        !region ||
        (region.x === 0 && region.y === 0 && region.width === frame.width && region.height === frame.height)
      )
        return scale(frame, width, height);
      checkRegion(region);
      const part = await cutRegion(ffmpeg, scale, frame, { width, height, region });
      return resizeBilinear(part.pixels, width, height, part.region);
    },
    close: pool.close,
  };
}

interface ScalerPool {
  /** Runs `work` with contexts that no other call uses at the same time. */
  use<T>(work: (scalers: Scalers) => Promise<T>): Promise<T>;
  /** Frees the contexts; those in use are freed after their call. */
  close(): void;
}

function createScalerPool({ SoftwareScaleContext }: Ffmpeg): ScalerPool {
  const idle: Scalers[] = [];
  let closed = false;
  const newContext = () => {
    const context = new SoftwareScaleContext();
    context.allocContext();
    context.setOption('sws_flags', 'bilinear');
    return context;
  };
  return {
    async use(work) {
      const scalers = idle.pop() ?? { toSize: newContext(), toRgb: newContext() };
      try {
        return await work(scalers);
      } finally {
        if (closed) free(scalers);
        else idle.push(scalers);
      }
    },
    close() {
      closed = true;
      idle.splice(0).forEach(free);
    },
  };
}

function free({ toSize, toRgb }: Scalers): void {
  toSize.freeContext();
  toRgb.freeContext();
}

/** Scales a whole picture to RGB. */
async function scaleToRgb(
  ffmpeg: Ffmpeg,
  { toSize, toRgb }: Scalers,
  frame: NativeFrame,
  { width, height }: { width: number; height: number },
): Promise<PixelBuffer> {
  const { constants, Frame } = ffmpeg;
  const middle = new Frame();
  const scaled = new Frame();
  const neutral = neutralReference(ffmpeg, frame);
  const failed =
    `Expected a picture of ${frame.width} × ${frame.height} that FFmpeg can scale to ${width} × ${height} ` +
    'but it fails';
  try {
    let from = neutral;
    if (isSlow(ffmpeg, frame, width, height)) {
      middle.alloc();
      middle.width = width;
      middle.height = height;
      middle.format = constants.AV_PIX_FMT_YUV422P;
      setColorTags(middle, colorTagsOf(neutral));
      check(ffmpeg, await toSize.scaleFrame(middle, neutral), 'VIDEO_BROKEN', failed);
      from = middle;
    }
    scaled.alloc();
    scaled.width = width;
    scaled.height = height;
    scaled.format = constants.AV_PIX_FMT_RGB24;
    scaled.colorRange = constants.AVCOL_RANGE_JPEG;
    check(ffmpeg, await toRgb.scaleFrame(scaled, from), 'VIDEO_BROKEN', failed);
    return { data: pack(scaled, width, height), width, height, format: 'rgb' };
  } finally {
    neutral.free();
    middle.free();
    scaled.free();
  }
}

// FFmpeg has no fast code to shrink and convert to RGB at once. Shrinking in YUV before the conversion takes half the
// time in total.
function isSlow(ffmpeg: Ffmpeg, frame: NativeFrame, width: number, height: number): boolean {
  const layout = layoutOf(ffmpeg.avGetPixFmtName(frame.format as never) ?? '');
  return (
    layout?.bitDepth === 8 &&
    (layout.subsampling === '420' || layout.subsampling === '422') &&
    2 * height <= frame.height &&
    2 * width <= frame.width &&
    height % 2 === 0
  );
}

/**
 * Scales the samples around a region to about the requested size. Returns the pixels and the region's position in them,
 * for the bilinear interpolation of the remaining scale and of subpixel offsets.
 */
async function cutRegion(
  ffmpeg: Ffmpeg,
  scale: (frame: NativeFrame, width: number, height: number) => Promise<PixelBuffer>,
  frame: NativeFrame,
  { width, height, region }: { width: number; height: number; region: Box },
): Promise<{ pixels: PixelBuffer; region: Box }> {
  const layout = layoutOf(ffmpeg.avGetPixFmtName(frame.format as never) ?? '');
  if (!layout) return { pixels: await scale(frame, frame.width, frame.height), region };
  const [left, right] = cover(region.x, region.width, frame.width);
  const [top, bottom] = cover(region.y, region.height, frame.height);
  const crop = new ffmpeg.Frame();
  try {
    crop.alloc();
    crop.width = right - left;
    crop.height = bottom - top;
    crop.format = frame.format;
    check(
      ffmpeg,
      crop.getBuffer(0),
      'OUT_OF_MEMORY',
      `Expected memory for a region of ${crop.width} × ${crop.height} pixels but the allocation failed`,
    );
    crop.copyProps(frame);
    copyPart(frame, crop, layout, { left, top });
    const shrink = Math.min(region.width / width, region.height / height);
    const w = shrink < 2 ? crop.width : Math.max(1, Math.round((crop.width / region.width) * width));
    const h = shrink < 2 ? crop.height : Math.max(1, Math.round((crop.height / region.height) * height));
    const pixels = await scale(crop, w, h);
    const [sx, sy] = [w / crop.width, h / crop.height];
    return {
      pixels,
      region: {
        x: (region.x - left) * sx,
        y: (region.y - top) * sy,
        width: region.width * sx,
        height: region.height * sy,
      },
    };
  } finally {
    crop.free();
  }
}

function checkSize(width: number, height: number): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected positive integers for the size to scale to but received ${width} × ${height}; round it first.`,
    );
}

function checkRegion({ x, y, width, height }: Box): void {
  if (!(width > 0 && height > 0 && Number.isFinite(x + y + width + height)))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a region of finite numbers with positive sides but received ${width} × ${height} at ${x}, ${y}; ` +
        'regions are in source pixels.',
    );
}

/** The samples that cover a span of pixels, with one neighbor on each side; aligned, so that chroma stays complete. */
function cover(start: number, length: number, limit: number): [from: number, to: number] {
  const from = Math.min(Math.max(0, Math.floor(start) - 1), limit - 1) & ~3;
  const to = Math.min((Math.max(Math.ceil(start + length) + 1, from + 1) + 1) & ~1, limit);
  return [from, to];
}

/** Fills `to` with the part of `from` whose upper left corner is given. */
function copyPart(
  from: NativeFrame,
  to: NativeFrame,
  { planes }: Layout,
  { left, top }: { left: number; top: number },
): void {
  const [source, target] = [from.data!, to.data!];
  planes.forEach(({ bytes, shiftX, shiftY }, i) => {
    const [a, b] = [source[i]!, target[i]!];
    const [strideA, strideB] = [from.linesize[i]!, to.linesize[i]!];
    const rowBytes = -(-to.width >> shiftX) * bytes;
    const rows = -(-to.height >> shiftY);
    let at = (top >> shiftY) * strideA + (left >> shiftX) * bytes;
    for (let y = 0; y < rows; y++, at += strideA) a.copy(b, y * strideB, at, at + rowBytes);
  });
}

function pack(frame: NativeFrame, width: number, height: number): Uint8Array {
  const row = width * 3;
  const stride = frame.linesize[0]!;
  const from = frame.data![0]!;
  if (stride === row) return new Uint8Array(from.subarray(0, row * height));
  const packed = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) packed.set(from.subarray(y * stride, y * stride + row), y * row);
  return packed;
}
