import type { Frame as NativeFrame } from 'node-av/lib';
import type { Ffmpeg } from './load.ts';

/** CIE 1931 chromaticity. */
export type Chromaticity = readonly [x: number, y: number];

/** HDR metadata: the display that the pictures were graded on and their own brightness. */
export interface HdrMetadata {
  /** SMPTE ST 2086: the mastering display. */
  readonly masteringDisplay?: {
    readonly red: Chromaticity;
    readonly green: Chromaticity;
    readonly blue: Chromaticity;
    readonly white: Chromaticity;
    /** Candelas per square meter. */
    readonly minLuminance: number;
    readonly maxLuminance: number;
  };
  /** CTA-861.3: MaxCLL, the brightest pixel, and MaxFALL, the brightest frame's mean, in candelas per square meter. */
  readonly contentLight?: { readonly maxCll: number; readonly maxFall: number };
}

// AVMasteringDisplayMetadata: ten fractions of two 32-bit integers (red, green, blue, white: x and y; minimum, maximum
// luminance), then whether chromaticities and luminances are given. AVContentLightMetadata: two 32-bit integers.
const FRACTIONS = 10;
const MASTERING_BYTES = 8 * FRACTIONS + 8;
// The units of HEVC's SEI and of MP4's mdcv: fractions with these denominators hold every value.
const CHROMA_UNIT = 50_000;
const LUMINANCE_UNIT = 10_000;

/**
 * Parses FFmpeg's side data structures; undefined if there is neither. Incomplete or impossible values count as
 * missing.
 */
export function parseHdrMetadata(mastering: Buffer | null, light: Buffer | null): HdrMetadata | undefined {
  const masteringDisplay = mastering ? parseMastering(mastering) : undefined;
  const contentLight = light ? parseLight(light) : undefined;
  if (!masteringDisplay && !contentLight) return undefined;
  return { ...(masteringDisplay && { masteringDisplay }), ...(contentLight && { contentLight }) };
}

/** The HDR metadata of a single picture. */
export function frameHdrMetadata({ constants }: Ffmpeg, frame: NativeFrame): HdrMetadata | undefined {
  return parseHdrMetadata(
    frame.getSideData(constants.AV_FRAME_DATA_MASTERING_DISPLAY_METADATA),
    frame.getSideData(constants.AV_FRAME_DATA_CONTENT_LIGHT_LEVEL),
  );
}

/** Removes the HDR metadata that changes from picture to picture; returns the names of what it removed. */
export function takeDynamicHdr({ constants }: Ffmpeg, frame: NativeFrame): string[] {
  const types = {
    'HDR10+': constants.AV_FRAME_DATA_DYNAMIC_HDR_PLUS,
    'Dolby Vision': constants.AV_FRAME_DATA_DOVI_METADATA,
    'HDR Vivid': constants.AV_FRAME_DATA_DYNAMIC_HDR_VIVID,
  };
  return Object.entries(types).flatMap(([name, type]) => {
    if (!frame.getSideData(type)) return [];
    frame.removeSideData(type);
    return [name];
  });
}

function parseMastering(bytes: Buffer): HdrMetadata['masteringDisplay'] {
  if (bytes.length < MASTERING_BYTES) return undefined;
  const hasBoth = bytes.readInt32LE(8 * FRACTIONS) !== 0 && bytes.readInt32LE(8 * FRACTIONS + 4) !== 0;
  const values = Array.from({ length: FRACTIONS }, (_, i) => bytes.readInt32LE(8 * i) / bytes.readInt32LE(8 * i + 4));
  const [rx, ry, gx, gy, bx, by, wx, wy, minLuminance, maxLuminance] = values as [number, ...number[]] & { length: 10 };
  const isUsable =
    hasBoth &&
    values.slice(0, 8).every((value) => value >= 0 && value <= 1) &&
    minLuminance! >= 0 &&
    maxLuminance! > minLuminance! &&
    maxLuminance! <= 10_000;
  if (!isUsable) return undefined;
  return {
    red: [rx, ry!],
    green: [gx!, gy!],
    blue: [bx!, by!],
    white: [wx!, wy!],
    minLuminance: minLuminance!,
    maxLuminance: maxLuminance!,
  };
}

function parseLight(bytes: Buffer): HdrMetadata['contentLight'] {
  if (bytes.length < 8) return undefined;
  const [maxCll, maxFall] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  return Math.max(maxCll, maxFall) > 0 && Math.max(maxCll, maxFall) <= 65_535 ? { maxCll, maxFall } : undefined;
}

/** FFmpeg's side data structures for a container. */
export function hdrSideData({ constants }: Ffmpeg, { masteringDisplay, contentLight }: HdrMetadata) {
  const entries: { readonly type: number; readonly data: Buffer }[] = [];
  if (masteringDisplay) {
    const data = Buffer.alloc(MASTERING_BYTES);
    const { red, green, blue, white, minLuminance, maxLuminance } = masteringDisplay;
    [...red, ...green, ...blue, ...white].forEach((value, i) => {
      data.writeInt32LE(Math.round(value * CHROMA_UNIT), 8 * i);
      data.writeInt32LE(CHROMA_UNIT, 8 * i + 4);
    });
    [minLuminance, maxLuminance].forEach((value, i) => {
      data.writeInt32LE(Math.round(value * LUMINANCE_UNIT), 64 + 8 * i);
      data.writeInt32LE(LUMINANCE_UNIT, 64 + 8 * i + 4);
    });
    data.writeInt32LE(1, 80);
    data.writeInt32LE(1, 84);
    entries.push({ type: constants.AV_PKT_DATA_MASTERING_DISPLAY_METADATA, data });
  }
  if (contentLight) {
    const data = Buffer.alloc(8);
    data.writeUInt32LE(contentLight.maxCll, 0);
    data.writeUInt32LE(contentLight.maxFall, 4);
    entries.push({ type: constants.AV_PKT_DATA_CONTENT_LIGHT_LEVEL, data });
  }
  return entries;
}

/** Options of x265: chromaticities in units of 0.00002, luminances in 0.0001 cd/m² (ITU-T H.265, D.2.28). */
export function hevcHdrParameters({ masteringDisplay, contentLight }: HdrMetadata): string[] {
  const chroma = (pair: Chromaticity) => pair.map((value) => Math.round(value * CHROMA_UNIT)).join(',');
  const luminance = (value: number) => Math.round(value * LUMINANCE_UNIT);
  return displayParameters('master-display', masteringDisplay, chroma, luminance).concat(
    contentLight ? [`max-cll=${contentLight.maxCll},${contentLight.maxFall}`] : [],
  );
}

/** Options of SVT-AV1: plain numbers. */
export function av1HdrParameters({ masteringDisplay, contentLight }: HdrMetadata): string[] {
  const chroma = (pair: Chromaticity) => pair.map((value) => value.toFixed(5)).join(',');
  const luminance = (value: number) => value.toFixed(4);
  return displayParameters('mastering-display', masteringDisplay, chroma, luminance).concat(
    contentLight ? [`content-light=${contentLight.maxCll},${contentLight.maxFall}`] : [],
  );
}

function displayParameters(
  name: string,
  display: HdrMetadata['masteringDisplay'],
  chroma: (pair: Chromaticity) => string,
  luminance: (value: number) => number | string,
): string[] {
  if (!display) return [];
  const { red, green, blue, white, minLuminance, maxLuminance } = display;
  const points = `G(${chroma(green)})B(${chroma(blue)})R(${chroma(red)})WP(${chroma(white)})`;
  return [`${name}=${points}L(${luminance(maxLuminance)},${luminance(minLuminance)})`];
}
