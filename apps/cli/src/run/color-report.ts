import { summarizeColors, type ColorSummary, type VideoMetadata } from '@facedet/video-node';
import type { EncodingFlags } from '../shared/video-options.ts';

const RANGES: Record<ColorSummary['dynamicRange'], string> = { hlg: ' HLG (HDR)', pq: ' PQ (HDR)', sdr: '' };

/** One line for a film whose samples have other bits than its source's; none where they have the same. */
export function colorLines(
  output: string,
  metadata: Pick<VideoMetadata, 'pixelFormat' | 'color'>,
  { bitDepth = 8 }: Pick<EncodingFlags, 'bitDepth'>,
): string[] {
  const { bitDepth: found, dynamicRange } = summarizeColors(metadata);
  if (found === bitDepth) return [];
  const begin = `facedet: ${output}: the source is ${found}-bit${RANGES[dynamicRange]}, this film ${bitDepth}-bit`;
  if (found < bitDepth) return [`${begin}: its samples are stored in more bits, unchanged`];
  return [bitDepth === 8 ? `${begin} with the same color tags; --bit-depth 10 keeps 10 bits` : begin];
}
