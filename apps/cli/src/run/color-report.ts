import { summarizeColors, type ColorSummary, type VideoMetadata } from '@facedet/video-node';
import type { EncodingFlags } from '../shared/video-options.ts';

const RANGES: Record<ColorSummary['dynamicRange'], string> = { hlg: ' HLG (HDR)', pq: ' PQ (HDR)', sdr: '' };

/** What a film's samples are that its source's are not, one line each; none where they are the same. */
export function colorLines(
  output: string,
  metadata: Pick<VideoMetadata, 'pixelFormat' | 'color'>,
  { bitDepth = 8, toneMap }: Pick<EncodingFlags, 'bitDepth' | 'toneMap'>,
): string[] {
  const { bitDepth: found, dynamicRange } = summarizeColors(metadata);
  const isHdr = dynamicRange !== 'sdr';
  if (isHdr && toneMap) return [];
  const begin = `facedet: ${output}: the source is ${found}-bit${RANGES[dynamicRange]}`;
  const idle = toneMap ? [`facedet: ${output}: the source is SDR, so --tone-map sdr changes nothing`] : [];
  if (found === bitDepth) return idle;
  if (found < bitDepth)
    return [...idle, `${begin}, this film ${bitDepth}-bit: its samples are stored in more bits, unchanged`];
  const keep = bitDepth === 8 ? ' with the same color tags; --bit-depth 10 keeps 10 bits' : '';
  const map = isHdr && bitDepth === 8 ? ', --tone-map sdr makes it SDR' : '';
  return [...idle, `${begin}, this film ${bitDepth}-bit${keep}${map}`];
}
