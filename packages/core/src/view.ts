import { fitToModel, insetIntoModel, type FixedSides, type Letterbox, type Size } from './letterbox.ts';
import type { DetectionPreset, InputSize, Rotation } from './options.ts';
import type { Pass } from './pass.ts';
import type { AffineMap } from './sample.ts';
import type { Box } from './types.ts';

/** A pass as the network sees it: rotated clockwise by `rotation`, letterboxed, with the map back to the source. */
export interface View extends Letterbox {
  readonly pass: Omit<Pass, 'width' | 'height'>;
  readonly rotation: Rotation;
  /** From positions in the network's input to source pixels. */
  readonly toSource: AffineMap;
}

/** What the letterboxes of a detector have in common. */
export interface InputRules {
  readonly preset: DetectionPreset;
  readonly fixed: FixedSides;
}

/** The view of a pass at a rotation; `size` replaces the pass's own input size. */
export function viewOf(pass: View['pass'], rotation: Rotation, rules: InputRules, size: InputSize = pass.size): View {
  const rotated = rotatedSize(pass.region, rotation);
  const fit = pass.minSide > 0 ? insetIntoModel : fitToModel;
  const box = fit(rotated, rotatedInputSize(size, rotation), rules.preset, rules.fixed);
  return { ...box, pass, rotation, toSource: mapToSource(pass.region, rotation, rotated, box) };
}

/** Whether a rotation is a multiple of 90°, which moves pixels without blending them. */
export function isQuarterTurn(rotation: Rotation): boolean {
  return rotation % 90 === 0;
}

/** Whether a rotation swaps width and height. */
export function swapsSides(rotation: Rotation): boolean {
  return rotation === 90 || rotation === 270;
}

/** An explicit input size rotates with the image, so that a rotated image has the same scale. */
function rotatedInputSize(size: InputSize, rotation: Rotation): InputSize {
  if (!swapsSides(rotation) || typeof size === 'number' || 'pixels' in size) return size;
  return { width: size.height, height: size.width };
}

/** The bounding box of a rotated rectangle; exact for quarter turns. */
function rotatedSize({ width, height }: Size, rotation: Rotation): Size {
  if (swapsSides(rotation)) return { width: height, height: width };
  if (isQuarterTurn(rotation)) return { width, height };
  const side = Math.ceil((width + height) * Math.SQRT1_2);
  return { width: side, height: side };
}

/** Undoes the scale, then the rotation about the center of the rotated image, which is the center of the region. */
function mapToSource(region: Box, rotation: Rotation, rotated: Size, { scaleX, scaleY }: Letterbox): AffineMap {
  const { width, height } = rotated;
  const angle = (rotation * Math.PI) / 180;
  // Exact for quarter turns: the computed cosine of a right angle is not 0.
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
