import { FaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import { requirePictures } from './containers.ts';
import type { VideoCodec } from './encoder.ts';

/** How pictures are encoded. */
export interface Encoding {
  readonly codec: VideoCodec;
  readonly bitDepth: 8 | 10;
}

/**
 * The codec and bit depth for a container. Default: H.264, or HEVC if 10 bits are requested; VP9 in WebM. Throws
 * `INVALID_ARGUMENT` if container, codec and bit depth can't be combined.
 */
export function chooseEncoding(
  path: string,
  container: string,
  asked: Partial<Encoding> & { toneMap?: 'sdr' },
): Encoding {
  const isWebm = container === 'webm';
  const { bitDepth = 8, codec = isWebm ? 'vp9' : bitDepth === 10 ? 'hevc' : 'h264' } = asked;
  if (bitDepth !== 8 && bitDepth !== 10)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected 8 or 10 for bitDepth but received ${printable(String(bitDepth), 40)}; leave it out for 8.`,
    );
  requirePictures(path, container, codec);
  if (bitDepth === 10 && codec === 'h264')
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected hevc, av1 or vp9 for 10 bits but received h264, whose 10-bit form few players decode; ' +
        'choose another codec or leave it out.',
    );
  if (asked.toneMap !== undefined && asked.toneMap !== 'sdr')
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected 'sdr' for toneMap but received ${printable(String(asked.toneMap), 40)}; leave it out for none.`,
    );
  return { codec, bitDepth };
}
