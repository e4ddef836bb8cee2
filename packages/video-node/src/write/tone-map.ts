import { FaceDetError } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';
import { setColorTags } from '../ffmpeg/colors.ts';
import { check } from '../ffmpeg/errors.ts';
import { openGraph, type OpenGraph } from '../ffmpeg/filter-graph.ts';
import type { HdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { summarizeColors } from '../read/color-summary.ts';
import type { ColorTags, VideoMetadata } from '../read/metadata.ts';

/** Converts HDR pictures to SDR. */
export interface ToneMapper {
  /** Color tags of its pictures: BT.709, limited range. */
  readonly color: ColorTags;
  /** Maps a 4:2:0 picture, which it frees. The result is writable. */
  map(frame: NativeFrame): Promise<NativeFrame>;
  close(): void;
}

/** HDR reference white in cd/m² (ITU-R BT.2408), which becomes linear light 1 in SDR. */
const REFERENCE_WHITE = 203;
/** Peak of an HLG display (BT.2100), and of PQ pictures that state none, in cd/m². */
const USUAL_PEAK = 1000;
/** Linear light below this is unchanged: skin and shadows. Above, a Möbius curve compresses up to the peak. */
const LINEAR_UP_TO = 0.3;

// FFmpeg's numbers (code points of ITU-T H.273) and zimg's names. Values that HDR does not use count as BT.2020.
const MATRICES: Record<number, string> = { 1: '709', 5: '470bg', 6: '170m', 9: '2020_ncl', 10: '2020_cl', 14: 'ictcp' };
const PRIMARIES: Record<number, string> = { 1: '709', 9: '2020', 11: 'smpte431', 12: 'smpte432' };
const TRANSFERS = { hlg: 'arib-std-b67', pq: 'smpte2084' } as const;
const FULL_RANGE = 2;

/** Whether a video is HDR: its transfer function is HLG or PQ. */
export function isHdr(metadata: Pick<VideoMetadata, 'color' | 'pixelFormat'>): boolean {
  return summarizeColors(metadata).dynamicRange !== 'sdr';
}

/**
 * The filter chain: samples → display light in cd/m² over reference white (ARIB STD-B67 or SMPTE ST 2084 EOTF; HLG with
 * its OOTF for a peak of 1,000 cd/m²) → BT.709 primaries → Möbius curve on the maximum of R, G, B, which keeps hues →
 * BT.1886 (gamma 2.4) samples.
 */
export function toneMapFilters(color: ColorTags, hdr: HdrMetadata | undefined, bitDepth: 8 | 10): string[] {
  const { dynamicRange } = summarizeColors({ pixelFormat: '', color });
  const transfer = TRANSFERS[dynamicRange === 'pq' ? 'pq' : 'hlg'];
  const from = [
    `tin=${transfer}`,
    `min=${MATRICES[color.space] ?? '2020_ncl'}`,
    `pin=${PRIMARIES[color.primaries] ?? '2020'}`,
    `rin=${color.range === FULL_RANGE ? 'full' : 'limited'}`,
  ];
  return [
    `zscale=${from.join(':')}:t=linear:m=gbr:r=full:npl=${REFERENCE_WHITE}:agamma=false`,
    'format=gbrpf32le',
    'zscale=p=709',
    `tonemap=mobius:param=${LINEAR_UP_TO}:desat=0:peak=${(peakOf(dynamicRange, hdr) / REFERENCE_WHITE).toFixed(4)}`,
    'zscale=t=709:m=709:r=limited',
    `format=${bitDepth === 10 ? 'yuv420p10le' : 'yuv420p'}`,
    // Light above the stated peak is clipped to white.
    bitDepth === 10 ? 'limiter=min=64:max=940:planes=1' : 'limiter=min=16:max=235:planes=1',
  ];
}

/** The brightest light of the pictures, in cd/m². */
function peakOf(dynamicRange: 'hlg' | 'pq' | 'sdr', hdr: HdrMetadata | undefined): number {
  if (dynamicRange !== 'pq') return USUAL_PEAK;
  const said = hdr?.contentLight?.maxCll || hdr?.masteringDisplay?.maxLuminance || USUAL_PEAK;
  return Math.min(10_000, Math.max(1.5 * REFERENCE_WHITE, said));
}

/** Opens a tone mapper for pictures with the color tags of an HDR source. It serves one call at a time. */
export function createToneMapper(
  ffmpeg: Ffmpeg,
  options: {
    readonly color: ColorTags;
    readonly hdr: HdrMetadata | undefined;
    readonly bitDepth: 8 | 10;
    readonly threads: number;
  },
): ToneMapper {
  const { constants, Filter } = ffmpeg;
  const message = "Expected an HDR picture that FFmpeg's filters can tone-map but they rejected it";
  const missing = ['zscale', 'tonemap', 'limiter'].find((name) => !Filter.getByName(name));
  if (missing)
    throw new FaceDetError(
      'DEPENDENCY_BROKEN',
      `Expected the filter ${missing} in the package node-av, for tone mapping, but found none; leave out toneMap.`,
    );
  let opened: OpenGraph | undefined;
  const color: ColorTags = {
    range: constants.AVCOL_RANGE_MPEG,
    space: constants.AVCOL_SPC_BT709,
    primaries: constants.AVCOL_PRI_BT709,
    transfer: constants.AVCOL_TRC_BT709,
    chromaLocation: options.color.chromaLocation,
  };

  async function throughGraph(frame: NativeFrame): Promise<NativeFrame> {
    setColorTags(frame, options.color);
    opened ??= await openGraph(ffmpeg, frame, toneMapFilters(options.color, options.hdr, options.bitDepth), {
      timeBase: { num: 1, den: 1000 },
      tags: options.color,
      threads: options.threads,
      message,
    });
    check(ffmpeg, await opened.source.buffersrcAddFrame(frame), 'ENCODING_FAILED', message);
    const mapped = new ffmpeg.Frame();
    mapped.alloc();
    try {
      check(ffmpeg, await opened.sink.buffersinkGetFrame(mapped), 'ENCODING_FAILED', message);
      check(ffmpeg, mapped.makeWritable(), 'OUT_OF_MEMORY', "A picture can't be copied");
      setColorTags(mapped, color);
      return mapped;
    } catch (error) {
      mapped.free();
      throw error;
    }
  }

  return {
    color,
    async map(frame) {
      try {
        return await throughGraph(frame);
      } finally {
        frame.free();
      }
    },
    close() {
      opened?.graph.free();
      opened = undefined;
    },
  };
}
