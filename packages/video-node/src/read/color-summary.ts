import { layoutOf } from '../ffmpeg/pixel-layout.ts';
import type { VideoMetadata } from './metadata.ts';

/** The bit depth and the dynamic range of a video. */
export interface ColorSummary {
  /** Bits per sample; 8 if the pixel format does not state them. */
  readonly bitDepth: number;
  /** `hlg` (ARIB STD-B67) and `pq` (SMPTE ST 2084) are high dynamic range; everything else counts as `sdr`. */
  readonly dynamicRange: 'hlg' | 'pq' | 'sdr';
}

// Code points of ITU-T H.273, which FFmpeg uses.
const TRANSFERS: Record<number, 'hlg' | 'pq'> = { 16: 'pq', 18: 'hlg' };

/** Bit depth and dynamic range of a video. */
export function summarizeColors({ pixelFormat, color }: Pick<VideoMetadata, 'pixelFormat' | 'color'>): ColorSummary {
  // P010 and its relatives store their samples in the high bits of 16.
  const packed = /^p[024](\d\d)le$/.exec(pixelFormat)?.[1];
  const bits = packed ?? /(?:p|gray|gbrp|gbrap)(\d\d)[lb]e$/.exec(pixelFormat)?.[1];
  return {
    bitDepth: bits ? Number(bits) : (layoutOf(pixelFormat)?.bitDepth ?? 8),
    dynamicRange: TRANSFERS[color.transfer] ?? 'sdr',
  };
}
