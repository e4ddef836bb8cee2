import type { Color } from './appearance.ts';
import { EYES_Y, HAIR, hairHalfWidth, MOUTH_Y, NOSE_Y, relativeWidthAt, type Head } from './head.ts';
import { clamp, mix, pixelCoverage, sine, smoothstep } from './math.ts';
import type { Raster } from './raster.ts';

/** Paints a person's head: hair, ears, the shaded face and its features, each edge smoothed over a pixel. */
export function paintHead(raster: Raster, head: Head): void {
  const { data, width, height } = raster;
  const { pose, cosRoll, sinRoll, halfHeight } = head;
  const brush: Brush = { r: 0, g: 0, b: 0, light: 1, side: 1, pixel: 1.15 / pose.halfWidth };
  const { side, up, down } = extentOf(head, brush.pixel);
  const [cos, sin] = [Math.abs(cosRoll), Math.abs(sinRoll)];
  const spanX = cos * pose.halfWidth * side + sin * halfHeight * Math.max(up, down);
  const spanUp = cos * halfHeight * up + sin * pose.halfWidth * side;
  const spanDown = cos * halfHeight * down + sin * pose.halfWidth * side;
  const [left, right] = [Math.max(0, Math.floor(pose.x - spanX)), Math.min(width, Math.ceil(pose.x + spanX))];
  const [top, bottom] = [Math.max(0, Math.floor(pose.y - spanUp)), Math.min(height, Math.ceil(pose.y + spanDown))];
  for (let py = top; py < bottom; py++) {
    const dy = py + 0.5 - pose.y;
    for (let px = left; px < right; px++) {
      const dx = px + 0.5 - pose.x;
      const x = (dx * cosRoll + dy * sinRoll) / pose.halfWidth;
      const y = (dy * cosRoll - dx * sinRoll) / halfHeight;
      if (x > side || x < -side || y > down || y < -up) continue;
      const at = (py * width + px) * 3;
      brush.r = data[at]!;
      brush.g = data[at + 1]!;
      brush.b = data[at + 2]!;
      paintPixel(brush, head, x, y);
      data[at] = brush.r + 0.5;
      data[at + 1] = brush.g + 0.5;
      data[at + 2] = brush.b + 0.5;
    }
  }
}

/** How far hair, ears and face reach from the middle, in head coordinates, with the pixel that smooths their edges. */
function extentOf({ appearance, sinYaw }: Head, pixel: number): { side: number; up: number; down: number } {
  const hair = HAIR[appearance.hairStyle];
  const max = 1.32; // for people so small that a pixel is wider than their ears
  return {
    side: Math.min(max, Math.max(hair.side, 1.12 + 0.16 * Math.abs(sinYaw)) + pixel),
    up: Math.min(max, Math.max(hair.up, 1) + pixel),
    down: Math.min(max, Math.max(hair.down, 1) + pixel),
  };
}

/** The color of a pixel while it is painted. */
interface Brush {
  r: number;
  g: number;
  b: number;
  /** Light on the surface of the face at this pixel. */
  light: number;
  /** Half of the face: −1 left of the nose, 1 right of it. */
  side: number;
  /** Width of the pixel in head coordinates. */
  readonly pixel: number;
}

/** Paints hair, ears and face at (x, y) in head coordinates. */
function paintPixel(brush: Brush, head: Head, x: number, y: number): void {
  const { appearance } = head;
  const across = x / relativeWidthAt(appearance, y);
  const radius2 = across * across + y * y;
  const inside = radius2 < 1.2 ? pixelCoverage(Math.sqrt(radius2) - 1, brush.pixel) : 0;
  if (inside < 1) {
    const hair = pixelCoverage((x < 0 ? -x : x) - hairHalfWidth(appearance, y), brush.pixel);
    if (hair > 0) blend(brush, appearance.hair, hairLight(0.8, x, y), hair);
    paintEars(brush, head, x, y);
  }
  if (inside <= 0) return;
  const { r, g, b } = brush;
  paintFace(brush, head, across, y);
  if (inside === 1) return;
  brush.r = mix(r, brush.r, inside);
  brush.g = mix(g, brush.g, inside);
  brush.b = mix(b, brush.b, inside);
}

