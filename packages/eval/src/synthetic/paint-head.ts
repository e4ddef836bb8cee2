import type { Color } from './appearance.ts';
import { EYES_Y, HAIR, hairHalfWidth, jawAt, MOUTH_Y, NOSE_Y, type Head } from './head.ts';
import { clamp, cover, mix, sine, smoothstep } from './math.ts';
import type { Raster } from './raster.ts';

/** Paints a person's head: hair, ears, the shaded face and its features, each edge smoothed over a pixel. */
export function paintHead(raster: Raster, head: Head): void {
  const { data, width, height } = raster;
  const { pose, cosRoll, sinRoll, tall, appearance } = head;
  const ink: Ink = { r: 0, g: 0, b: 0, pixel: 1.15 / pose.size };
  const { side, up, down } = reachOf(head, ink.pixel);
  const spanX = Math.abs(cosRoll) * pose.size * side + Math.abs(sinRoll) * tall * Math.max(up, down);
  const spanUp = Math.abs(cosRoll) * tall * up + Math.abs(sinRoll) * pose.size * side;
  const spanDown = Math.abs(cosRoll) * tall * down + Math.abs(sinRoll) * pose.size * side;
  const [left, right] = [Math.max(0, Math.floor(pose.x - spanX)), Math.min(width, Math.ceil(pose.x + spanX))];
  const [top, bottom] = [Math.max(0, Math.floor(pose.y - spanUp)), Math.min(height, Math.ceil(pose.y + spanDown))];
  for (let py = top; py < bottom; py++) {
    const dy = py + 0.5 - pose.y;
    for (let px = left; px < right; px++) {
      const dx = px + 0.5 - pose.x;
      const x = (dx * cosRoll + dy * sinRoll) / pose.size;
      const y = (dy * cosRoll - dx * sinRoll) / tall;
      if (x > side || x < -side || y > down || y < -up) continue;
      const at = (py * width + px) * 3;
      ink.r = data[at]!;
      ink.g = data[at + 1]!;
      ink.b = data[at + 2]!;
      const across = x / jawAt(appearance, y);
      const radius2 = across * across + y * y;
      const inside = radius2 < 1.2 ? cover(Math.sqrt(radius2) - 1, ink.pixel) : 0;
      if (inside < 1) {
        const hair = cover((x < 0 ? -x : x) - hairHalfWidth(appearance, y), ink.pixel);
        if (hair > 0) strands(ink, head, x, y, hair, 0.8);
        ears(ink, head, x, y);
      }
      if (inside > 0) face(ink, head, across, y, radius2, inside);
      data[at] = ink.r + 0.5;
      data[at + 1] = ink.g + 0.5;
      data[at + 2] = ink.b + 0.5;
    }
  }
}

/** How far hair, ears and face reach from the middle, in head coordinates, with the pixel that smooths their edges. */
function reachOf({ appearance, sinYaw }: Head, pixel: number): { side: number; up: number; down: number } {
  const hair = HAIR[appearance.hairStyle];
  const most = 1.32; // of people so small that a pixel is wider than their ears
  return {
    side: Math.min(most, Math.max(hair.wide, 1.12 + 0.16 * Math.abs(sinYaw)) + pixel),
    up: Math.min(most, Math.max(hair.grow, 1) + pixel),
    down: Math.min(most, Math.max(hair.down, 1) + pixel),
  };
}

/** The pixel under the brush, and its width in head coordinates. */
interface Ink {
  r: number;
  g: number;
  b: number;
  readonly pixel: number;
}

function lay(ink: Ink, color: Color, light: number, amount: number): void {
  if (amount === 0) return;
  ink.r += (Math.min(255, color[0] * light) - ink.r) * amount;
  ink.g += (Math.min(255, color[1] * light) - ink.g) * amount;
  ink.b += (Math.min(255, color[2] * light) - ink.b) * amount;
}

function shade(ink: Ink, light: number): void {
  if (light === 1) return;
  ink.r = Math.min(255, ink.r * light);
  ink.g = Math.min(255, ink.g * light);
  ink.b = Math.min(255, ink.b * light);
}

