import { readFile, stat } from 'node:fs/promises';
import { FaceDetError, type PixelBuffer } from '@facedet/core';
import { firstBytes, fileKind, HEAD_BYTES, isHeif, printable } from '@facedet/files';
import type { CodecContext, Frame as NativeFrame } from 'node-av/lib';
import { check, failure } from '../ffmpeg/errors.ts';
import { loadFfmpeg, type Ffmpeg } from '../ffmpeg/load.ts';
import { parseHeif, type HeifPicture, type HeifTransform } from './heif.ts';
import { checkPixels, DEFAULT_LIMITS } from './input.ts';
import { createRasterizer, type Rasterizer } from './rasterize.ts';

/** Options of `decodeStillImage`. */
export interface StillImageOptions {
  /** Maximum pixels; `IMAGE_TOO_LARGE` beyond. Higher lets a file use more memory. Default 8,192 × 4,320. */
  pixelLimit?: number;
  /** The picture's name in messages. Default: its path, or `the picture`. */
  name?: string;
}

// No still picture within the pixel limit has a larger file.
const BYTE_LIMIT = 512 * 1024 * 1024;

/**
 * Decodes a still picture with FFmpeg: HEIC, HEIF and AVIF (with all tiles of a grid, and rotation, mirror and crop
 * applied), JPEG XL, BMP, JPEG 2000, PPM and its relatives, and TGA (by its extension `.tga`). Returns upright RGB
 * pixels.
 *
 * Throws `IMAGE_UNREADABLE` for other formats and broken files, `IMAGE_TOO_LARGE` beyond `pixelLimit`, `NOT_FOUND`, and
 * `DEPENDENCY_MISSING` without node-av.
 */
export async function decodeStillImage(
  source: string | Uint8Array,
  options: StillImageOptions = {},
): Promise<PixelBuffer> {
  const { pixelLimit = DEFAULT_LIMITS.pixelLimit } = options;
  const name = printable(options.name ?? (typeof source === 'string' ? source : 'the picture'));
  if (!(pixelLimit >= 1))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a positive number for pixelLimit but received ${String(pixelLimit)}; leave it out for the default.`,
    );
  const bytes =
    typeof source === 'string'
      ? await readPicture(source)
      : Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  const ffmpeg = await loadFfmpeg();
  const rasterizer = createRasterizer(ffmpeg);
  try {
    const target = { name, pixelLimit };
    if (isHeif(bytes)) return await composeHeif(ffmpeg, rasterizer, parseHeif(bytes, name), target);
    const codec = codecOf(bytes, typeof source === 'string' ? source : name);
    if (!codec)
      throw new FaceDetError(
        'IMAGE_UNREADABLE',
        `Expected HEIC, AVIF, JPEG XL, BMP, JPEG 2000, PPM or TGA but ${name} has another format; convert it to ` +
          'JPEG or PNG.',
      );
    const frame = await decodeOne(ffmpeg, { codec, data: bytes }, target);
    try {
      return await rasterizer.rasterize(frame, frame.width, frame.height);
    } finally {
      frame.free();
    }
  } finally {
    rasterizer.close();
  }
}

/** Whether a file is a still picture that FFmpeg's demuxers can't read, or can't read completely. */
export async function needsStillDecoder(path: string): Promise<boolean> {
  const head = await firstBytes(path, HEAD_BYTES).catch(() => Buffer.alloc(0));
  return isHeif(head) || ['pam', 'pfm', 'targa'].includes(codecOf(head, path) ?? '');
}

/** FFmpeg's decoder of a format. */
function codecOf(head: Buffer, name: string): string | undefined {
  const kind = fileKind(head, name);
  if (kind.type !== 'picture') return undefined;
  if (kind.format === 'ppm')
    return (
      { P1: 'pbm', P4: 'pbm', P2: 'pgm', P5: 'pgm', P7: 'pam', Pf: 'pfm', PF: 'pfm' }[head.toString('latin1', 0, 2)] ??
      'ppm'
    );
  return { bmp: 'bmp', jxl: 'libjxl', jp2: 'jpeg2000', tga: 'targa' }[kind.format as string];
}

async function readPicture(path: string): Promise<Buffer> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EACCES')
      throw new FaceDetError(
        'NO_ACCESS',
        `Expected a readable picture but ${printable(path)} may not be read; change its permissions.`,
        { cause },
      );
    throw new FaceDetError('NOT_FOUND', `Expected a picture but ${printable(path)} does not exist; check the path.`, {
      cause,
    });
  });
  if (!found.isFile() || found.size > BYTE_LIMIT)
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a picture file of at most ${BYTE_LIMIT.toLocaleString('en')} bytes but ${printable(path)} is ` +
        `${found.isFile() ? 'larger' : 'not a file'}; use another picture.`,
    );
  return readFile(path);
}

/** A coded picture that needs no demuxer. */
interface CodedPicture {
  /** FFmpeg's name of the decoder. */
  readonly codec: string;
  readonly data: Buffer;
  readonly extradata?: Buffer;
}

type Target = Required<StillImageOptions>;