function blend(brush: Brush, color: Color, light: number, amount: number): void {
  if (amount === 0) return;
  brush.r += (Math.min(255, color[0] * light) - brush.r) * amount;
  brush.g += (Math.min(255, color[1] * light) - brush.g) * amount;
  brush.b += (Math.min(255, color[2] * light) - brush.b) * amount;
}

function shade(brush: Brush, light: number): void {
  if (light === 1) return;
  brush.r = Math.min(255, brush.r * light);
  brush.g = Math.min(255, brush.g * light);
  brush.b = Math.min(255, brush.b * light);
}

/** 1 in the middle of an ellipse with radii `rx` and `ry`, 0 on its border, smooth between. */
function glow(x: number, y: number, rx: number, ry: number): number {
  const d = 1 - (x * x) / (rx * rx) - (y * y) / (ry * ry);
  return d > 0 ? d * d : 0;
}

/** Approximate distance from the border of an ellipse with radii `rx` and `ry`, negative inside. */
function ellipseDistance(x: number, y: number, rx: number, ry: number): number {
  const r = Math.sqrt((x * x) / (rx * rx) + (y * y) / (ry * ry));
  return (r - 1) * (rx < ry ? rx : ry);
}

/** Light on the hair: strands and shine. */
function hairLight(light: number, x: number, y: number): number {
  const strands = sine(x * 3.1 + 0.3 * sine(y * 1.3)) * 0.06 + sine(x * 9 + y * 1.7) * 0.05;
  const shine = 0.22 * glow(x + 0.25, y + 0.8, 0.7, 0.4);
  return light + strands + shine;
}

function paintEars(brush: Brush, { appearance, sinYaw }: Head, x: number, y: number): void {
  if (appearance.hairStyle === 'long' || appearance.hairStyle === 'bob' || y < -0.25 || y > 0.35) return;
  const side = x < 0 ? -1 : 1;
  const out = (x - side * (0.99 - 0.16 * side * sinYaw)) * side;
  const ear = pixelCoverage(ellipseDistance(out, y - 0.04, 0.13, 0.2), brush.pixel);
  if (ear <= 0) return;
  blend(brush, appearance.skin, 0.84, ear);
  shade(brush, 1 - 0.3 * glow(out - 0.01, y - 0.04, 0.09, 0.14));
}

/** Paints the ellipsoid at (x, y): turned back to face coordinates, lit from the upper left. */
function paintFace(brush: Brush, head: Head, x: number, y: number): void {
  const { appearance, cosYaw, sinYaw, cosPitch, sinPitch } = head;
  const radius2 = x * x + y * y;
  const z = Math.sqrt(radius2 < 1 ? 1 - radius2 : 0);
  const fy = y * cosPitch - z * sinPitch;
  const level = y * sinPitch + z * cosPitch;
  const fx = x * cosYaw - level * sinYaw;
  const depth = x * sinYaw + level * cosYaw;

  const lambert = clamp(-0.36 * x - 0.42 * y + 0.83 * z, 0, 1);
  brush.light = 0.6 + 0.46 * lambert;
  brush.r = Math.min(255, appearance.skin[0] * brush.light);
  brush.g = Math.min(255, appearance.skin[1] * brush.light);
  brush.b = Math.min(255, appearance.skin[2] * brush.light);
  if (depth > 0) paintFeatures(brush, head, fx, fy);

  const wave = 0.045 * sine(fx * 2.3 + 0.2) + 0.02 * sine(fx * 11);
  const line = appearance.hairline + appearance.parting * fx * 0.6 + 0.42 * fx * fx + wave;
  const temple = smoothstep(0.86, 0.95, fx < 0 ? -fx : fx) * (1 - smoothstep(0.05, 0.2, fy));
  const hair =
    appearance.hairStyle === 'bald'
      ? 0
      : Math.max(pixelCoverage(fy - line, brush.pixel * 2), temple, depth < 0.05 ? 1 - smoothstep(0.2, 0.5, fy) : 0);
  if (hair > 0) blend(brush, appearance.hair, hairLight(0.72 + 0.34 * lambert, x, y), hair);
}