/** 1 in the middle of an ellipse, 0 on its border, smooth between. */
function glow(x: number, y: number, rx: number, ry: number): number {
  const d = 1 - (x * x) / (rx * rx) - (y * y) / (ry * ry);
  return d > 0 ? d * d : 0;
}

/** How much of the pixel lies within an ellipse. */
function disc(ink: Ink, x: number, y: number, rx: number, ry: number): number {
  const r = Math.sqrt((x * x) / (rx * rx) + (y * y) / (ry * ry));
  return cover((r - 1) * (rx < ry ? rx : ry), ink.pixel);
}

function strands(ink: Ink, { appearance }: Head, x: number, y: number, amount: number, light: number): void {
  const wave = sine(x * 3.1 + 0.3 * sine(y * 1.3)) * 0.06 + sine(x * 9 + y * 1.7) * 0.05;
  const shine = 0.22 * glow(x + 0.25, y + 0.8, 0.7, 0.4);
  lay(ink, appearance.hair, light + wave + shine, amount);
}

function ears(ink: Ink, { appearance, sinYaw }: Head, x: number, y: number): void {
  if (appearance.hairStyle === 'long' || appearance.hairStyle === 'bob' || y < -0.25 || y > 0.35) return;
  const side = x < 0 ? -1 : 1;
  const out = (x - side * (0.99 - 0.16 * side * sinYaw)) * side;
  const ear = disc(ink, out, y - 0.04, 0.13, 0.2);
  if (ear <= 0) return;
  lay(ink, appearance.skin, 0.84, ear);
  shade(ink, 1 - 0.3 * glow(out - 0.01, y - 0.04, 0.09, 0.14));
}

/** The face at (x, y) of the ellipsoid: turned back to face coordinates, lit from the upper left, then painted. */
function face(ink: Ink, head: Head, x: number, y: number, radius2: number, inside: number): void {
  const { appearance, cosYaw, sinYaw, cosPitch, sinPitch } = head;
  const z = Math.sqrt(radius2 < 1 ? 1 - radius2 : 0);
  const fy = y * cosPitch - z * sinPitch;
  const level = y * sinPitch + z * cosPitch;
  const fx = x * cosYaw - level * sinYaw;
  const depth = x * sinYaw + level * cosYaw;

  const { r, g, b } = ink;
  const lambert = clamp(-0.36 * x - 0.42 * y + 0.83 * z, 0, 1);
  const light = 0.6 + 0.46 * lambert;
  ink.r = Math.min(255, appearance.skin[0] * light);
  ink.g = Math.min(255, appearance.skin[1] * light);
  ink.b = Math.min(255, appearance.skin[2] * light);
  if (depth > 0) features(ink, head, fx, fy, light);

  const wave = 0.045 * sine(fx * 2.3 + 0.2) + 0.02 * sine(fx * 11);
  const line = appearance.hairline + appearance.parting * fx * 0.6 + 0.42 * fx * fx + wave;
  const temple = smoothstep(0.86, 0.95, fx < 0 ? -fx : fx) * (1 - smoothstep(0.05, 0.2, fy));
  const hair =
    appearance.hairStyle === 'bald'
      ? 0
      : Math.max(cover(fy - line, ink.pixel * 2), temple, depth < 0.05 ? 1 - smoothstep(0.2, 0.5, fy) : 0);
  if (hair > 0) strands(ink, head, x, y, hair, 0.72 + 0.34 * lambert);
  if (inside === 1) return;
  ink.r = mix(r, ink.r, inside);
  ink.g = mix(g, ink.g, inside);
  ink.b = mix(b, ink.b, inside);
}

