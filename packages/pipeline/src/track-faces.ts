import type { Face, FaceDetError, Frame } from '@facedet/core';
import { invalidArgument } from '@facedet/core/engine';
import type { Track, Tracker } from '@facedet/tracker';
import type { FrameDetections } from './frame-detection.ts';
import { intersects } from './refine.ts';
import type { PendingRow, VideoFace } from './types.ts';

/** A face with a track ID. */
type TrackedFace = VideoFace & { id: number };

/** The faces of one frame, and its detections that belong to no track. */
export type FrameFaces = Pick<PendingRow, 'faces' | 'tentative' | 'unmatchedDetections' | 'detectorRan'>;

/** Without a tracker: the detections from `scoreThreshold` up. */
export function selectFaces(detections: FrameDetections | null, scoreThreshold = 0): FrameFaces {
  const faces = (detections?.faces ?? [])
    .filter(({ score }) => score >= scoreThreshold)
    .map((face): VideoFace => ({ id: null, ...face, state: 'detected' }));
  return { faces, tentative: [], unmatchedDetections: [], detectorRan: detections !== null };
}

/**
 * Takes one frame through the tracker. `visibleIds` are the IDs of the tracks shown in the last frame on which the
 * detector ran; they are updated. `detections` is null if the detector did not run. Throws what the tracker throws, and
 * `INVALID_ARGUMENT` for a frame without a timestamp.
 */
export function trackFaces(
  tracker: Tracker<Face>,
  visibleIds: Set<number>,
  frame: Frame,
  detections: FrameDetections | null,
): FrameFaces & { faces: TrackedFace[] } {
  const { timestamp } = frame;
  // Without this check the tracker would use the time of the next frame, and the smoother would then reject it.
  if (timestamp === undefined) throw noTimestamp(frame);
  if (!detections) {
    const faces = tracker
      .predict(timestamp)
      // Faces that have left the frame are not part of the result.
      .filter((t) => visibleIds.has(t.id) && intersects(t.box, frame))
      .map((t) => faceOf(t, 'predicted'));
    return { faces, tentative: [], unmatchedDetections: [], detectorRan: false };
  }
  const tracks = tracker.update(detections.faces, timestamp);
  const inState = (state: Track['state']) => tracks.filter((t) => t.state === state).map((t) => faceOf(t, 'detected'));
  const faces = inState('tracked');
  visibleIds.clear();
  for (const { id } of faces) visibleIds.add(id);
  const assigned = new Set(tracks.map((t) => t.detectionIndex));
  return {
    faces,
    tentative: inState('tentative'),
    unmatchedDetections: detections.faces.filter((_, i) => !assigned.has(i)),
    detectorRan: true,
  };
}

function noTimestamp({ index }: Frame): FaceDetError {
  return invalidArgument(`a timestamp in seconds for frame ${index}`, undefined, 'give the time of each frame');
}

/** The face of a track. Its landmarks are the detection's, or the last ones moved along with the box. */
function faceOf({ id, box, score, landmarks }: Track<Face>, state: 'detected' | 'predicted'): TrackedFace {
  return { id, box, score, ...(landmarks && { landmarks }), state };
}
