import type { Frame as NativeFrame } from 'node-av/lib';
import { colorTagsOf, neutralTags, setColorTags } from '../ffmpeg/colors.ts';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { ColorTags } from '../read/metadata.ts';

/** Options of `createPictureConverter`. */
export interface ConverterOptions {
  /** Even, as is the height. */
  readonly width: number;
  readonly height: number;
  readonly bitDepth: 8 | 10;
  /** Color tags of the output. */
  readonly color: ColorTags;
  /** Whether the source is RGB, which is converted with the output's matrix. */
  readonly rgb: boolean;
}

/** Converts pictures to the encoder's input format: 4:2:0 of one bit depth and size. */
export interface PictureConverter {
  /**
   * Converts a picture, which it frees or returns; `writable` makes the result editable. Samples that already have the
   * format are not changed.
   */
  convert(source: NativeFrame, writable: boolean): Promise<NativeFrame>;
  close(): void;
}

/** Opens a converter, which serves one call at a time. */
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
    // Only the range is converted, and the matrix from RGB to YUV: neither side has tags of primaries or transfer.
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
      // FFmpeg has a separate pixel format for 8-bit full range.
      const isFull8 = bitDepth === 8 && source.format === constants.AV_PIX_FMT_YUVJ420P;
      const hasForm = (source.format === format || isFull8) && source.width === width && source.height === height;
      return hasForm ? asItIs(source, writable) : scaled(source);
    },
    close: () => scaler.freeContext(),
  };
}