/** Decodes one picture. The caller frees it. */
async function decodeOne(
  ffmpeg: Ffmpeg,
  { codec: decoder, data, extradata }: CodedPicture,
  { name, pixelLimit }: Target,
): Promise<NativeFrame> {
  const { Codec, CodecContext, Frame, Packet } = ffmpeg;
  const codec = Codec.findDecoderByName(decoder as never);
  if (!codec)
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected the decoder ${decoder} for ${name} but this build of FFmpeg lacks it; convert it to JPEG or PNG.`,
    );
  const context: CodecContext = new CodecContext();
  const packet = new Packet();
  const frame = new Frame();
  frame.alloc();
  let done = false;
  try {
    context.allocContext3(codec);
    context.threadCount = 1;
    context.setOption('max_pixels', pixelLimit);
    if (extradata) context.extraData = extradata;
    const message =
      `Expected a picture that FFmpeg can decode but ${name} is broken, cut off or larger than ` +
      `${pixelLimit.toLocaleString('en')} pixels`;
    check(ffmpeg, await context.open2(codec, null), 'IMAGE_UNREADABLE', message);
    packet.alloc();
    packet.data = data;
    check(ffmpeg, await context.sendPacket(packet), 'IMAGE_UNREADABLE', message);
    await context.sendPacket(null);
    const result = await context.receiveFrame(frame);
    if (result < 0) throw failure(ffmpeg, result, 'IMAGE_UNREADABLE', message);
    checkPixels(name, frame, pixelLimit);
    done = true;
    return frame;
  } finally {
    if (!done) frame.free();
    packet.free();
    context.freeContext();
  }
}

async function composeHeif(
  ffmpeg: Ffmpeg,
  rasterizer: Rasterizer,
  picture: HeifPicture,
  target: Target,
): Promise<PixelBuffer> {
  const { name, pixelLimit } = target;
  const { width, height, columns, tiles, color } = picture;
  checkPixels(name, picture, pixelLimit);
  const canvas: PixelBuffer = { data: new Uint8Array(width * height * 3), width, height, format: 'rgb' };
  let size: { width: number; height: number } | undefined;
  for (const [index, { codec, configuration, data }] of tiles.entries()) {
    const coded = { codec: codec === 'av01' ? 'libdav1d' : 'hevc', data, extradata: configuration };
    const frame = await decodeOne(ffmpeg, coded, target);
    try {
      size ??= { width: frame.width, height: frame.height };
      const incomplete = frame.width !== size.width || frame.height !== size.height;
      if (incomplete || (tiles.length === 1 && (frame.width < width || frame.height < height)))
        throw incompleteGrid(name);
      if (color) {
        frame.colorRange = (
          color.fullRange ? ffmpeg.constants.AVCOL_RANGE_JPEG : ffmpeg.constants.AVCOL_RANGE_MPEG
        ) as never;
        if (color.matrix !== 2 && color.matrix !== 0) frame.colorSpace = color.matrix as never;
      }
      place(
        await rasterizer.rasterize(frame, frame.width, frame.height),
        canvas,
        (index % columns) * size.width,
        Math.floor(index / columns) * size.height,
      );
    } finally {
      frame.free();
    }
  }
  const rows = Math.ceil(tiles.length / columns);
  if (!size || size.width * columns < width || size.height * rows < height) throw incompleteGrid(name);
  return picture.transforms.reduce(transform, canvas);
}

function incompleteGrid(name: string): FaceDetError {
  return new FaceDetError(
    'IMAGE_UNREADABLE',
    `Expected tiles that cover the whole HEIF picture but those of ${name} do not; export it as JPEG or PNG.`,
  );
}

/** Copies a tile into the picture, clipped to it. */
function place(tile: PixelBuffer, canvas: PixelBuffer, x: number, y: number): void {
  const columns = Math.min(tile.width, canvas.width - x);
  const rows = Math.min(tile.height, canvas.height - y);
  if (columns <= 0) return;
  for (let row = 0; row < rows; row++) {
    const from = 3 * row * tile.width;
    canvas.data.set(tile.data.subarray(from, from + 3 * columns), 3 * ((y + row) * canvas.width + x));
  }
}

/** Applies one transformation of a HEIF file to RGB pixels. */
function transform({ data, width, height }: PixelBuffer, step: HeifTransform): PixelBuffer {
  const sideways = step.kind === 'rotate' && step.turns % 2 === 1;
  const [w, h] = step.kind === 'crop' ? [step.width, step.height] : sideways ? [height, width] : [width, height];
  const to = new Uint8Array(w * h * 3);
  // The result's pixel (x, y) is the source's pixel start + x · stepX + y · stepY.
  const [start, stepX, stepY] = strides(step, width, height);
  for (let y = 0, target = 0; y < h; y++) {
    for (let x = 0, from = 3 * (start + y * stepY); x < w; x++, from += 3 * stepX) {
      to[target++] = data[from]!;
      to[target++] = data[from + 1]!;
      to[target++] = data[from + 2]!;
    }
  }
  return { data: to, width: w, height: h, format: 'rgb' };
}

function strides(step: HeifTransform, width: number, height: number): [start: number, stepX: number, stepY: number] {
  const last = width * height - 1;
  if (step.kind === 'crop') return [step.y * width + step.x, 1, width];
  if (step.kind === 'mirror')
    return step.axis === 'vertical' ? [width - 1, -1, width] : [(height - 1) * width, 1, -width];
  if (step.turns === 1) return [width - 1, width, -1];
  if (step.turns === 2) return [last, -1, -width];
  return [(height - 1) * width, -width, 1];
}
