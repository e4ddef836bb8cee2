import type { Box, Landmarks, Point } from '@facedet/core';
import type { Appearance } from './appearance.ts';
import { cosine, sine } from './math.ts';

/** Where a head is and how it is turned. Angles in turns (1 is a full circle). */
export interface Pose {
  /** Middle of the head, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Half the head's width, in pixels. */
  readonly size: number;
  /** Clockwise in the picture. */
  readonly roll: number;
  /** Towards the right side of the picture. */
  readonly yaw: number;
  /** Downwards. */
  readonly pitch: number;
  /** How far the mouth is open, 0 to 1. */
  readonly mouth: number;
  /** How far the eyes are closed, 0 to 1. */
  readonly blink: number;
}

/**
 * A head ready to be projected. It is an ellipsoid, narrowed towards the chin, with the face painted on it. Head
 * coordinates:
 * half widths across, half heights down, (0, 0) the middle, ±1 the outline; face coordinates are the same before
 * turning.
 */
export interface Head {
  readonly appearance: Appearance;
  readonly pose: Pose;
  readonly cosRoll: number;
  readonly sinRoll: number;
  readonly cosYaw: number;
  readonly sinYaw: number;
  readonly cosPitch: number;
  readonly sinPitch: number;
  /** Half the head's height, in pixels. */
  readonly tall: number;
}

/** Face coordinates of what is painted. */
export const EYES_Y = -0.04;
export const NOSE_Y = 0.32;
export const MOUTH_Y = 0.6;

// What WIDER FACE's annotators and SCRFD call the face: from the forehead to the chin. Measured as the mean of the
// boxes that
// SCRFD 2.5g finds on these heads (scripts/synthetic.test.mjs holds it), in head coordinates.
const FACE_TOP = -0.705;
const FACE_BOTTOM = 0.935;
const FACE_HALF_WIDTH = 0.895;
const FACE_SHIFT = 0.25; // per sine of yaw

export function createHead(appearance: Appearance, pose: Pose): Head {
  return {
    appearance,
    pose,
    cosRoll: cosine(pose.roll),
    sinRoll: sine(pose.roll),
    cosYaw: cosine(pose.yaw),
    sinYaw: sine(pose.yaw),
    cosPitch: cosine(pose.pitch),
    sinPitch: sine(pose.pitch),
    tall: pose.size * appearance.aspect,
  };
}

/** Half the head's width at height `y` (head coordinates), relative to its widest. */
export function jawAt(appearance: Appearance, y: number): number {
  return y > 0 ? 1 - appearance.jaw * y * y : 1;
}

/** Picture point of head coordinates. */
export function toPicture({ pose, cosRoll, sinRoll, tall }: Head, x: number, y: number): Point {
  const [u, v] = [x * pose.size, y * tall];
  return { x: pose.x + u * cosRoll - v * sinRoll, y: pose.y + u * sinRoll + v * cosRoll };
}

/** Picture point of face coordinates; `height` lifts it off the surface (a nose). */
export function project(head: Head, x: number, y: number, height = 0): Point {
  const z = Math.sqrt(Math.max(0, 1 - x * x - y * y)) + height;
  const turned = x * head.cosYaw + z * head.sinYaw;
  const depth = z * head.cosYaw - x * head.sinYaw;
  const nodded = y * head.cosPitch + depth * head.sinPitch;
  return toPicture(head, turned * jawAt(head.appearance, nodded), nodded);
}

/** Left eye, right eye, nose, left and right mouth corner, as seen in the picture. */
export function landmarksOf(head: Head): Landmarks {
  const { eyeSpread, mouthWidth } = head.appearance;
  return [
    project(head, -eyeSpread, EYES_Y),
    project(head, eyeSpread, EYES_Y),
    project(head, 0, NOSE_Y, 0.12),
    project(head, -mouthWidth, MOUTH_Y),
    project(head, mouthWidth, MOUTH_Y),
  ];
}

/** The face's box, from forehead to chin, as annotators of WIDER FACE draw it; also over the picture's edges. */
export function faceBoxOf(head: Head): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const shift = FACE_SHIFT * head.sinYaw;
  const middle = (FACE_TOP + FACE_BOTTOM) / 2 + 0.2 * head.sinPitch;
  const half = (FACE_BOTTOM - FACE_TOP) / 2;
  for (let i = 0; i < 32; i++) {
    const { x, y } = toPicture(head, shift + FACE_HALF_WIDTH * cosine(i / 32), middle + half * sine(i / 32));
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Points spread evenly over the visible face: of them, visibility is counted. */
export function faceSamples(head: Head): Point[] {
  const points: Point[] = [];
  const [middle, half] = [(FACE_TOP + FACE_BOTTOM) / 2, (FACE_BOTTOM - FACE_TOP) / 2];
  for (let j = -8; j <= 8; j++) {
    for (let i = -8; i <= 8; i++) {
      const [x, y] = [i / 8.5, j / 8.5];
      if (x * x + y * y <= 1) points.push(toPicture(head, x * FACE_HALF_WIDTH, middle + y * half));
    }
  }
  return points;
}

/** How far hair reaches beyond the head, and down to which height, in head coordinates. */
export const HAIR = {
  bald: { grow: 1, down: -2, wide: 1 },
  short: { grow: 1.09, down: 0.12, wide: 1.06 },
  bob: { grow: 1.16, down: 0.55, wide: 1.2 },
  long: { grow: 1.14, down: 1.25, wide: 1.22 },
} as const;

const HAIR_ENDS = 0.3; // the rounding below, in head coordinates

/** Half the width of the hair at height `y`, in head coordinates; negative where there is none. */
export function hairHalfWidth({ hairStyle }: Appearance, y: number): number {
  const { grow, down, wide } = HAIR[hairStyle];
  if (y < -grow || y > down) return -1;
  const end = y < 0 ? y / grow : Math.max(0, (y - down) / HAIR_ENDS + 1);
  return wide * Math.sqrt(Math.max(0, 1 - end * end));
}

/** Height of the shoulders' line at `x` half heads from the neck, in head coordinates; infinite beyond the arms. */
export function shoulderLine(x: number): number {
  const share = (x * x) / (SHOULDERS * SHOULDERS);
  return share > 1 ? Infinity : 1.4 + 0.85 * (1 - Math.sqrt(1 - share * share));
}
export const SHOULDERS = 2.15;
export const NECK = { half: 0.52, top: 0.6, bottom: 1.6 } as const;

/** Whether this person (head, hair, neck or body) hides what lies behind a picture point. */
export function hides(head: Head, px: number, py: number): boolean {
  const { pose, cosRoll, sinRoll, tall, appearance } = head;
  const [dx, dy] = [px - pose.x, py - pose.y];
  const [bodyX, bodyY] = [dx / pose.size, dy / tall];
  if (bodyY >= shoulderLine(bodyX)) return true;
  if (bodyY > NECK.top && bodyY < NECK.bottom && Math.abs(bodyX) < NECK.half) return true;
  const x = (dx * cosRoll + dy * sinRoll) / pose.size;
  const y = (dy * cosRoll - dx * sinRoll) / tall;
  if (Math.abs(x) < hairHalfWidth(appearance, y)) return true;
  const across = x / jawAt(appearance, y);
  return across * across + y * y < 1;
}
