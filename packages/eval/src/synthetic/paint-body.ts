import { NECK, shoulderLine, SHOULDERS, type Head } from './head.ts';
import { clamp, cover, sine, smoothstep } from './math.ts';
import type { Raster } from './raster.ts';

const COLLAR = 2.05; // where the wedge of skin below the neck ends
const SOLID = 2.4; // below, nothing but cloth

/** Paints neck, shoulders and body of a person, down to the picture's edge. */
export function paintBody({ data, width, height }: Raster, head: Head): void {
  const { pose, tall, appearance } = head;
  const { size } = pose;
  const [skinR, skinG, skinB] = appearance.skin;
  const [clothR, clothG, clothB] = appearance.cloth;
  const left = Math.max(0, Math.floor(pose.x - (SHOULDERS + 0.1) * size));
  const right = Math.min(width, Math.ceil(pose.x + (SHOULDERS + 0.1) * size));
  const top = Math.max(0, Math.floor(pose.y + NECK.top * tall));
  if (left >= right) return;
  const { xs, falls, seams, shoulders, edges, neck, cloth } = columnsOf(head, left, right);
  for (let py = top; py < height; py++) {
    const y = (py + 0.5 - pose.y) / tall;
    const light = 0.98 - 0.12 * smoothstep(1.4, 4, y);
    const drift = 0.4 * sine(y * 0.6);
    const row = py * width * 3;
    const arms = y > 2.3;
    // Most of a person is cloth and nothing else.
    const [from, to] = y > SOLID ? cloth : [right, right];
    for (let px = from; px < to; px++) {
      const i = px - left;
      const dress = light * falls[i]! * (1 + 0.035 * sine(xs[i]! * 1.7 + drift)) * seams[i]!;
      const at = row + px * 3;
      data[at] = Math.min(255, clothR * dress + 0.5);
      data[at + 1] = Math.min(255, clothG * dress + 0.5);
      data[at + 2] = Math.min(255, clothB * dress + 0.5);
    }
    const chin = 1 - 0.38 * (1 - smoothstep(0.9, 1.5, y)); // the head's shadow
    const neckHalf = y < NECK.bottom + 0.4 ? NECK.half + 0.12 * smoothstep(1.2, 1.7, y) : -1;
    const wedgeHalf = y < COLLAR ? (COLLAR - y) * 0.55 : -1;
    const [begin, end] = (y - shoulderLine(0)) * tall + 0.5 < 0 ? neck : [left, right];
    for (let px = begin; px < end; px++) {
      if (px === from) px = to;
      if (px >= end) break;
      const i = px - left;
      const x = xs[i]!;
      const far = x < 0 ? -x : x;
      const shoulder = y > SOLID ? 1 : clamp((y - shoulders[i]!) * tall + 0.5, 0, 1);
      const wedge = cover(far - wedgeHalf, 1.5 / size);
      const body = shoulder * edges[i]! * (1 - wedge);
      const bare = Math.max(cover(far - neckHalf, 1.2 / size), shoulder * wedge) * (1 - body);
      if (body <= 0 && bare <= 0) continue;
      const at = row + px * 3;
      const dress = light * falls[i]! * (1 + 0.035 * sine(x * 1.7 + drift)) * (arms ? seams[i]! : 1) * body;
      const naked = chin * (1 - 0.2 * far) * bare;
      const under = 1 - bare - body;
      data[at] = Math.min(255, data[at]! * under + skinR * naked + clothR * dress + 0.5);
      data[at + 1] = Math.min(255, data[at + 1]! * under + skinG * naked + clothG * dress + 0.5);
      data[at + 2] = Math.min(255, data[at + 2]! * under + skinB * naked + clothB * dress + 0.5);
    }
  }
}

/** What is the same in every row, for each column of pixels from `left` on. */
function columnsOf({ pose: { x: middle, size } }: Head, left: number, right: number) {
  const column = () => new Float64Array(right - left);
  const columns = {
    /** Half heads from the middle. */
    xs: column(),
    /** Light, falling off to the sides. */
    falls: column(),
    /** The same where the arms begin: their seams are darker. */
    seams: column(),
    /** Height of the shoulders' line. */
    shoulders: column(),
    /** How much of the pixel lies within the arms. */
    edges: column(),
    /** Pixels that the neck may reach, and those that are wholly within the arms. */
    neck: [left, right] as [number, number],
    cloth: [right, right] as [number, number],
  };
  for (let px = left; px < right; px++) {
    const i = px - left;
    const x = (px + 0.5 - middle) / size;
    const far = x < 0 ? -x : x;
    columns.xs[i] = x;
    columns.falls[i] = 1 - 0.0606 * far * far;
    columns.seams[i] = 1 - 0.3 * cover((far > 1.62 ? far - 1.62 : 1.62 - far) - 0.03, 2 / size);
    columns.shoulders[i] = shoulderLine(far < SHOULDERS ? far : SHOULDERS);
    columns.edges[i] = cover(far - SHOULDERS, 1 / size);
  }
  const within = (half: number): [number, number] => {
    const from = Math.min(right, Math.max(left, Math.floor(middle - half * size)));
    return [from, Math.max(from, Math.min(right, Math.ceil(middle + half * size)))];
  };
  columns.neck = within(NECK.half + 0.12 + 1 / size);
  // A column of people smaller than two pixels is never wholly one thing.
  if (size > 2) columns.cloth = within(SHOULDERS - 2 / size);
  return columns;
}
