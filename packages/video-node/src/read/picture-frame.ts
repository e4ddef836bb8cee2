import type { Frame as NativeFrame } from 'node-av/lib';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { VideoMetadata } from './metadata.ts';
import type { ResolvedSource } from './source.ts';
import { decodeStillImage } from './still-image.ts';

/** A black picture that replaces one that can't be read. The caller frees it. */
export function blackFrame(ffmpeg: Ffmpeg, width: number, height: number): NativeFrame {
  const frame = allocateRgb(ffmpeg, width, height);
  frame.data![0]!.fill(0);
  return frame;
}

/** A still picture as a frame, with its metadata. Throws the same errors as `decodeStillImage`. */
export async function createStillFrame(
  ffmpeg: Ffmpeg,
  path: string,
  source: ResolvedSource,
  pixelLimit: number,
): Promise<{ frame: NativeFrame; metadata: VideoMetadata }> {
  const { data, width, height } = await decodeStillImage(path, { pixelLimit });
  const frame = allocateRgb(ffmpeg, width, height);
  const plane = frame.data![0]!;
  const stride = frame.linesize[0]!;
  for (let y = 0; y < height; y++) plane.set(data.subarray(3 * y * width, 3 * (y + 1) * width), y * stride);
  const { constants } = ffmpeg;
  const metadata: VideoMetadata = {
    source: source.name,
    path: null,
    kind: source.kind === 'pipe' ? 'file' : source.kind,
    width,
    height,
    fps: null,
    frameCount: 1,
    duration: null,
    codec: 'still',
    pixelFormat: 'rgb24',
    container: 'still',
    rotation: 0,
    mirrored: false,
    timeBase: { num: 1, den: 1000 },
    startTime: 0,
    sampleAspectRatio: { num: 1, den: 1 },
    color: {
      range: constants.AVCOL_RANGE_JPEG,
      space: constants.AVCOL_SPC_RGB,
      primaries: constants.AVCOL_PRI_UNSPECIFIED,
      transfer: constants.AVCOL_TRC_UNSPECIFIED,
      chromaLocation: constants.AVCHROMA_LOC_UNSPECIFIED,
    },
    audioStreams: [],
    subtitleStreams: [],
    live: false,
  };
  return { frame, metadata };
}

function allocateRgb(ffmpeg: Ffmpeg, width: number, height: number): NativeFrame {
  const { constants } = ffmpeg;
  const frame = new ffmpeg.Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = constants.AV_PIX_FMT_RGB24;
  frame.colorRange = constants.AVCOL_RANGE_JPEG;
  try {
    check(
      ffmpeg,
      frame.getBuffer(0),
      'OUT_OF_MEMORY',
      `Expected memory for a picture of ${width} × ${height} but the allocation failed; scale it down`,
    );
    return frame;
  } catch (error) {
    frame.free();
    throw error;
  }
}
