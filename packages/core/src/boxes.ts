import type { Box } from './types.ts';

/** Area in square pixels; 0 where a side is not positive. */
export function boxArea(box: Box): number {
  return box.width > 0 && box.height > 0 ? box.width * box.height : 0;
}

/** Intersection over union in [0, 1]; 0 where the boxes don't touch or one is empty. */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const intersection = width * height;
  return intersection / (boxArea(a) + boxArea(b) - intersection);
}

/** The box grown about its centre: `factor` 1 keeps it, 1.3 adds 30 % to each side's length. */
export function scaleBox(box: Box, factor: number): Box {
  const width = box.width * factor;
  const height = box.height * factor;
  return { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height };
}

/** The part of the box inside a picture of `width` × `height`; sides of 0 where there is none. */
export function clipBox(box: Box, width: number, height: number): Box {
  const x = Math.min(Math.max(box.x, 0), width);
  const y = Math.min(Math.max(box.y, 0), height);
  return { x, y, width: Math.max(Math.min(box.x + box.width, width) - x, 0), height: Math.max(Math.min(box.y + box.height, height) - y, 0) };
}
