import { iou, type Box, type Face } from '@facedet/core';
import type { VideoFace } from '@facedet/pipeline';
import type { Lingering } from './resume-state.ts';
import { shortFace, type Row } from './rows.ts';

/** Seconds for which a face stays masked at its last place after its last detection: it may only have turned away. */
const LINGER = 0.25;
/**
 * IoU at which a detection without a track is one of a track in the same frame. Below it, it may be another person,
 * whom keeping the track visible must not uncover.
 */
const SAME_FACE = 0.6;

/** All that an anonymizing run masks, as rows: masking by the rows later gives the same pictures. */
export interface Masks {
  /**
   * The row with what is masked besides its tracks: detections that belong to no track (ID null), and tracks that
   * ended within the last quarter of a second (`predicted`). To be called for every frame.
   */
  next(row: Row, unassigned: readonly Face[]): Row;
  /** What a resumed run has to know of the frames before. */
  lingering(): readonly Lingering[];
  restore(lingering: readonly Lingering[]): void;
}

export function createMasks(): Masks {
  const last = new Map<number, Lingering>();
  const ended = ({ faces, timestamp }: Row): VideoFace[] => {
    const shown = new Set(faces.map(({ id }) => id));
    for (const face of faces) if (face.id !== null) last.set(face.id, { face, seen: timestamp });
    for (const [id, { seen }] of last) if (timestamp - seen > LINGER) last.delete(id);
    return [...last.values()]
      .filter(({ face }) => !shown.has(face.id))
      .map(({ face }) => ({ ...face, state: 'predicted' }));
  };
  return {
    next(row, unassigned) {
      const detected = row.faces.filter(({ state }) => state === 'detected');
      const others = unassigned
        .filter(({ box }) => detected.every((face) => iou(face.box, box) < SAME_FACE))
        .map((face) => shortFace({ ...face, id: null, state: 'detected' }))
        // Frames between two detector runs have the detections of both.
        .filter((face, i, all) => all.findIndex(({ box }) => isSameBox(box, face.box)) === i);
      return { ...row, faces: [...row.faces, ...ended(row), ...others] };
    },
    lingering: () => [...last.values()],
    restore(lingering) {
      for (const { face, seen } of lingering) if (face.id !== null) last.set(face.id, { face, seen });
    },
  };
}

function isSameBox(a: Box, b: Box): boolean {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}
