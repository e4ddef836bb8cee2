import { NECK, shoulderLine, SHOULDERS, type Head } from './head.ts';
import { clamp, cover, sine, smoothstep } from './math.ts';
import type { Raster } from './raster.ts';

const COLLAR = 2.05; // where the wedge of skin below the neck ends
const SOLID = 2.4; // below, nothing but cloth

/** Paints neck, shoulders and body of a person, down to the picture's edge. */
export function paintBody(raster: Raster, head: Head): void {
  const { pose, tall, appearance } = head;
  const { data, width, height } = raster;
  const { size } = pose;
  const [skinR, skinG, skinB] = appearance.skin;
  const [clothR, clothG, clothB] = appearance.cloth;
  const left = Math.max(0, Math.floor(pose.x - (SHOULDERS + 0.1) * size));
  const right = Math.min(width, Math.ceil(pose.x + (SHOULDERS + 0.1) * size));
  const top = Math.max(0, Math.floor(pose.y + NECK.top * tall));
  for (let py = top; py < height; py++) {
    const y = (py + 0.5 - pose.y) / tall;
    const light = 0.98 - 0.12 * smoothstep(1.4, 4, y);
    const chin = 1 - 0.38 * (1 - smoothstep(0.9, 1.5, y)); // the head's shadow
    const neckHalf = y < NECK.bottom + 0.4 ? NECK.half + 0.12 * smoothstep(1.2, 1.7, y) : -1;
    const wedgeHalf = y < COLLAR ? (COLLAR - y) * 0.55 : -1;
    const drift = 0.4 * sine(y * 0.6);
    const arms = y > 2.3 ? 0.3 : 0;
    for (let px = left; px < right; px++) {
      const x = (px + 0.5 - pose.x) / size;
      const far = x < 0 ? -x : x;
      const shoulder = y > SOLID ? 1 : clamp((y - shoulderLine(far < SHOULDERS ? far : SHOULDERS)) * tall + 0.5, 0, 1);
      const wedge = cover(far - wedgeHalf, 1.5 / size);
      const body = shoulder * cover(far - SHOULDERS, 1 / size) * (1 - wedge);
      const bare = Math.max(cover(far - neckHalf, 1.2 / size), shoulder * wedge) * (1 - body);
      if (body <= 0 && bare <= 0) continue;
      const at = (py * width + px) * 3;
      const arm = arms > 0 ? 1 - arms * cover((far > 1.62 ? far - 1.62 : 1.62 - far) - 0.03, 2 / size) : 1;
      const dress = light * (1 - 0.0606 * far * far) * (1 + 0.035 * sine(x * 1.7 + drift)) * arm * body;
      const naked = chin * (1 - 0.2 * far) * bare;
      const under = 1 - bare - body;
      data[at] = Math.min(255, data[at]! * under + skinR * naked + clothR * dress + 0.5);
      data[at + 1] = Math.min(255, data[at + 1]! * under + skinG * naked + clothG * dress + 0.5);
      data[at + 2] = Math.min(255, data[at + 2]! * under + skinB * naked + clothB * dress + 0.5);
    }
  }
}
