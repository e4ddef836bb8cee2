import type { YuvPlanes } from '@facedet/draw';
import type { Frame as NativeFrame } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';

// The signal level of reference white (203 cd/m²) in HLG and PQ, by code point of ITU-T H.273: ITU-R BT.2408, table 1.
const WHITE_LEVELS: Record<number, number> = { 16: 0.58, 18: 0.75 };

function whiteLevelOf(transfer: number): { whiteLevel?: number } {
  const whiteLevel = WHITE_LEVELS[transfer];
  return whiteLevel === undefined ? {} : { whiteLevel };
}

/** The planes of a writable 4:2:0 picture of 8 or 10 bits, in FFmpeg's memory: valid until the picture is freed. */
export function planesOf({ constants }: Ffmpeg, frame: NativeFrame): YuvPlanes {
  const { colorSpace: space } = frame;
  const bt2020 = space === constants.AVCOL_SPC_BT2020_NCL || space === constants.AVCOL_SPC_BT2020_CL;
  const bt601 =
    space === constants.AVCOL_SPC_BT470BG ||
    space === constants.AVCOL_SPC_SMPTE170M ||
    space === constants.AVCOL_SPC_FCC;
  const matrix = bt2020 ? 'bt2020' : bt601 ? 'bt601' : space === constants.AVCOL_SPC_BT709 ? 'bt709' : undefined;
  return {
    width: frame.width,
    height: frame.height,
    planes: frame.data!.slice(0, 3),
    strides: frame.linesize.slice(0, 3),
    subsampling: '420',
    bitDepth: frame.format === constants.AV_PIX_FMT_YUV420P10LE ? 10 : 8,
    range: frame.colorRange === constants.AVCOL_RANGE_JPEG ? 'full' : 'limited',
    ...(matrix ? { matrix } : {}),
    ...whiteLevelOf(frame.colorTrc),
  };
}
