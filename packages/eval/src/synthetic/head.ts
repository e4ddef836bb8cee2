import type { Box, Landmarks, Point } from '@facedet/core';
import type { Appearance } from './appearance.ts';
import { cosine, sine } from './math.ts';

/** Position and orientation of a head. Angles in turns (1 is a full circle). */
export interface Pose {
  /** Middle of the head, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Half the head's width, in pixels. */
  readonly halfWidth: number;
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
 * A head ready for projection: an ellipsoid, narrower towards the chin, with the face painted on it. Head coordinates
 * are half widths across and half heights down, (0, 0) the middle, ±1 the outline; face coordinates are the same before
 * the head is turned.
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
  readonly halfHeight: number;
}

/** Face coordinates of the features. */
export const EYES_Y = -0.04;
export const NOSE_Y = 0.32;
export const MOUTH_Y = 0.6;

// The box of a face, from forehead to chin, in head coordinates: the mean of the boxes that SCRFD 2.5G detects on these
// heads (scripts/synthetic.test.mjs checks it), which follows WIDER FACE's annotators.
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
    halfHeight: pose.halfWidth * appearance.aspect,
  };
}

/** The head's width at height `y` (head coordinates), relative to its widest. */
export function relativeWidthAt(appearance: Appearance, y: number): number {
  return y > 0 ? 1 - appearance.jaw * y * y : 1;
}

/** Projects head coordinates to the picture. */
export function toPicture({ pose, cosRoll, sinRoll, halfHeight }: Head, x: number, y: number): Point {
  const [u, v] = [x * pose.halfWidth, y * halfHeight];
  return { x: pose.x + u * cosRoll - v * sinRoll, y: pose.y + u * sinRoll + v * cosRoll };
}

/** Projects face coordinates to the picture; `height` is the distance from the surface (of the nose). */
export function project(head: Head, x: number, y: number, height = 0): Point {
  const z = Math.sqrt(Math.max(0, 1 - x * x - y * y)) + height;
  const turned = x * head.cosYaw + z * head.sinYaw;
  const depth = z * head.cosYaw - x * head.sinYaw;
  const nodded = y * head.cosPitch + depth * head.sinPitch;
  return toPicture(head, turned * relativeWidthAt(head.appearance, nodded), nodded);
}

/** Left eye, right eye, nose, left and right mouth corner as seen in the picture. */
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

/** The face's box, from forehead to chin; may extend beyond the picture. */
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

/** Evenly distributed points of the face, from which visibility is estimated: x, y of each in the picture. */
export function faceSamples(head: Head): Float64Array {
  const points = new Float64Array(sampleGrid.length);
  for (let k = 0; k < sampleGrid.length; k += 2) {
    const { x, y } = toPicture(head, sampleGrid[k]!, sampleGrid[k + 1]!);
    points[k] = x;
    points[k + 1] = y;
  }
  return points;
}

/** x, y of each sample in head coordinates. */
const sampleGrid = Float64Array.from(
  Array.from({ length: 17 * 17 }, (_, i) => [((i % 17) - 8) / 8.5, (Math.floor(i / 17) - 8) / 8.5] as const)
    .filter(([x, y]) => x * x + y * y <= 1)
    .flatMap(([x, y]) => [x * FACE_HALF_WIDTH, (FACE_TOP + FACE_BOTTOM) / 2 + (y * (FACE_BOTTOM - FACE_TOP)) / 2]),
);

/** Extent of the hair in head coordinates: up, down and to the sides. */
export const HAIR = {
  bald: { up: 1, down: -2, side: 1 },
  short: { up: 1.09, down: 0.12, side: 1.06 },
  bob: { up: 1.16, down: 0.55, side: 1.2 },
  long: { up: 1.14, down: 1.25, side: 1.22 },
} as const;

/** Height over which the lower end of the hair is rounded, in head coordinates. */
const HAIR_ROUNDING = 0.3;

/** Half the width of the hair at height `y`, in head coordinates; −1 where there is no hair. */
export function hairHalfWidth({ hairStyle }: Appearance, y: number): number {
  const { up, down, side } = HAIR[hairStyle];
  if (y < -up || y > down) return -1;
  const end = y < 0 ? y / up : Math.max(0, (y - down) / HAIR_ROUNDING + 1);
  return side * Math.sqrt(Math.max(0, 1 - end * end));
}

/** Height of the shoulders `x` half widths from the neck, in head coordinates; infinite beyond the arms. */
export function shoulderLine(x: number): number {
  const share = (x * x) / (SHOULDERS * SHOULDERS);
  return share > 1 ? Infinity : 1.4 + 0.85 * (1 - Math.sqrt(1 - share * share));
}
export const SHOULDERS = 2.15;
export const NECK = { half: 0.52, top: 0.6, bottom: 1.6 } as const;

/** No part of a person is further from the middle of the head to either side, in half widths of the head. */
const MAX_REACH = 2.5;

/** Whether this person (head, hair, neck or body) covers a point of the picture. */
export function occludes(head: Head, px: number, py: number): boolean {
  const { pose, cosRoll, sinRoll, halfHeight, appearance } = head;
  const dx = px - pose.x;
  const dy = py - pose.y;
  const bodyX = dx / pose.halfWidth;
  if (bodyX > MAX_REACH || bodyX < -MAX_REACH) return false;
  const bodyY = dy / halfHeight;
  if (bodyY >= shoulderLine(bodyX)) return true;
  if (bodyY > NECK.top && bodyY < NECK.bottom && Math.abs(bodyX) < NECK.half) return true;
  const x = (dx * cosRoll + dy * sinRoll) / pose.halfWidth;
  const y = (dy * cosRoll - dx * sinRoll) / halfHeight;
  if (Math.abs(x) < hairHalfWidth(appearance, y)) return true;
  const across = x / relativeWidthAt(appearance, y);
  return across * across + y * y < 1;
}
