import { NECK, shoulderLine, SHOULDERS, type Head } from './head.ts';
import { clamp, pixelCoverage, sine, smoothstep } from './math.ts';
import type { Raster } from './raster.ts';

/** Lower end of the wedge of skin below the neck, in head coordinates. */
const COLLAR = 2.05;
/** Below this height there is nothing but cloth. */
const CLOTH_ONLY = 2.4;

/** Paints neck, shoulders and body of a person, down to the picture's edge. */
export function paintBody({ data, width, height }: Raster, head: Head): void {
  const { pose, halfHeight, appearance } = head;
  const { halfWidth } = pose;
  const [skinR, skinG, skinB] = appearance.skin;
  const [clothR, clothG, clothB] = appearance.cloth;
  const left = Math.max(0, Math.floor(pose.x - (SHOULDERS + 0.1) * halfWidth));
  const right = Math.min(width, Math.ceil(pose.x + (SHOULDERS + 0.1) * halfWidth));
  const top = Math.max(0, Math.floor(pose.y + NECK.top * halfHeight));
  if (left >= right) return;
  const { xs, falloff, armSeams, shoulders, coverage, neck, cloth } = columnsOf(head, left, right);
  for (let py = top; py < height; py++) {
    const y = (py + 0.5 - pose.y) / halfHeight;
    const light = 0.98 - 0.12 * smoothstep(1.4, 4, y);
    const drift = 0.4 * sine(y * 0.6);
    const row = py * width * 3;
    const arms = y > 2.3;
    // Most of a person is only cloth.
    const [from, to] = y > CLOTH_ONLY ? cloth : [right, right];
    for (let px = from; px < to; px++) {
      const i = px - left;
      const clothLight = light * falloff[i]! * (1 + 0.035 * sine(xs[i]! * 1.7 + drift)) * armSeams[i]!;
      const at = row + px * 3;
      data[at] = Math.min(255, clothR * clothLight + 0.5);
      data[at + 1] = Math.min(255, clothG * clothLight + 0.5);
      data[at + 2] = Math.min(255, clothB * clothLight + 0.5);
    }
    const chin = 1 - 0.38 * (1 - smoothstep(0.9, 1.5, y)); // shadow of the head
    const neckHalf = y < NECK.bottom + 0.4 ? NECK.half + 0.12 * smoothstep(1.2, 1.7, y) : -1;
    const wedgeHalf = y < COLLAR ? (COLLAR - y) * 0.55 : -1;
    const [begin, end] = (y - shoulderLine(0)) * halfHeight + 0.5 < 0 ? neck : [left, right];
    for (let px = begin; px < end; px++) {
      if (px === from) px = to;
      if (px >= end) break;
      const i = px - left;
      const x = xs[i]!;
      const far = x < 0 ? -x : x;
      const shoulder = y > CLOTH_ONLY ? 1 : clamp((y - shoulders[i]!) * halfHeight + 0.5, 0, 1);
      const wedge = pixelCoverage(far - wedgeHalf, 1.5 / halfWidth);
      const body = shoulder * coverage[i]! * (1 - wedge);
      const bare = Math.max(pixelCoverage(far - neckHalf, 1.2 / halfWidth), shoulder * wedge) * (1 - body);
      if (body <= 0 && bare <= 0) continue;
      const at = row + px * 3;
      const clothLight = light * falloff[i]! * (1 + 0.035 * sine(x * 1.7 + drift)) * (arms ? armSeams[i]! : 1) * body;
      const skinLight = chin * (1 - 0.2 * far) * bare;
      const background = 1 - bare - body;
      data[at] = Math.min(255, data[at]! * background + skinR * skinLight + clothR * clothLight + 0.5);
      data[at + 1] = Math.min(255, data[at + 1]! * background + skinG * skinLight + clothG * clothLight + 0.5);
      data[at + 2] = Math.min(255, data[at + 2]! * background + skinB * skinLight + clothB * clothLight + 0.5);
    }
  }
}

/** Values of each column of pixels, starting at `left`, which are the same in every row. */
function columnsOf({ pose: { x: middle, halfWidth } }: Head, left: number, right: number) {
  const column = () => new Float64Array(right - left);
  const columns = {
    /** Half widths of the head from the middle. */
    xs: column(),
    /** Light, falling off to the sides. */
    falloff: column(),
    /** Light at the seams where the arms begin, which are darker. */
    armSeams: column(),
    /** Height of the shoulders. */
    shoulders: column(),
    /** Fraction of the pixel inside the arms. */
    coverage: column(),
    /** Columns that the neck may reach, and columns that are completely inside the arms. */
    neck: [left, right] as [number, number],
    cloth: [right, right] as [number, number],
  };
  for (let px = left; px < right; px++) {
    const i = px - left;
    const x = (px + 0.5 - middle) / halfWidth;
    const far = x < 0 ? -x : x;
    columns.xs[i] = x;
    columns.falloff[i] = 1 - 0.0606 * far * far;
    columns.armSeams[i] = 1 - 0.3 * pixelCoverage((far > 1.62 ? far - 1.62 : 1.62 - far) - 0.03, 2 / halfWidth);
    columns.shoulders[i] = shoulderLine(far < SHOULDERS ? far : SHOULDERS);
    columns.coverage[i] = pixelCoverage(far - SHOULDERS, 1 / halfWidth);
  }
  const columnsWithin = (half: number): [number, number] => {
    const from = Math.min(right, Math.max(left, Math.floor(middle - half * halfWidth)));
    return [from, Math.max(from, Math.min(right, Math.ceil(middle + half * halfWidth)))];
  };
  columns.neck = columnsWithin(NECK.half + 0.12 + 1 / halfWidth);
  // People narrower than this have no column that is completely cloth.
  if (halfWidth > 2) columns.cloth = columnsWithin(SHOULDERS - 2 / halfWidth);
  return columns;
}
