import type { Candidates } from './candidates.ts';
import { FaceDetError } from '@facedet/checks';
import type { Head, Level } from './layout.ts';
import type { Pass } from './plan.ts';

/** What decides which anchors become candidates and how they go back to the source. */
export interface DecodeRules {
  readonly scoreThreshold: number;
  /** `paper`: only scores above the threshold, boxes clipped to the scaled picture. */
  readonly paper: boolean;
}

/**
 * Appends one image's faces to `candidates`, in source pixels. An anchor's centre is cell × stride, its four distances (left, top,
 * right, bottom) and its points are in strides (SCRFD, `get_bboxes`; RetinaFace for the points).
 * Throws `MODEL_OUTPUT_NOT_FINITE` where a score or an accepted face's number is NaN or infinite.
 */
export function decode(levels: readonly Level[], image: number, pass: Pass, rules: DecodeRules, candidates: Candidates): void {
  for (const level of levels) decodeLevel(level, image, pass, rules, candidates);
}

function decodeLevel(level: Level, image: number, pass: Pass, rules: DecodeRules, candidates: Candidates): void {
  const { stride, columns, rows, anchors, scores, boxes, points } = level;
  const { scoreThreshold, paper } = rules;
  const data = scores.data;
  const start = image * scores.batchStep;
  if (points) candidates.hasPoints = true;
  let cell = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, cell++) {
      let at = start + cell * scores.cellStep;
      for (let anchor = 0; anchor < anchors; anchor++, at += scores.anchorStep) {
        const score = data[at]!;
        // Written so that NaN does not pass silently for "below".
        if (score < scoreThreshold || (paper && score === scoreThreshold)) continue;
        if (!Number.isFinite(score)) throw notFinite('score', score, stride);
        accept(boxes, points, image, cell, anchor, column * stride, row * stride, stride, score, pass, paper, candidates);
      }
    }
  }
}

function accept(boxes: Head, points: Head | null, image: number, cell: number, anchor: number, cx: number, cy: number, stride: number, score: number, pass: Pass, paper: boolean, candidates: Candidates): void {
  const b = image * boxes.batchStep + cell * boxes.cellStep + anchor * boxes.anchorStep;
  let x1 = cx - boxes.data[b]! * stride;
  let y1 = cy - boxes.data[b + boxes.channelStep]! * stride;
  let x2 = cx + boxes.data[b + 2 * boxes.channelStep]! * stride;
  let y2 = cy + boxes.data[b + 3 * boxes.channelStep]! * stride;
  if (!Number.isFinite(x1 + y1 + x2 + y2)) throw notFinite('box', x1 + y1 + x2 + y2, stride);
  if (paper) {
    x1 = Math.min(Math.max(x1, 0), pass.width);
    y1 = Math.min(Math.max(y1, 0), pass.height);
    x2 = Math.min(Math.max(x2, 0), pass.width);
    y2 = Math.min(Math.max(y2, 0), pass.height);
  }
  if (pass.cuts !== 0 && touchesCut(pass, x1, y1, x2, y2)) return;
  const i = candidates.add();
  const { x, y } = pass.region;
  candidates.x1[i] = x + x1 / pass.scaleX;
  candidates.y1[i] = y + y1 / pass.scaleY;
  candidates.x2[i] = x + x2 / pass.scaleX;
  candidates.y2[i] = y + y2 / pass.scaleY;
  candidates.score[i] = score;
  if (!points) return;
  const p = image * points.batchStep + cell * points.cellStep + anchor * points.anchorStep;
  for (let k = 0; k < 10; k += 2) {
    candidates.points[10 * i + k] = x + (cx + points.data[p + k * points.channelStep]! * stride) / pass.scaleX;
    candidates.points[10 * i + k + 1] = y + (cy + points.data[p + (k + 1) * points.channelStep]! * stride) / pass.scaleY;
  }
}

/** A tile's edge inside the picture cuts faces in two; a neighbour or the whole picture shows them complete. */
function touchesCut(pass: Pass, x1: number, y1: number, x2: number, y2: number): boolean {
  const margin = 2;
  return Boolean(
    (pass.cuts & 1 && x1 <= margin) || (pass.cuts & 2 && y1 <= margin) || (pass.cuts & 4 && x2 >= pass.width - margin) || (pass.cuts & 8 && y2 >= pass.height - margin),
  );
}

function notFinite(what: string, value: number, stride: number): FaceDetError {
  return new FaceDetError('MODEL_OUTPUT_NOT_FINITE', `Expected finite numbers from the model but its ${what} output of stride ${stride} holds ${value}; the weights are damaged or overflow in this precision: use another file or float32.`);
}
