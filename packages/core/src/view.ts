import { insetLetterbox, letterbox, type FixedSides, type Letterbox } from './geometry.ts';
import type { Pass } from './plan.ts';
import type { CanvasSize, Preset, Rotation } from './settings.ts';

/**
 * The way from a canvas back to the source: x = xx · X + xy · Y + x0 and y = yx · X + yy · Y + y0 for a canvas position
 * X, Y.
 */
export interface CanvasMap {
  readonly xx: number;
  readonly xy: number;
  readonly x0: number;
  readonly yx: number;
  readonly yy: number;
  readonly y0: number;
}

/** A pass as the model sees it: turned clockwise by `rotation`, on its canvas, with the way back to the source. */
export interface View extends Letterbox {
  readonly pass: Pass;
  readonly rotation: Rotation;
  readonly map: CanvasMap;
}

/** The view of a pass at a rotation; `size` replaces the pass's own canvas size. */
export function viewOf(
  pass: Pass,
  rotation: Rotation,
  preset: Preset,
  fixed: FixedSides,
  size: CanvasSize = pass.size,
): View {
  const { width, height } = pass.region;
  const swapped = rotation === 90 || rotation === 270;
  // An explicit canvas turns with the picture, so that a turned picture is shown at the same scale.
  const turned = swapped && Array.isArray(size) ? ([size[1], size[0]] as const) : (size as CanvasSize);
  const [w, h] = turnedSize(width, height, rotation);
  const box = (pass.minSide > 0 ? insetLetterbox : letterbox)(w, h, turned, preset, fixed);
  return { ...box, pass, rotation, map: mapOf(pass, rotation, w, h, box) };
}

/** Whether a rotation is a quarter turn, which moves pixels and blends none. */
export function isQuarterTurn(rotation: Rotation): boolean {
  return rotation % 90 === 0;
}

/** Size of the box around a turned rectangle, in whole pixels where the turn is a quarter. */
function turnedSize(width: number, height: number, rotation: Rotation): [number, number] {
  if (rotation === 0 || rotation === 180) return [width, height];
  if (rotation === 90 || rotation === 270) return [height, width];
  const side = Math.ceil((width + height) * Math.SQRT1_2);
  return [side, side];
}

/** Undoes the scale, then the rotation about the centre: of the turned picture, and of the region. */
function mapOf(
  { region }: Pass,
  rotation: Rotation,
  width: number,
  height: number,
  { scaleX, scaleY }: Letterbox,
): CanvasMap {
  const angle = (rotation * Math.PI) / 180;
  // Exact for quarter turns: the cosine of a right angle is no exact zero.
  const cos = isQuarterTurn(rotation) ? Math.round(Math.cos(angle)) : Math.cos(angle);
  const sin = isQuarterTurn(rotation) ? Math.round(Math.sin(angle)) : Math.sin(angle);
  return {
    xx: cos / scaleX,
    xy: sin / scaleY,
    x0: region.x + region.width / 2 - (cos * width + sin * height) / 2,
    yx: -sin / scaleX,
    yy: cos / scaleY,
    y0: region.y + region.height / 2 - (cos * height - sin * width) / 2,
  };
}
