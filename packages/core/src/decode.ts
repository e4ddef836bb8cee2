import { FaceDetError } from '@facedet/checks';
import type { Candidates } from './candidates.ts';
import type { Level } from './output-layout.ts';
import type { View } from './view.ts';

/** How far a score may be outside [0, 1]: some engines compute the sigmoid by approximation. */
const SCORE_TOLERANCE = 1e-3;
/** A box that ends this close to a cut edge of its tile, in input pixels, is taken for cut. */
const CUT_MARGIN = 2;

/** Which anchors become candidates, and where they go. */
export interface DecodeTarget {
  readonly scoreThreshold: number;
  /** `paper`: only scores above the threshold, boxes clipped to the scaled image. */
  readonly paper: boolean;
  readonly candidates: Candidates;
}

/** What is the same for all anchors of an image. */
interface ImageContext extends DecodeTarget {
  /** The image's place in the batch. */
  readonly image: number;
  readonly view: View;
  readonly limits: Limits;
}

/**
 * Decodes one image of a batch: appends its faces to the target's candidates, in source pixels. An anchor's center is
 * cell × stride; its four distances (left, top, right, bottom) and its points are in strides (SCRFD, `get_bboxes`;
 * RetinaFace for the points). Throws `MODEL_OUTPUT_NOT_FINITE` if a score or a number of an accepted face is NaN or
 * infinite, and `MODEL_OUTPUTS_UNSUPPORTED` if scores are not probabilities.
 */
export function decode(levels: readonly Level[], image: number, view: View, target: DecodeTarget): void {
  const context: ImageContext = { ...target, image, view, limits: limitsOf(view) };
  for (const level of levels) decodeLevel(level, context);
}

function decodeLevel(level: Level, context: ImageContext): void {
  const { stride, columns, rows, anchors, scores, landmarks } = level;
  const { scoreThreshold, paper, image, candidates } = context;
  const { data, cellStep, anchorStep } = scores;
  const start = image * scores.batchStep;
  const cells = columns * rows;
  if (landmarks) candidates.hasLandmarks = true;
  for (let cell = 0; cell < cells; cell++) {
    let at = start + cell * cellStep;
    for (let anchor = 0; anchor < anchors; anchor++, at += anchorStep) {
      const score = data[at]!;
      if (score < scoreThreshold || (paper && score === scoreThreshold)) {
        if (score < -SCORE_TOLERANCE) throw notProbability(score, stride);
        continue;
      }
      // NaN is not below the threshold, so it is not dropped silently.
      if (!Number.isFinite(score)) throw notFinite('score', score, stride);
      if (score > 1 + SCORE_TOLERANCE) throw notProbability(score, stride);
      const index = decodeBox(level, cell, anchor, context);
      if (index < 0) continue;
      candidates.score[index] = Math.min(score, 1);
      if (landmarks) decodeLandmarks(level, cell, anchor, context);
    }
  }
}

