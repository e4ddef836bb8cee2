import { iou, type Box, type Face, type Landmarks } from '@facedet/core';
import type { PendingRow, VideoFace } from './types.ts';

/** Boxes of one identity that overlap by less are not taken for the same face one frame earlier. */
const BACKWARD_IOU = 0.4;

/**
 * Takes in the newest row, which must be the last of `rows`, and mends the earlier ones: a face that was seen before
 * and is seen again is interpolated in between, and a track that is new is followed back to where it first appeared. No
 * identity is carried over a shot cut. Frames between two whole looks also learn what these found of no identity that
 * is shown there, so that who hides faces hides it there too.
 */
export function mendRows(rows: readonly PendingRow[]): void {
  const last = rows.length - 1;
  const newest = rows[last]!;
  const anew: Face[] = [...newest.tentative, ...newest.unmatched];
  for (const face of newest.faces) {
    if (face.state !== 'detected' || face.id === null) continue;
    const before = newest.cut ? null : lastSighting(rows, last, face.id);
    if (before) {
      fillGap(rows, before.at, last, before.face, face);
    } else {
      extendBack(rows, last, face);
      anew.push(face);
    }
  }
  if (!isWhole(newest)) return;
  // Also over a cut: it lies somewhere between the two looks.
  const from = rows.findLastIndex((row, at) => at < last && isWhole(row));
  const nearby = [...anew, ...(rows[from]?.tentative ?? []), ...(rows[from]?.unmatched ?? [])].map(
    ({ box, score }): Face => ({ box, score }),
  );
  for (let at = from + 1; at < last; at++) rows[at]!.nearby.push(...nearby);
}

const isWhole = ({ looked, refined }: PendingRow) => looked && !refined;

/** Where an identity was last detected (shown or still tentative) before row `end`, up to the last cut. */
function lastSighting(rows: readonly PendingRow[], end: number, id: number): { at: number; face: VideoFace } | null {
  for (let at = end - 1; at >= 0; at--) {
    const row = rows[at]!;
    const shown = row.faces.find((f) => f.id === id && f.state === 'detected');
    if (shown) return { at, face: shown };
    const first = row.tentative.find((f) => f.id === id);
    if (first) {
      // It is confirmed now: its first sighting is shown, and followed further back.
      row.tentative.splice(row.tentative.indexOf(first), 1);
      row.faces.push(first);
      extendBack(rows, at, first);
      return { at, face: first };
    }
    if (row.cut) return null;
  }
  return null;
}

function fillGap(rows: readonly PendingRow[], from: number, to: number, a: VideoFace, b: VideoFace): void {
  for (let at = from + 1; at < to; at++) {
    const row = rows[at]!;
    const t = (row.timestamp - rows[from]!.timestamp) / (rows[to]!.timestamp - rows[from]!.timestamp);
    const filled: VideoFace = {
      id: a.id,
      box: mixBox(a.box, b.box, t),
      score: a.score * (1 - t) + b.score * t,
      ...(a.landmarks && b.landmarks ? { landmarks: mixPoints(a.landmarks, b.landmarks, t) } : {}),
      state: 'interpolated',
    };
    const old = row.faces.findIndex((f) => f.id === a.id);
    if (old >= 0) row.faces[old] = filled;
    else row.faces.push(filled);
  }
}

/** Follows a track back over detections that were too weak to begin it. */
function extendBack(rows: readonly PendingRow[], start: number, face: VideoFace): void {
  let [later, laterAt] = [face, start];
  for (let at = start - 1; at >= 0 && !rows[at + 1]!.cut; at--) {
    const row = rows[at]!;
    if (!row.looked) continue;
    let best: Face | null = null;
    for (const candidate of row.unmatched)
      if (iou(candidate.box, later.box) >= BACKWARD_IOU && (!best || candidate.score > best.score)) best = candidate;
    if (!best) return;
    row.unmatched.splice(row.unmatched.indexOf(best), 1);
    const found: VideoFace = {
      id: face.id,
      box: best.box,
      score: best.score,
      ...(best.landmarks ? { landmarks: best.landmarks } : {}),
      state: 'detected',
    };
    row.faces.push(found);
    fillGap(rows, at, laterAt, found, later);
    [later, laterAt] = [found, at];
  }
}

function mixBox(a: Box, b: Box, t: number): Box {
  const mix = (p: number, q: number) => p + (q - p) * t;
  return { x: mix(a.x, b.x), y: mix(a.y, b.y), width: mix(a.width, b.width), height: mix(a.height, b.height) };
}

function mixPoints(a: Landmarks, b: Landmarks, t: number): Landmarks {
  return a.map((p, i) => ({ x: p.x + (b[i]!.x - p.x) * t, y: p.y + (b[i]!.y - p.y) * t })) as Landmarks;
}
