import { layoutOf } from '../ffmpeg/pixel-layout.ts';
import type { VideoMetadata } from './metadata.ts';

/** What the samples of a video can show. */
export interface ColorSummary {
  /** Bits of a sample; 8 where the pixel format does not say. */
  readonly bitDepth: number;
  /** `hlg` (ARIB STD-B67) and `pq` (SMPTE ST 2084) are high dynamic range; all else counts as `sdr`. */
  readonly dynamicRange: 'hlg' | 'pq' | 'sdr';
}

// FFmpeg's numbers, those of ITU-T H.273.
const TRANSFERS: Record<number, 'hlg' | 'pq'> = { 16: 'pq', 18: 'hlg' };

/** Bits and dynamic range of a video's samples. */
export function summarizeColors({ pixelFormat, color }: Pick<VideoMetadata, 'pixelFormat' | 'color'>): ColorSummary {
  // P010 and its relatives keep their bits high in 16.
  const packed = /^p[024](\d\d)le$/.exec(pixelFormat)?.[1];
  const bits = packed ?? /(?:p|gray|gbrp|gbrap)(\d\d)[lb]e$/.exec(pixelFormat)?.[1];
  return {
    bitDepth: bits ? Number(bits) : (layoutOf(pixelFormat)?.bitDepth ?? 8),
    dynamicRange: TRANSFERS[color.transfer] ?? 'sdr',
  };
}
