import type { Candidates } from './candidates.ts';
import { FaceDetError } from '@facedet/checks';
import type { Level } from './layout.ts';
import type { Cuts } from './plan.ts';
import type { View } from './view.ts';

/** What decides which anchors become candidates. */
export interface DecodeRules {
  readonly scoreThreshold: number;
  /** `paper`: only scores above the threshold, boxes clipped to the scaled picture. */
  readonly paper: boolean;
}

/** How far a score may lie outside [0, 1]: some engines compute the sigmoid by approximation. */
const SCORE_TOLERANCE = 1e-3;
/** A box that ends this close to an edge that cuts the picture, in canvas pixels, is taken for cut. */
const CUT_MARGIN = 2;

/**
 * Appends one image's faces to `candidates`, in source pixels. An anchor's centre is cell × stride, its four distances
 * (left, top, right, bottom) and its points are in strides (SCRFD, `get_bboxes`; RetinaFace for the points). Throws
 * `MODEL_OUTPUT_NOT_FINITE` where a score or an accepted face's number is NaN or infinite, and
 * `MODEL_OUTPUTS_UNSUPPORTED` where scores are no probabilities.
 */
export function decode(
  levels: readonly Level[],
  image: number,
  view: View,
  rules: DecodeRules,
  candidates: Candidates,
): void {
  const target: Target = { view, paper: rules.paper, minSide: view.pass.minSide, candidates };
  for (const level of levels) decodeLevel(level, image, rules, target);
}

/** Where the faces of one run go. */
interface Target {
  readonly view: View;
  readonly paper: boolean;
  readonly minSide: number;
  readonly candidates: Candidates;
}

function decodeLevel(level: Level, image: number, { scoreThreshold, paper }: DecodeRules, target: Target): void {
  const { stride, columns, rows, anchors, scores, points } = level;
  const data = scores.data;
  const start = image * scores.batchStep;
  if (points) target.candidates.hasPoints = true;
  let cell = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, cell++) {
      let at = start + cell * scores.cellStep;
      for (let anchor = 0; anchor < anchors; anchor++, at += scores.anchorStep) {
        const score = data[at]!;
        if (score < scoreThreshold || (paper && score === scoreThreshold)) {
          if (score < -SCORE_TOLERANCE) throw noProbability(score, stride);
          continue;
        }
        // NaN is not below the threshold, so it does not pass silently.
        if (!Number.isFinite(score)) throw notFinite('score', score, stride);
        if (score > 1 + SCORE_TOLERANCE) throw noProbability(score, stride);
        accept(level, image, cell, anchor, column * stride, row * stride, Math.min(score, 1), target);
      }
    }
  }
}

function accept(
  level: Level,
  image: number,
  cell: number,
  anchor: number,
  cx: number,
  cy: number,
  score: number,
  target: Target,
): void {
  const { stride, boxes, points } = level;
  const { view, candidates } = target;
  const { map } = view;
  const b = image * boxes.batchStep + cell * boxes.cellStep + anchor * boxes.anchorStep;
  let left = cx - boxes.data[b]! * stride;
  let top = cy - boxes.data[b + boxes.channelStep]! * stride;
  let right = cx + boxes.data[b + 2 * boxes.channelStep]! * stride;
  let bottom = cy + boxes.data[b + 3 * boxes.channelStep]! * stride;
  if (!Number.isFinite(left + top + right + bottom)) throw notFinite('box', left + top + right + bottom, stride);
  if (target.paper) {
    left = Math.min(Math.max(left, 0), view.width);
    top = Math.min(Math.max(top, 0), view.height);
    right = Math.min(Math.max(right, 0), view.width);
    bottom = Math.min(Math.max(bottom, 0), view.height);
  }
  // Distances are no lengths: a network may give a box whose right edge is left of its left one. It is none.
  if (right < left || bottom < top || Math.max(right - left, bottom - top) < target.minSide) return;
  // The box around the ellipse that fills the face's box: exact for quarter turns, and about the face's own size for
  // the diagonal ones.
  const x = (left + right) / 2;
  const y = (top + bottom) / 2;
  const centerX = map.xx * x + map.xy * y + map.x0;
  const centerY = map.yx * x + map.yy * y + map.y0;
  const halfWidth = Math.hypot((map.xx * (right - left)) / 2, (map.xy * (bottom - top)) / 2);
  const halfHeight = Math.hypot((map.yx * (right - left)) / 2, (map.yy * (bottom - top)) / 2);
  const x1 = centerX - halfWidth;
  const y1 = centerY - halfHeight;
  const x2 = centerX + halfWidth;
  const y2 = centerY + halfHeight;
  if (view.pass.cuts && touchesCut(view.pass.cuts, view, x1, y1, x2, y2)) return;
  const i = candidates.add();
  candidates.x1[i] = x1;
  candidates.y1[i] = y1;
  candidates.x2[i] = x2;
  candidates.y2[i] = y2;
  candidates.score[i] = score;
  if (!points) return;
  const p = image * points.batchStep + cell * points.cellStep + anchor * points.anchorStep;
  let sum = 0;
  for (let k = 0; k < 10; k += 2) {
    const px = cx + points.data[p + k * points.channelStep]! * stride;
    const py = cy + points.data[p + (k + 1) * points.channelStep]! * stride;
    candidates.points[10 * i + k] = map.xx * px + map.xy * py + map.x0;
    candidates.points[10 * i + k + 1] = map.yx * px + map.yy * py + map.y0;
    sum += px + py;
  }
  if (!Number.isFinite(sum)) throw notFinite('landmark', sum, stride);
}

/** A tile's edge inside the picture cuts faces in two; a neighbour or the whole picture shows them complete. */
function touchesCut(
  cuts: Cuts,
  { pass: { region }, scaleX, scaleY }: View,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
): boolean {
  const margin = CUT_MARGIN / Math.min(scaleX, scaleY);
  return (
    (cuts.left && x1 <= region.x + margin) ||
    (cuts.top && y1 <= region.y + margin) ||
    (cuts.right && x2 >= region.x + region.width - margin) ||
    (cuts.bottom && y2 >= region.y + region.height - margin)
  );
}

function notFinite(what: string, value: number, stride: number): FaceDetError {
  return new FaceDetError(
    'MODEL_OUTPUT_NOT_FINITE',
    `Expected finite numbers from the model but its ${what} output of stride ${stride} holds ${value}; ` +
      'the weights are damaged or overflow in this precision: use another file or float32.',
  );
}

function noProbability(value: number, stride: number): FaceDetError {
  return new FaceDetError(
    'MODEL_OUTPUTS_UNSUPPORTED',
    `Expected scores in [0, 1] from the model but its score output of stride ${stride} holds ${value}; ` +
      'these are no probabilities: export the model with the sigmoid behind its scores.',
  );
}
