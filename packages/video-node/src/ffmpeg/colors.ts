import { FaceDetError } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';
import type { ColorTags } from '../read/metadata.ts';
import type { Ffmpeg } from './load.ts';

/** A picture's color tags. */
export function colorTagsOf(frame: NativeFrame): ColorTags {
  return {
    range: frame.colorRange,
    space: frame.colorSpace,
    primaries: frame.colorPrimaries,
    transfer: frame.colorTrc,
    chromaLocation: frame.chromaLocation,
  };
}

/** Sets a picture's color tags; its samples do not change. */
export function setColorTags(frame: NativeFrame, tags: ColorTags): void {
  frame.colorRange = tags.range as never;
  frame.colorSpace = tags.space as never;
  frame.colorPrimaries = tags.primaries as never;
  frame.colorTrc = tags.transfer as never;
  frame.chromaLocation = tags.chromaLocation as never;
}

/**
 * The tags with which FFmpeg scales and filters a picture without changing the meaning of its samples. Since FFmpeg 8,
 * swscale converts between primaries and transfer functions whenever source and target differ in them. That changes
 * the samples, takes seconds to set up, and fails for some functions (log100, log316, reserved values). Range, chroma
 * location and the matrices that swscale supports are kept, as the conversion to RGB needs them. Other matrices become
 * the nearest supported one, or unspecified.
 */
export function neutralTags({ constants }: Ffmpeg, tags: ColorTags): ColorTags {
  return {
    ...tags,
    space: scalableMatrix(constants, tags.space),
    primaries: constants.AVCOL_PRI_UNSPECIFIED,
    transfer: constants.AVCOL_TRC_UNSPECIFIED,
  };
}

/** A new reference to a picture's memory, with neutral tags; the caller frees it. Throws `OUT_OF_MEMORY`. */
export function neutralReference(ffmpeg: Ffmpeg, frame: NativeFrame): NativeFrame {
  const same = frame.clone();
  if (!same)
    throw new FaceDetError(
      'OUT_OF_MEMORY',
      `Expected memory for a reference to a picture of ${frame.width} × ${frame.height} but received none; ` +
        'close frames sooner.',
    );
  setColorTags(same, neutralTags(ffmpeg, colorTagsOf(frame)));
  return same;
}

function scalableMatrix(constants: Ffmpeg['constants'], space: number): number {
  switch (space) {
    case constants.AVCOL_SPC_RGB:
    case constants.AVCOL_SPC_BT709:
    case constants.AVCOL_SPC_FCC:
    case constants.AVCOL_SPC_BT470BG:
    case constants.AVCOL_SPC_SMPTE170M:
    case constants.AVCOL_SPC_SMPTE240M:
    case constants.AVCOL_SPC_BT2020_NCL:
      return space;
    case constants.AVCOL_SPC_BT2020_CL:
    case constants.AVCOL_SPC_ICTCP:
    case constants.AVCOL_SPC_IPT_C2:
      return constants.AVCOL_SPC_BT2020_NCL;
    default:
      return constants.AVCOL_SPC_UNSPECIFIED;
  }
}
