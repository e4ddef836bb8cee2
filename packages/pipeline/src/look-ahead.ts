import { iou, type Box, type Face, type Landmarks } from '@facedet/core';
import type { PendingRow, VideoFace } from './types.ts';

/** A track's detection in row `at`. */
interface TrackDetection {
  readonly at: number;
  readonly face: VideoFace;
}

/** Lowest IoU at which an earlier detection counts as the same face. */
const BACKWARD_IOU = 0.4;

/**
 * Updates earlier rows with the newest one, which must be the last of `rows`. Gaps between two detections of a track
 * are interpolated, and new tracks are extended back to their first appearance; neither crosses a shot cut. Rows
 * between two key frames also get the detections of these key frames that have no track ID there, so that anonymizers
 * can mask them there too.
 */
export function backfillRows(rows: readonly PendingRow[]): void {
  const last = rows.length - 1;
  const newest = rows[last]!;
  const newDetections: Face[] = [...newest.tentative, ...newest.unmatchedDetections];
  for (const face of newest.faces) {
    if (face.state !== 'detected' || face.id === null) continue;
    const before = newest.cut ? null : lastDetection(rows, last, face.id);
    if (before) {
      interpolateGap(rows, before, { at: last, face });
    } else {
      extendBack(rows, { at: last, face });
      newDetections.push(face);
    }
  }
  if (!isKeyFrame(newest)) return;
  // Also across a cut, as it may be anywhere between the two key frames.
  const from = rows.findLastIndex((row, at) => at < last && isKeyFrame(row));
  const nearby = [...newDetections, ...(rows[from]?.tentative ?? []), ...(rows[from]?.unmatchedDetections ?? [])].map(
    ({ box, score }): Face => ({ box, score }),
  );
  for (let at = from + 1; at < last; at++) rows[at]!.nearbyDetections.push(...nearby);
}

const isKeyFrame = ({ detectorRan, refined }: PendingRow) => detectorRan && !refined;

/** The last detection of a track, confirmed or tentative, before row `end` and since the last cut. */
function lastDetection(rows: readonly PendingRow[], end: number, id: number): TrackDetection | null {
  for (let at = end - 1; at >= 0; at--) {
    const row = rows[at]!;
    const confirmed = row.faces.find((f) => f.id === id && f.state === 'detected');
    if (confirmed) return { at, face: confirmed };
    const first = row.tentative.find((f) => f.id === id);
    if (first) {
      // The track is confirmed now: its first detection becomes a face of the row and is extended further back.
      row.tentative.splice(row.tentative.indexOf(first), 1);
      row.faces.push(first);
      const detection = { at, face: first };
      extendBack(rows, detection);
      return detection;
    }
    if (row.cut) return null;
  }
  return null;
}

/** Gives a track interpolated faces in the rows between two of its detections. */
function interpolateGap(rows: readonly PendingRow[], earlier: TrackDetection, later: TrackDetection): void {
  const a = earlier.face;
  const b = later.face;
  const start = rows[earlier.at]!.timestamp;
  const end = rows[later.at]!.timestamp;
  for (let at = earlier.at + 1; at < later.at; at++) {
    const row = rows[at]!;
    const t = (row.timestamp - start) / (end - start);
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

/** Extends a track back from its first detection, over detections that were too weak to start it. */
function extendBack(rows: readonly PendingRow[], first: TrackDetection): void {
  let later = first;
  for (let at = first.at - 1; at >= 0 && !rows[at + 1]!.cut; at--) {
    const row = rows[at]!;
    if (!row.detectorRan) continue;
    let best: Face | null = null;
    for (const candidate of row.unmatchedDetections)
      if (iou(candidate.box, later.face.box) >= BACKWARD_IOU && (!best || candidate.score > best.score))
        best = candidate;
    if (!best) return;
    row.unmatchedDetections.splice(row.unmatchedDetections.indexOf(best), 1);
    const face: VideoFace = {
      id: first.face.id,
      box: best.box,
      score: best.score,
      ...(best.landmarks ? { landmarks: best.landmarks } : {}),
      state: 'detected',
    };
    row.faces.push(face);
    const earlier = { at, face };
    interpolateGap(rows, earlier, later);
    later = earlier;
  }
}

function mixBox(a: Box, b: Box, t: number): Box {
  const mix = (p: number, q: number) => p + (q - p) * t;
  return { x: mix(a.x, b.x), y: mix(a.y, b.y), width: mix(a.width, b.width), height: mix(a.height, b.height) };
}

function mixPoints(a: Landmarks, b: Landmarks, t: number): Landmarks {
  return a.map((p, i) => ({ x: p.x + (b[i]!.x - p.x) * t, y: p.y + (b[i]!.y - p.y) * t })) as Landmarks;
}