/** Paints all features at (x, y) in face coordinates. */
function paintFeatures(brush: Brush, head: Head, x: number, y: number): void {
  const { appearance } = head;
  brush.side = x < 0 ? -1 : 1;
  const { light, side } = brush;
  const eyeX = x - side * appearance.eyeSpread;
  if (y < -0.16) shade(brush, 1 + 0.06 * glow(x, y + 0.38, 0.5, 0.22)); // forehead
  if (y > 0.04) {
    shade(brush, 1 + 0.05 * glow(x - side * 0.46, y - 0.22, 0.24, 0.18)); // cheekbones
    blend(brush, appearance.lips, light * 1.2, 0.12 * glow(x - side * 0.5, y - 0.3, 0.3, 0.2)); // cheeks
  }
  if (appearance.beard > 0) paintBeard(brush, head, x, y);
  if (y > -0.45 && y < 0.25) {
    shade(brush, 1 - 0.42 * glow(eyeX, y - EYES_Y + 0.02, 0.27, 0.19)); // sockets
    paintBrow(brush, head, eyeX * side, y);
    paintEye(brush, head, eyeX, y);
  }
  if (y > -0.2 && y < 0.55) paintNose(brush, head, x, y);
  if (y > 0.4) paintMouth(brush, head, x, y);
  if (appearance.glasses && y > -0.3 && y < 0.25) paintGlasses(brush, x, eyeX, y);
}

/** @param out distance from the middle of the eye, positive away from the nose. */
function paintBrow(brush: Brush, { appearance }: Head, out: number, y: number): void {
  const arch = EYES_Y - appearance.browHeight - 0.05 * (1 - (out * out) / 0.05) + 0.05 * out;
  const far = out < 0 ? -out : out;
  if (far > 0.22 + brush.pixel) return;
  const thickness = 0.042 * appearance.browWeight * (1 - 0.9 * smoothstep(0, 0.26, out));
  const amount =
    pixelCoverage((y - arch < 0 ? arch - y : y - arch) - thickness, brush.pixel) *
    pixelCoverage(far - 0.22, brush.pixel * 2);
  if (amount > 0) blend(brush, appearance.hair, 0.75, 0.88 * amount);
}

/** @param x distance from the middle of the eye. */
function paintEye(brush: Brush, { appearance, pose }: Head, x: number, y: number): void {
  const { pixel, light } = brush;
  const open = 1 - pose.blink;
  const [rx, ry] = [0.165 * appearance.eyeSize, 0.082 * appearance.eyeSize * (0.12 + 0.88 * open)];
  const out = x * brush.side;
  const v = y - EYES_Y - 0.06 * out;
  const far = out < 0 ? -out : out;
  // Outside of the lids and the almond, whose edge is one pixel high, and so the wider the flatter it is.
  if (far > rx * (1.08 + pixel / ry) + pixel) return;
  const almond = pixelCoverage(ellipseDistance(x, v, rx, ry * 1.05), pixel);
  if (almond > 0) {
    blend(brush, [238, 234, 230], light * 0.95, almond);
    const iris = pixelCoverage(ellipseDistance(x, v, 0.078, 0.06), pixel);
    blend(brush, appearance.iris, 1, almond * iris);
    blend(brush, [12, 10, 10], 1, almond * pixelCoverage(ellipseDistance(x, v, 0.04, 0.03), pixel));
    const highlight = pixelCoverage(ellipseDistance(x + 0.03, v + 0.02, 0.018, 0.013), pixel);
    blend(brush, [255, 255, 255], 1, almond * 0.9 * highlight);
    shade(brush, 1 - 0.35 * almond * smoothstep(0.2, -1, v / ry)); // shadow of the upper lid
  }
  const lid =
    pixelCoverage(Math.abs(v + ry * (1 - (out * out) / (rx * rx))) - 0.016, pixel) *
    pixelCoverage(far - rx * 1.08, pixel);
  blend(brush, [40, 26, 22], 1, 0.85 * lid);
  const crease =
    pixelCoverage(Math.abs(v - ry * (1 - (out * out) / (rx * rx)) - 0.01) - 0.008, pixel) *
    pixelCoverage(far - rx, pixel);
  shade(brush, 1 - 0.3 * crease);
}

