import type { HdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import type { LeftOut } from './left-out.ts';

/** Reports HDR metadata that is not written, each kind once: `lost` at the start, then that of the pictures. */
export function hdrLosses(leftOut: LeftOut[], lost: HdrMetadata | undefined): (dynamic: readonly string[]) => void {
  const named = new Set<string>();
  const add = (codec: string, reason: string) => {
    if (!named.has(codec)) leftOut.push({ kind: 'hdr', codec, reason });
    named.add(codec);
  };
  const shallow = 'it needs 10-bit output';
  if (lost?.masteringDisplay) add('mastering display', shallow);
  if (lost?.contentLight) add('content light level', shallow);
  return (dynamic) => dynamic.forEach((name) => add(name, 'metadata of single frames is not written'));
}
