import { checkOptionNames } from '@facedet/checks';
import type { Point } from '@facedet/core';
import { checkColor, checkDrawable, expectThat, isPoints } from './check.ts';
import { trackColor } from './color.ts';
import type { DrawableFace, OverlayOptions, Rgb } from './types.ts';

/** What is drawn of one face. */
export interface OverlayItem {
  readonly face: DrawableFace;
  readonly color: Rgb;
  /** Empty for none. */
  readonly label: string;
  readonly landmarks: readonly Point[];
  readonly trail: readonly Point[];
}

/**
 * Everything to draw, decided before the first pixel changes: if one of the caller's functions throws, the picture is
 * unchanged.
 */
export interface OverlayPlan {
  /** Line width, pixels. */
  readonly line: number;
  readonly boxes: boolean;
  readonly items: readonly OverlayItem[];
}

const NAMES: readonly (keyof OverlayOptions)[] = ['boxes', 'labels', 'landmarks', 'trails', 'lineWidth', 'color'];

/**
 * Checks faces and options for a picture of `width` × `height` and calls the caller's functions. Throws
 * `INVALID_ARGUMENT`.
 */
export function planOverlay(
  faces: readonly DrawableFace[],
  options: OverlayOptions,
  width: number,
  height: number,
): OverlayPlan {
  checkOptionNames(options, NAMES);
  const {
    boxes = true,
    labels = true,
    landmarks = true,
    trails,
    lineWidth = usualLine(width, height),
    color,
  } = options;
  expectThat(typeof boxes === 'boolean', 'true or false for boxes', boxes, 'false draws none');
  expectThat(typeof landmarks === 'boolean', 'true or false for landmarks', landmarks, 'false draws none');
  expectThat(
    typeof labels === 'boolean' || typeof labels === 'function',
    'true, false or a function for labels',
    labels,
    'a function gives the text of a face',
  );
  expectThat(
    color === undefined || typeof color === 'function',
    'a function for color',
    color,
    'it gives the color of a face',
  );
  expectThat(
    trails === undefined || typeof (trails as Partial<typeof trails> | null)?.get === 'function',
    'a Map of points by ID for trails',
    trails,
    'createTrails() keeps one',
  );
  expectThat(
    typeof lineWidth === 'number' && lineWidth > 0 && lineWidth < Infinity,
    'a number above 0 for lineWidth',
    lineWidth,
    'leave it out for one that fits the picture',
  );
  checkDrawable(faces);
  const items = faces.map((face): OverlayItem => {
    const chosen = color ? color(face) : trackColor(face.id);
    checkColor(chosen, 'the color of a face');
    const label = typeof labels === 'function' ? (labels(face) ?? '') : labels ? defaultLabel(face) : '';
    expectThat(typeof label === 'string', 'a string or undefined from labels', label, 'String(value) makes one');
    const trail = trails?.get(face.id ?? NaN) ?? [];
    expectThat(isPoints(trail), `points or nothing for the trail of face ${face.id}`, trail, 'a point is { x, y }');
    return { face, color: chosen, label, landmarks: (landmarks && face.landmarks) || [], trail };
  });
  return { line: lineWidth, boxes, items };
}

/** About 1/300 of the shorter side. */
function usualLine(width: number, height: number): number {
  const shorter = Math.min(width, height);
  return Math.max(shorter < 160 ? 1 : 2, Math.round(shorter / 300));
}

/** Track ID and score, where the face has them: `#7 0.93`, `0.93`, `#7`. */
function defaultLabel({ id, score }: DrawableFace): string {
  return [id === null || id === undefined ? '' : `#${id}`, score === undefined ? '' : score.toFixed(2)]
    .filter(Boolean)
    .join(' ');
}
