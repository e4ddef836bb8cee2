import type { Frame as NativeFrame } from 'node-av/lib';
import { colorTagsOf, neutralTags, setColorTags } from '../ffmpeg/colors.ts';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { ColorTags } from '../read/metadata.ts';

/** What pictures are converted to. */
export interface ConverterOptions {
  /** Even. */
  readonly width: number;
  readonly height: number;
  readonly bitDepth: 8 | 10;
  /** Tags of the output. */
  readonly color: ColorTags;
  /** Whether the source is RGB: its samples get the output's matrix. */
  readonly rgb: boolean;
}

/** Brings pictures to the form that the encoder takes: 4:2:0 of one depth and size. */
export interface PictureConverter {
  /**
   * Converts a picture, which it frees or hands back; `writable` where it is to be edited. Samples that have the form
   * already stay as they are.
   */
  convert(source: NativeFrame, writable: boolean): Promise<NativeFrame>;
  close(): void;
}

/** Opens a converter. One call at a time. */
export function createPictureConverter(ffmpeg: Ffmpeg, options: ConverterOptions): PictureConverter {
  const { constants, Frame } = ffmpeg;
  const { width, height, bitDepth, color, rgb } = options;
  const format = bitDepth === 10 ? constants.AV_PIX_FMT_YUV420P10LE : constants.AV_PIX_FMT_YUV420P;
  const scaler = new ffmpeg.SoftwareScaleContext();
  scaler.allocContext();
  scaler.setOption('sws_flags', 'bilinear+accurate_rnd');

  function asItIs(source: NativeFrame, writable: boolean): NativeFrame {
    source.format = format;
    try {
      if (writable) check(ffmpeg, source.makeWritable(), 'OUT_OF_MEMORY', "A picture can't be copied");
      return source;
    } catch (error) {
      source.free();
      throw error;
    }
  }

  async function scaled(source: NativeFrame): Promise<NativeFrame> {
    const converted = new Frame();
    converted.alloc();
    converted.width = width;
    converted.height = height;
    converted.format = format;
    // Only the range may differ, and the matrix where RGB becomes YUV: neither side names primaries or transfer.
    const from = neutralTags(ffmpeg, colorTagsOf(source));
    const ofRgb = rgb && { space: color.space, chromaLocation: color.chromaLocation };
    setColorTags(source, from);
    setColorTags(converted, { ...from, range: color.range || from.range, ...ofRgb });
    try {
      const result = await scaler.scaleFrame(converted, source);
      check(ffmpeg, result, 'ENCODING_FAILED', `A picture can't be converted to ${bitDepth}-bit 4:2:0`);
      return converted;
    } catch (error) {
      converted.free();
      throw error;
    } finally {
      source.free();
    }
  }

  return {
    async convert(source, writable) {
      source.width &= ~1;
      source.height &= ~1;
      // FFmpeg's name for full range of 8 bits is another.
      const isFull8 = bitDepth === 8 && source.format === constants.AV_PIX_FMT_YUVJ420P;
      const hasForm = (source.format === format || isFull8) && source.width === width && source.height === height;
      return hasForm ? asItIs(source, writable) : scaled(source);
    },
    close: () => scaler.freeContext(),
  };
}