/** Adds a candidate with the anchor's box; returns its index, or -1 if the box is rejected. */
function decodeBox(level: Level, cell: number, anchor: number, context: ImageContext): number {
  const { stride, columns, boxes } = level;
  const { image, view, limits, candidates } = context;
  const centerX = (cell % columns) * stride;
  const centerY = Math.floor(cell / columns) * stride;
  const at = image * boxes.batchStep + cell * boxes.cellStep + anchor * boxes.anchorStep;
  const step = boxes.channelStep;
  let left = centerX - boxes.data[at]! * stride;
  let top = centerY - boxes.data[at + step]! * stride;
  let right = centerX + boxes.data[at + 2 * step]! * stride;
  let bottom = centerY + boxes.data[at + 3 * step]! * stride;
  if (!Number.isFinite(left + top + right + bottom)) throw notFinite('box', left + top + right + bottom, stride);
  if (context.paper) {
    left = Math.min(Math.max(left, 0), view.width);
    top = Math.min(Math.max(top, 0), view.height);
    right = Math.min(Math.max(right, 0), view.width);
    bottom = Math.min(Math.max(bottom, 0), view.height);
  }
  // Distances may be negative: a network may return a box whose right edge is left of its left one. It is not a face.
  if (right < left || bottom < top || Math.max(right - left, bottom - top) < view.pass.minSide) return -1;

  // The bounding box of the ellipse that fills the box, mapped to the source: exact for quarter turns, and about the
  // face's own size for the diagonals.
  const { xx, xy, x0, yx, yy, y0 } = view.toSource;
  const x = (left + right) / 2;
  const y = (top + bottom) / 2;
  const sourceX = xx * x + xy * y + x0;
  const sourceY = yx * x + yy * y + y0;
  const halfWidth = Math.hypot((xx * (right - left)) / 2, (xy * (bottom - top)) / 2);
  const halfHeight = Math.hypot((yx * (right - left)) / 2, (yy * (bottom - top)) / 2);
  const x1 = sourceX - halfWidth;
  const y1 = sourceY - halfHeight;
  const x2 = sourceX + halfWidth;
  const y2 = sourceY + halfHeight;
  if (x1 <= limits.left || y1 <= limits.top || x2 >= limits.right || y2 >= limits.bottom) return -1;
  const index = candidates.add();
  candidates.x1[index] = x1;
  candidates.y1[index] = y1;
  candidates.x2[index] = x2;
  candidates.y2[index] = y2;
  return index;
}

/** Writes the landmarks of the candidate that was added last. */
function decodeLandmarks(level: Level, cell: number, anchor: number, context: ImageContext): void {
  const { stride, columns } = level;
  const { image, view, candidates } = context;
  const head = level.landmarks!;
  const { xx, xy, x0, yx, yy, y0 } = view.toSource;
  const centerX = (cell % columns) * stride;
  const centerY = Math.floor(cell / columns) * stride;
  const at = image * head.batchStep + cell * head.cellStep + anchor * head.anchorStep;
  const to = 10 * (candidates.count - 1);
  let sum = 0;
  for (let k = 0; k < 10; k += 2) {
    const x = centerX + head.data[at + k * head.channelStep]! * stride;
    const y = centerY + head.data[at + (k + 1) * head.channelStep]! * stride;
    candidates.landmarks[to + k] = xx * x + xy * y + x0;
    candidates.landmarks[to + k + 1] = yx * x + yy * y + y0;
    sum += x + y;
  }
  if (!Number.isFinite(sum)) throw notFinite('landmark', sum, stride);
}

/** Source positions that a face must not reach; infinite at edges that cut nothing. */
interface Limits {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** An edge of a tile inside the image cuts faces in two; a neighboring tile or the whole image shows them complete. */
function limitsOf({ pass: { cutEdges, region }, scaleX, scaleY }: View): Limits {
  const margin = CUT_MARGIN / Math.min(scaleX, scaleY);
  return {
    left: cutEdges?.left ? region.x + margin : -Infinity,
    top: cutEdges?.top ? region.y + margin : -Infinity,
    right: cutEdges?.right ? region.x + region.width - margin : Infinity,
    bottom: cutEdges?.bottom ? region.y + region.height - margin : Infinity,
  };
}

function notFinite(what: string, value: number, stride: number): FaceDetError {
  return new FaceDetError(
    'MODEL_OUTPUT_NOT_FINITE',
    `Expected finite numbers from the model but received ${value} in its ${what} output of stride ${stride}; ` +
      'the weights are damaged or overflow in this precision: use another file or float32.',
  );
}

function notProbability(value: number, stride: number): FaceDetError {
  return new FaceDetError(
    'MODEL_OUTPUTS_UNSUPPORTED',
    `Expected scores in [0, 1] from the model but received ${value} in its score output of stride ${stride}; ` +
      'export the model with the sigmoid behind its scores.',
  );
}
