import { NECK, shoulderLine, SHOULDERS, type Head } from './head.ts';
import { clamp, cover, sine, smoothstep } from './math.ts';
import type { Raster } from './raster.ts';

/** Paints neck, shoulders and body of a person, down to the picture's edge. */
export function paintBody(raster: Raster, head: Head): void {
  const { pose, tall, appearance } = head;
  const { data, width, height } = raster;
  const { size } = pose;
  const [skin, cloth] = [appearance.skin, appearance.cloth];
  const left = Math.max(0, Math.floor(pose.x - (SHOULDERS + 0.1) * size));
  const right = Math.min(width, Math.ceil(pose.x + (SHOULDERS + 0.1) * size));
  const top = Math.max(0, Math.floor(pose.y + NECK.top * tall));
  for (let py = top; py < height; py++) {
    const y = (py + 0.5 - pose.y) / tall;
    const light = 0.98 - 0.12 * smoothstep(1.4, 4, y);
    const chin = 1 - 0.38 * (1 - smoothstep(0.9, 1.5, y)); // the head's shadow
    for (let px = left; px < right; px++) {
      const x = (px + 0.5 - pose.x) / size;
      const far = x < 0 ? -x : x;
      const line = shoulderLine(Math.min(far, SHOULDERS));
      let body = clamp((y - line) * tall + 0.5, 0, 1) * cover(far - SHOULDERS, 1 / size);
      const neck = y < NECK.bottom + 0.4 ? cover(far - NECK.half - 0.12 * smoothstep(1.2, 1.7, y), 1.2 / size) : 0;
      if (body <= 0 && neck <= 0) continue;
      // The collar leaves a wedge of skin open.
      const wedge = y < 2.05 ? cover(far - (2.05 - y) * 0.55, 1.5 / size) : 0;
      body *= 1 - wedge;
      const at = (py * width + px) * 3;
      const round = 1 - 0.28 * (far / SHOULDERS) * (far / SHOULDERS);
      const fold = 1 + 0.035 * sine(x * 1.7 + 0.4 * sine(y * 0.6 + x * 0.5));
      const arm = y > 2.3 ? 1 - 0.3 * cover(Math.abs(far - 1.62) - 0.03, 2 / size) : 1;
      const dress = light * round * fold * arm;
      const naked = chin * (1 - 0.2 * far);
      const bare = Math.max(neck, y > line ? wedge : 0) * (1 - body);
      for (let c = 0; c < 3; c++) {
        const under = data[at + c]! * (1 - bare - body) + skin[c]! * naked * bare + cloth[c]! * dress * body;
        data[at + c] = Math.min(255, under + 0.5);
      }
    }
  }
}