function paintNose(brush: Brush, { appearance, sinYaw }: Head, x: number, y: number): void {
  const width = appearance.noseWidth;
  const lean = x - sinYaw * 0.12 * smoothstep(-0.2, NOSE_Y, y); // the tip protrudes, so it moves more than the face
  const far = lean < 0 ? -lean : lean;
  if (far > 0.25 * width + 0.05 + 2 * brush.pixel) return;
  shade(brush, 1 + 0.1 * glow(lean + 0.01, y - 0.1, 0.06 * width, 0.34)); // bridge
  shade(
    brush,
    1 - 0.16 * glow(lean - 0.11 * width, y - 0.12, 0.08, 0.3) - 0.09 * glow(lean + 0.12 * width, y - 0.12, 0.08, 0.3),
  );
  shade(brush, 1 + 0.14 * glow(lean + 0.015, y - NOSE_Y + 0.02, 0.1 * width, 0.075)); // tip
  shade(brush, 1 - 0.34 * glow(lean, y - NOSE_Y - 0.11, 0.2 * width, 0.06)); // shadow of the tip
  shade(brush, 1 - 0.24 * glow(far - 0.17 * width, y - NOSE_Y - 0.04, 0.045, 0.09)); // wings
  const nostril = ellipseDistance(far - 0.08 * width, y - NOSE_Y - 0.085, 0.042 * width, 0.022);
  blend(brush, [46, 24, 20], 1, 0.75 * pixelCoverage(nostril, brush.pixel));
}

function paintMouth(brush: Brush, { appearance, pose }: Head, x: number, y: number): void {
  const { pixel, light } = brush;
  const width = appearance.mouthWidth;
  const far = x < 0 ? -x : x;
  if (far > 1.02 * width + 0.06 + pixel) return;
  const bend = (x * x) / (width * width);
  const v = y - MOUTH_Y + 0.03 * bend; // corners slightly raised
  const shape = bend < 1 ? 1 - bend : 0;
  const opening = 0.11 * pose.mouth * shape;
  const upper = 0.058 * appearance.lipWeight * shape * (1 - 0.35 * glow(x, 0, 0.07, 1));
  const lower = 0.085 * appearance.lipWeight * shape;
  shade(brush, 1 - 0.2 * glow(x, y - MOUTH_Y - 0.16 - opening, 0.26, 0.06)); // below the lip
  shade(brush, 1 - 0.12 * glow(x, y - MOUTH_Y + 0.13, 0.05, 0.09)); // the groove above
  const lips =
    pixelCoverage(Math.max(-v - upper, v - opening - lower), pixel) *
    pixelCoverage(Math.sqrt(bend) * width - width, pixel);
  blend(brush, appearance.lips, light * (v < 0 ? 0.88 : 1.06), lips * 0.9);
  const gap =
    pixelCoverage(Math.max(-v - 0.014, v - opening - 0.014), pixel) * pixelCoverage(far - width * 1.02, pixel);
  blend(brush, [58, 20, 20], 1, 0.85 * gap);
  if (opening > 0.02) {
    const upperTeeth = pixelCoverage(Math.max(-v + 0.012, v - opening * 0.45), pixel);
    blend(brush, [232, 226, 218], light, 0.85 * upperTeeth * pixelCoverage(far - width * 0.72, pixel));
  }
  shade(brush, 1 - 0.3 * glow(far - width, y - MOUTH_Y + 0.02, 0.06, 0.05)); // corner
}

function paintBeard(brush: Brush, { appearance }: Head, x: number, y: number): void {
  const cheek = smoothstep(0.32, 0.5, y + 0.3 * x * x);
  const mustache = glow(x, y - 0.48, 0.34, 0.12);
  if (cheek <= 0 && mustache <= 0) return;
  const aroundMouth = 1 - 0.9 * smoothstep(0.03, 0.16, glow(x, y - MOUTH_Y, 0.4, 0.15));
  const amount = appearance.beard * Math.max(cheek * aroundMouth, mustache * 0.9) * 0.85;
  blend(brush, appearance.hair, brush.light, amount);
}

/** @param eyeX distance from the middle of the eye. */
function paintGlasses(brush: Brush, x: number, eyeX: number, y: number): void {
  const v = y - EYES_Y - 0.02;
  const r = Math.sqrt((eyeX * eyeX) / 0.068 + (v * v) / 0.031);
  const rim = pixelCoverage(Math.abs(r - 1) * 0.2 - 0.016, brush.pixel);
  const far = x < 0 ? -x : x;
  const bridge = pixelCoverage(Math.abs(v + 0.05) - 0.016, brush.pixel) * pixelCoverage(far - 0.15, brush.pixel);
  const temples = pixelCoverage(Math.abs(v + 0.06) - 0.014, brush.pixel) * (far > 0.66 ? 1 : 0);
  blend(brush, [34, 32, 36], 1, 0.9 * Math.max(rim, bridge, temples));
}