function features(ink: Ink, head: Head, x: number, y: number, light: number): void {
  const { appearance } = head;
  const side = x < 0 ? -1 : 1;
  const eyeX = x - side * appearance.eyeSpread;
  if (y < -0.16) shade(ink, 1 + 0.06 * glow(x, y + 0.38, 0.5, 0.22)); // forehead
  if (y > 0.04) {
    shade(ink, 1 + 0.05 * glow(x - side * 0.46, y - 0.22, 0.24, 0.18)); // cheekbones
    lay(ink, appearance.lips, light * 1.2, 0.12 * glow(x - side * 0.5, y - 0.3, 0.3, 0.2)); // cheeks
  }
  if (appearance.beard > 0) beard(ink, head, x, y, light);
  if (y > -0.45 && y < 0.25) {
    shade(ink, 1 - 0.42 * glow(eyeX, y - EYES_Y + 0.02, 0.27, 0.19)); // sockets
    brow(ink, head, eyeX * side, y);
    eye(ink, head, eyeX, eyeX * side, y, light);
  }
  if (y > -0.2 && y < 0.55) nose(ink, head, x, y);
  if (y > 0.4) mouth(ink, head, x, y, light);
  if (appearance.glasses && y > -0.3 && y < 0.25) glasses(ink, x, eyeX, y);
}

// `out` runs from the nose outwards.
function brow(ink: Ink, { appearance }: Head, out: number, y: number): void {
  const arch = EYES_Y - appearance.browHeight - 0.05 * (1 - (out * out) / 0.05) + 0.05 * out;
  const far = out < 0 ? -out : out;
  if (far > 0.22 + ink.pixel) return;
  const thick = 0.042 * appearance.browWeight * (1 - 0.9 * smoothstep(0, 0.26, out));
  const amount = cover((y - arch < 0 ? arch - y : y - arch) - thick, ink.pixel) * cover(far - 0.22, ink.pixel * 2);
  if (amount > 0) lay(ink, appearance.hair, 0.75, 0.88 * amount);
}

function eye(ink: Ink, { appearance, pose }: Head, x: number, out: number, y: number, light: number): void {
  const open = 1 - pose.blink;
  const [rx, ry] = [0.165 * appearance.eyeSize, 0.082 * appearance.eyeSize * (0.12 + 0.88 * open)];
  const v = y - EYES_Y - 0.06 * out;
  const far = out < 0 ? -out : out;
  // Beyond the lids and the almond, whose edge is a pixel wide in height, so wider across the flatter it is.
  if (far > rx * (1.08 + ink.pixel / ry) + ink.pixel) return;
  const almond = disc(ink, x, v, rx, ry * 1.05);
  if (almond > 0) {
    lay(ink, [238, 234, 230], light * 0.95, almond);
    const iris = disc(ink, x, v, 0.078, 0.06);
    lay(ink, appearance.iris, 1, almond * iris);
    lay(ink, [12, 10, 10], 1, almond * disc(ink, x, v, 0.04, 0.03));
    lay(ink, [255, 255, 255], 1, almond * 0.9 * disc(ink, x + 0.03, v + 0.02, 0.018, 0.013));
    shade(ink, 1 - 0.35 * almond * smoothstep(0.2, -1, v / ry)); // the upper lid's shadow
  }
  const lid =
    cover(Math.abs(v + ry * (1 - (out * out) / (rx * rx))) - 0.016, ink.pixel) * cover(far - rx * 1.08, ink.pixel);
  lay(ink, [40, 26, 22], 1, 0.85 * lid);
  const crease =
    cover(Math.abs(v - ry * (1 - (out * out) / (rx * rx)) - 0.01) - 0.008, ink.pixel) * cover(far - rx, ink.pixel);
  shade(ink, 1 - 0.3 * crease);
}

