import { checkOptionNames } from '@facedet/checks';
import { FaceDetError, type Box, type Point } from '@facedet/core';
import { checkColor, expectThat, isObject } from './check.ts';
import { cssColor, inkOn } from './color.ts';
import { hideRegion } from './effects.ts';
import { planOverlay, type OverlayItem } from './overlay-plan.ts';
import { regionsOf, type Region } from './region.ts';
import { surfaceOfPixels } from './surface.ts';
import type { AnonymizeOptions, DrawableFace, OverlayOptions, RegionOptions, Rgb } from './types.ts';

/** Pixels as `getImageData` gives them. Only contexts of 8 bits per channel (a `Uint8ClampedArray`) can be read. */
export interface CanvasPixels {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/**
 * The part of a Canvas 2D context that is used: browsers', `OffscreenCanvas`'s and that of `@napi-rs/canvas` all fit.
 */
export interface CanvasContext {
  readonly canvas: { readonly width: number; readonly height: number };
  fillStyle: unknown;
  strokeStyle: unknown;
  globalAlpha: number;
  globalCompositeOperation: string;
  /** Not in all browsers. */
  filter?: string;
  shadowColor: string;
  lineWidth: number;
  lineCap: string;
  font: string;
  textAlign: string;
  textBaseline: string;
  save(): void;
  restore(): void;
  setTransform(a: number, b: number, c: number, d: number, e: number, f: number): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  arc(x: number, y: number, radius: number, from: number, to: number): void;
  ellipse(x: number, y: number, radiusX: number, radiusY: number, rotation: number, from: number, to: number): void;
  rect(x: number, y: number, width: number, height: number): void;
  fill(): void;
  stroke(): void;
  clip(): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  strokeRect(x: number, y: number, width: number, height: number): void;
  fillText(text: string, x: number, y: number): void;
  measureText(text: string): { readonly width: number };
  drawImage(image: unknown, x: number, y: number, width: number, height: number): void;
  getImageData(x: number, y: number, width: number, height: number): CanvasPixels;
  putImageData(pixels: CanvasPixels, x: number, y: number): void;
}

/** How faces on a canvas are masked. */
export interface CanvasAnonymizeOptions extends RegionOptions {
  /** As in `AnonymizeOptions`; `emoji` and `image` are drawn over a blur. */
  readonly effect?: 'blur' | 'pixelate' | 'solid' | 'emoji' | 'image';
  /** For `solid`; default black. */
  readonly color?: Rgb;
  /** For `emoji`; default 🙂. It is as high and wide as the longer side of the enlarged box. */
  readonly emoji?: string;
  /** For `image`: anything that the context's own `drawImage` takes; it is stretched over the enlarged box. */
  readonly image?: object;
}

const EMOJI_FONTS = '"Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif';

/**
 * Draws boxes, labels, landmarks and trails on a canvas, in its current transformation. The context's state is
 * restored, also after an error.
 * @throws FaceDetError `INVALID_ARGUMENT` where faces or options are not usable, and what the options' functions throw;
 * nothing is drawn then.
 */
export function drawCanvas(ctx: CanvasContext, faces: readonly DrawableFace[], options: OverlayOptions = {}): void {
  checkContext(ctx);
  const { line, boxes, items } = planOverlay(faces, options, ctx.canvas.width, ctx.canvas.height);
  withState(ctx, () => {
    ctx.lineCap = 'round';
    ctx.lineWidth = line;
    for (const item of items) drawTrail(ctx, item);
    for (const { face, color, landmarks } of items) {
      const { x, y, width, height } = face.box;
      ctx.strokeStyle = ctx.fillStyle = cssColor(color);
      if (boxes) ctx.strokeRect(x + line / 2, y + line / 2, Math.max(0, width - line), Math.max(0, height - line));
      drawLandmarks(ctx, face, landmarks, line);
    }
    for (const item of items) drawLabel(ctx, item, line);
  });
}

/**
 * Masks faces on a canvas irreversibly. Boxes are in the canvas's own pixels; its transformation, opacity, blending,
 * filter and shadow have no effect. Only a clipping path applies, to `solid` and to what `emoji` and `image` draw over
 * the blur. The context's state is restored, also after an error. All faces are masked before a picture is drawn over
 * any.
 * @throws FaceDetError `INVALID_ARGUMENT` for unusable faces or options, with nothing changed, and `CANVAS_UNREADABLE`
 * where the browser forbids reading the canvas (a picture from another origin): `solid` works there still.
 */
export function anonymizeCanvas(
  ctx: CanvasContext,
  faces: readonly DrawableFace[],
  options: CanvasAnonymizeOptions = {},
): void {
  checkContext(ctx);
  checkCanvasOptions(options);
  const { effect = 'blur', color = [0, 0, 0], emoji = '🙂', image } = options;
  const regions = regionsOf(faces, options);
  withState(ctx, () => {
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.globalAlpha = 1;
    ctx.globalCompositeOperation = 'source-over';
    ctx.shadowColor = 'transparent';
    if (ctx.filter !== undefined) ctx.filter = 'none';
    for (const region of regions) {
      if (effect === 'solid') fillOnCanvas(ctx, region, color);
      else hideOnCanvas(ctx, region, effect === 'pixelate' ? 'pixelate' : 'blur');
    }
    for (const region of regions) {
      if (effect === 'emoji') drawEmoji(ctx, region, emoji);
      if (effect === 'image') drawImage(ctx, region, image!);
    }
  });
}

const NAMES: readonly (keyof CanvasAnonymizeOptions)[] = [
  'effect',
  'color',
  'emoji',
  'image',
  'shape',
  'margin',
  'keepIds',
];
const EFFECTS: readonly unknown[] = ['blur', 'pixelate', 'solid', 'emoji', 'image'];

function checkCanvasOptions(options: CanvasAnonymizeOptions): void {
  checkOptionNames(options, NAMES);
  const { effect = 'blur', color = [0, 0, 0], emoji = '🙂', image } = options;
  expectThat(
    EFFECTS.includes(effect),
    "'blur', 'pixelate', 'solid', 'emoji' or 'image' for effect",
    effect,
    'leave it out for blur',
  );
  checkColor(color, 'color');
  expectThat(
    typeof emoji === 'string' && emoji !== '',
    'a string that is not empty for emoji',
    emoji,
    'leave it out for 🙂',
  );
  if (effect === 'image')
    expectThat(isObject(image), 'something that drawImage takes for image', image, 'load the picture first');
}

function checkContext(ctx: CanvasContext): void {
  const isContext = isObject(ctx) && isObject(ctx.canvas) && typeof ctx.getImageData === 'function';
  expectThat(isContext, 'a 2D context of a canvas', typeof ctx, "canvas.getContext('2d') gives one");
}

/** Runs `work` between `save` and `restore`, also where it throws. */
function withState(ctx: CanvasContext, work: () => void): void {
  ctx.save();
  try {
    work();
  } finally {
    ctx.restore();
  }
}

function fillOnCanvas(ctx: CanvasContext, region: Region, color: Rgb): void {
  trace(ctx, region);
  ctx.fillStyle = cssColor(color);
  ctx.fill();
}

function hideOnCanvas(ctx: CanvasContext, region: Region, effect: AnonymizeOptions['effect'] & string): void {
  const { box, shape } = region;
  const x = Math.max(0, Math.floor(box.x));
  const y = Math.max(0, Math.floor(box.y));
  const width = Math.min(ctx.canvas.width, Math.ceil(box.x + box.width)) - x;
  const height = Math.min(ctx.canvas.height, Math.ceil(box.y + box.height)) - y;
  if (width <= 0 || height <= 0) return;
  const pixels = readPixels(ctx, { x, y, width, height });
  const { data } = pixels;
  if (!(data instanceof Uint8ClampedArray))
    throw new FaceDetError(
      'CANVAS_UNREADABLE',
      'Expected a canvas of 8 bits per channel but received floating-point pixels; ' +
        'make the context without a pixelFormat of float16.',
    );
  const moved: Region = { shape, box: { ...box, x: box.x - x, y: box.y - y } };
  hideRegion(surfaceOfPixels({ data, width, height, format: 'rgba' }), moved, { effect });
  ctx.putImageData(pixels, x, y);
}

function readPixels(ctx: CanvasContext, { x, y, width, height }: Box): CanvasPixels {
  try {
    return ctx.getImageData(x, y, width, height);
  } catch (cause) {
    throw new FaceDetError(
      'CANVAS_UNREADABLE',
      'Expected a canvas whose pixels may be read but received a refusal (it holds a picture of another origin); ' +
        "serve the picture with CORS headers, or use the effect 'solid'.",
      { cause },
    );
  }
}

function trace(ctx: CanvasContext, { box, shape }: Region): void {
  const { x, y, width, height } = box;
  ctx.beginPath();
  if (shape === 'box') ctx.rect(x, y, width, height);
  else ctx.ellipse(x + width / 2, y + height / 2, width / 2, height / 2, 0, 0, 2 * Math.PI);
}

function drawEmoji(ctx: CanvasContext, { box }: Region, emoji: string): void {
  const side = Math.max(box.width, box.height);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  withState(ctx, () => {
    trace(ctx, { shape: 'box', box: { x: x - side / 2, y: y - side / 2, width: side, height: side } });
    ctx.clip();
    ctx.font = `${side}px ${EMOJI_FONTS}`;
    const measured = ctx.measureText(emoji).width; // fonts differ: most emoji are wider than their font's size
    if (measured > 0) ctx.font = `${Math.min(side, (side * side) / measured)}px ${EMOJI_FONTS}`;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    ctx.fillStyle = '#000';
    ctx.fillText(emoji, x, y);
  });
}

function drawImage(ctx: CanvasContext, region: Region, image: object): void {
  const { x, y, width, height } = region.box;
  withState(ctx, () => {
    trace(ctx, region);
    ctx.clip();
    ctx.drawImage(image, x, y, width, height);
  });
}

function drawTrail(ctx: CanvasContext, { trail: points, color }: OverlayItem): void {
  ctx.strokeStyle = cssColor(color);
  for (let i = 1; i < points.length; i++) {
    ctx.globalAlpha = (0.9 * i) / points.length;
    ctx.beginPath();
    ctx.moveTo(points[i - 1]!.x, points[i - 1]!.y);
    ctx.lineTo(points[i]!.x, points[i]!.y);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

function drawLandmarks(ctx: CanvasContext, { box }: DrawableFace, landmarks: readonly Point[], line: number): void {
  const radius = Math.max(0.75, Math.min(line, Math.min(box.width, box.height) / 16));
  for (const { x, y } of landmarks) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function drawLabel(ctx: CanvasContext, { face: { box }, label: text, color }: OverlayItem, line: number): void {
  if (!text) return;
  const size = Math.max(10, line * 6);
  ctx.font = `600 ${size}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  const [width, height] = [ctx.measureText(text).width + size * 0.6, size * 1.35];
  if (width > box.width + box.height || height > box.height) return;
  const left = Math.max(0, Math.min(box.x, ctx.canvas.width - width));
  const [above, below] = [box.y - height, box.y + box.height];
  const top = above >= 0 ? above : below + height <= ctx.canvas.height ? below : Math.max(0, box.y);
  ctx.fillStyle = cssColor(color);
  ctx.fillRect(left, top, width, height);
  ctx.fillStyle = cssColor(inkOn(color));
  ctx.fillText(text, left + size * 0.3, top + height / 2);
}
