import type { PixelBuffer } from '@facedet/core';
import type { VideoMetadata } from '../read/metadata.ts';
import type { VideoCodec } from './encoder.ts';

/** Options of `createVideoWriter`. */
export interface VideoWriterOptions {
  /**
   * The source of the frames, whose size, times, colors, audio and subtitles the output gets. For your own frames:
   * their size and nominal frames per second (fps).
   */
  like: VideoMetadata | { readonly width: number; readonly height: number; readonly fps: number };
  /** Default `h264`, or `hevc` with `bitDepth: 10`; `vp9` in `.webm`. */
  codec?: VideoCodec;
  /**
   * Bits per sample of the output. 10 keeps the precision and the mastering metadata of 10-bit sources (HDR), with
   * `hevc`, `av1` and `vp9`; 8-bit sources are stored unchanged in 10 bits. Default 8: deeper sources are rounded
   * (dithered) and keep their color tags.
   */
  bitDepth?: 8 | 10;
  /**
   * `sdr` converts HDR sources (HLG, PQ) to SDR: BT.709 for ordinary screens. Masks and overlays are drawn afterwards.
   * SDR sources are not changed. Default: no conversion, HDR stays HDR.
   */
  toneMap?: 'sdr';
  /** Constant quality, lower is better: h264 0–51 (default 23), hevc 0–51 (25), vp9 0–63 (33), av1 0–63 (35). */
  crf?: number;
  /**
   * The encoder's own speed setting: the preset of x264 (default `veryfast`) and x265 (`superfast`), libvpx's
   * cpu-used (`5`), SVT-AV1's preset (`10`).
   */
  preset?: string;
  /** Threads of the encoder. Default: one per core up to 8, or half of the cores if that is more. */
  threads?: number;
  /** Copy the source's audio. Default true. */
  audio?: boolean;
  /** Copy the source's subtitles. Default true. */
  subtitles?: boolean;
  /** Copy the source's titles, dates, places and names. Cover pictures are never copied. Default true. */
  keepMetadata?: boolean;
  /** Continue the partial file of an interrupted run, if there is one. */
  resume?: boolean;
}

/** Your own frame: pixels, and the time and duration at which they are shown, in seconds. */
export type PixelFrame = PixelBuffer & { readonly timestamp: number; readonly duration?: number };
