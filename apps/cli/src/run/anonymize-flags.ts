import type { DetectorFlags } from '../shared/model-option.ts';
import type { EncodingFlags, ErrorFlags, TrackingFlags } from '../shared/video-options.ts';

/** The parsed options of `facedet anonymize`. */
export interface AnonymizeFlags extends DetectorFlags, TrackingFlags, EncodingFlags, ErrorFlags {
  output: string;
  effect?: 'blur' | 'pixelate' | 'solid' | 'image';
  image?: string;
  color?: [number, number, number];
  shape?: 'ellipse' | 'box';
  margin?: number;
  keep?: number[];
  tracks?: string;
  jsonl?: string;
  gallery?: string;
  lookAhead?: number;
  detectEvery?: number | 'auto';
  keepMetadata?: boolean;
  resume?: boolean;
}