function nose(ink: Ink, { appearance, sinYaw }: Head, x: number, y: number): void {
  const wide = appearance.noseWidth;
  const lean = x - sinYaw * 0.12 * smoothstep(-0.2, NOSE_Y, y); // the tip stands out, so it moves more than the face
  const far = lean < 0 ? -lean : lean;
  if (far > 0.25 * wide + 0.05 + 2 * ink.pixel) return;
  shade(ink, 1 + 0.1 * glow(lean + 0.01, y - 0.1, 0.06 * wide, 0.34)); // bridge
  shade(
    ink,
    1 - 0.16 * glow(lean - 0.11 * wide, y - 0.12, 0.08, 0.3) - 0.09 * glow(lean + 0.12 * wide, y - 0.12, 0.08, 0.3),
  );
  shade(ink, 1 + 0.14 * glow(lean + 0.015, y - NOSE_Y + 0.02, 0.1 * wide, 0.075)); // tip
  shade(ink, 1 - 0.34 * glow(lean, y - NOSE_Y - 0.11, 0.2 * wide, 0.06)); // its shadow
  shade(ink, 1 - 0.24 * glow(far - 0.17 * wide, y - NOSE_Y - 0.04, 0.045, 0.09)); // wings
  lay(ink, [46, 24, 20], 1, 0.75 * disc(ink, far - 0.08 * wide, y - NOSE_Y - 0.085, 0.042 * wide, 0.022));
}

function mouth(ink: Ink, { appearance, pose }: Head, x: number, y: number, light: number): void {
  const wide = appearance.mouthWidth;
  const far = x < 0 ? -x : x;
  if (far > 1.02 * wide + 0.06 + ink.pixel) return;
  const bend = (x * x) / (wide * wide);
  const v = y - MOUTH_Y + 0.03 * bend; // corners a little up
  const shape = bend < 1 ? 1 - bend : 0;
  const gape = 0.11 * pose.mouth * shape;
  const upper = 0.058 * appearance.lipWeight * shape * (1 - 0.35 * glow(x, 0, 0.07, 1));
  const lower = 0.085 * appearance.lipWeight * shape;
  shade(ink, 1 - 0.2 * glow(x, y - MOUTH_Y - 0.16 - gape, 0.26, 0.06)); // under the lip
  shade(ink, 1 - 0.12 * glow(x, y - MOUTH_Y + 0.13, 0.05, 0.09)); // the groove above
  const lips =
    cover(Math.max(-v - upper, v - gape - lower), ink.pixel) * cover(Math.sqrt(bend) * wide - wide, ink.pixel);
  lay(ink, appearance.lips, light * (v < 0 ? 0.88 : 1.06), lips * 0.9);
  const gap = cover(Math.max(-v - 0.014, v - gape - 0.014), ink.pixel) * cover(far - wide * 1.02, ink.pixel);
  lay(ink, [58, 20, 20], 1, 0.85 * gap);
  if (gape > 0.02)
    lay(
      ink,
      [232, 226, 218],
      light,
      0.85 * cover(Math.max(-v + 0.012, v - gape * 0.45), ink.pixel) * cover(far - wide * 0.72, ink.pixel),
    );
  const corner = far - wide;
  shade(ink, 1 - 0.3 * glow(corner, y - MOUTH_Y + 0.02, 0.06, 0.05));
}

function beard(ink: Ink, { appearance }: Head, x: number, y: number, light: number): void {
  const cheek = smoothstep(0.32, 0.5, y + 0.3 * x * x);
  const moustache = glow(x, y - 0.48, 0.34, 0.12);
  if (cheek <= 0 && moustache <= 0) return;
  const bare = 1 - 0.9 * smoothstep(0.03, 0.16, glow(x, y - MOUTH_Y, 0.4, 0.15));
  lay(ink, appearance.hair, light, appearance.beard * Math.max(cheek * bare, moustache * 0.9) * 0.85);
}

function glasses(ink: Ink, x: number, eyeX: number, y: number): void {
  const v = y - EYES_Y - 0.02;
  const r = Math.sqrt((eyeX * eyeX) / 0.068 + (v * v) / 0.031);
  const rim = cover(Math.abs(r - 1) * 0.2 - 0.016, ink.pixel);
  const far = x < 0 ? -x : x;
  const bridge = cover(Math.abs(v + 0.05) - 0.016, ink.pixel) * cover(far - 0.15, ink.pixel);
  const arms = cover(Math.abs(v + 0.06) - 0.014, ink.pixel) * (far > 0.66 ? 1 : 0);
  lay(ink, [34, 32, 36], 1, 0.9 * Math.max(rim, bridge, arms));
}
