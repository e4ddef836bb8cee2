import { realpath } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { outputPlace, printable } from '@facedet/files';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { ColorTags, Fraction, VideoMetadata } from '../read/metadata.ts';
import { EXTENSIONS, type ContainerName } from './containers.ts';
import type { Encoding } from './encoding.ts';

/** The format of the pictures of an output. */
export interface PictureFormat extends Encoding {
  readonly container: ContainerName;
  /** Even, as is the height. */
  readonly width: number;
  readonly height: number;
  readonly timeBase: Fraction;
  /** Nominal frames per second (fps). */
  readonly fps: number;
  /** Whether the source is RGB. */
  readonly rgb: boolean;
  /** Color tags of the source's pictures as YUV. */
  readonly sourceColor: ColorTags;
}

/** Chooses the format of the pictures. Throws `INVALID_ARGUMENT` for frames that are too small. */
export function pictureFormat(
  { constants }: Ffmpeg,
  path: string,
  like: VideoMetadata,
  encoding: Encoding & { readonly container: ContainerName },
): PictureFormat {
  const [width, height] = [like.width & ~1, like.height & ~1];
  if (width < 2 || height < 2)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `${path}: Expected frames of at least 2 × 2 pixels but received ${like.width} × ${like.height}; ` +
        'use larger frames.',
    );
  const rgb = !/^(yuv|nv|p0|gray)/.test(like.pixelFormat);
  // RGB is converted to YUV by BT.601, FFmpeg's default.
  const sourceColor = rgb
    ? { ...like.color, space: constants.AVCOL_SPC_SMPTE170M, range: constants.AVCOL_RANGE_MPEG }
    : like.pixelFormat.startsWith('yuvj')
      ? { ...like.color, range: constants.AVCOL_RANGE_JPEG }
      : like.color;
  const timeBase = timeBaseOf(like.timeBase, encoding.container);
  return { ...encoding, width, height, timeBase, fps: like.fps ?? 25, rgb, sourceColor };
}

function timeBaseOf(source: Fraction, container: ContainerName): Fraction {
  if (container === 'matroska' || container === 'webm') return { num: 1, den: 1000 };
  return source.num === 1 && source.den >= 1000 && source.den <= 1_000_000 ? source : { num: 1, den: 90_000 };
}

/** Throws `OUTPUT_IS_INPUT` if an output is its source. */
export async function requireOther(path: string, source: string | null): Promise<void> {
  if (source !== null && (await place(path)) === (await place(source)))
    throw new FaceDetError(
      'OUTPUT_IS_INPUT',
      `${path}: Expected a path other than the source's but received the same file; choose another name.`,
    );
}

/** The target of a path, with links resolved. */
async function place(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

/** The file that a path refers to; throws `INVALID_ARGUMENT` for pipes and devices. */
export function filePlace(path: string): { target: string; partialPath: string } {
  const found = outputPlace(path, { media: true });
  if (found.kind === 'file') return found;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `${printable(path, 200)}: Expected a file for the video but received a pipe or a device, which does not support ` +
      'random access; choose a file.',
  );
}

/**
 * On two cores, a second encoder thread makes the whole run a quarter faster. Each thread delays the output by a
 * picture, so their number is limited.
 */
export function defaultThreads(cores: number): number {
  return Math.max(Math.min(cores, 8), Math.floor(cores / 2));
}

// FFmpeg's numbers for "unspecified".
const UNSPECIFIED = { range: 0, space: 2, primaries: 2, transfer: 2, chromaLocation: 0 };

export function ownMetadata({ width, height, fps }: { width: number; height: number; fps: number }): VideoMetadata {
  if (![width, height].every((side) => Number.isInteger(side) && side > 0) || !(fps > 0))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected positive width, height and fps for a video but received ${width} × ${height} at ${fps}; ` +
        'pass positive numbers.',
    );
  return {
    source: '',
    path: null,
    kind: 'lavfi',
    width,
    height,
    fps,
    frameCount: null,
    duration: null,
    codec: 'rawvideo',
    pixelFormat: 'rgb24',
    container: '',
    rotation: 0,
    mirrored: false,
    timeBase: { num: 1, den: 90_000 },
    startTime: 0,
    sampleAspectRatio: { num: 1, den: 1 },
    color: UNSPECIFIED,
    audioStreams: [],
    subtitleStreams: [],
    live: false,
  };
}

export function containerOf(path: string): ContainerName {
  const found = EXTENSIONS[extname(path).toLowerCase()];
  if (!found)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `${path}: Expected a name that ends in ${Object.keys(EXTENSIONS).join(', ')} but received another extension; ` +
        'rename the output.',
    );
  return found;
}
