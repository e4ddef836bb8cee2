import { iou, type Face } from '@facedet/core';
import {
  anonymizePlanes,
  createTrails,
  drawPlanes,
  type AnonymizeOptions,
  type OverlayOptions,
  type YuvPlanes,
} from '@facedet/draw';
import type { FrameResult, VideoFace } from '@facedet/pipeline';
import type { VideoFrame } from '../read/frame.ts';
import type { Lingering } from './resume-state.ts';
import type { Row } from './rows.ts';

/** What is drawn into a video: boxes and labels as given, and trails if asked for. */
export type DrawOptions = Omit<OverlayOptions, 'trails'> & { readonly trails?: boolean };

/** What is done to the pictures of an output. */
export interface EditOptions {
  readonly draw?: boolean | DrawOptions;
  readonly anonymize?: boolean | AnonymizeOptions;
}

// Dots on the eyes and the mouth hide what a person wants to see, and what another detector looks for.
const DRAWN: DrawOptions = { landmarks: false };

/** What a preview draws. */
export function marksOf({ draw = true }: EditOptions): OverlayOptions | undefined {
  if (!draw) return undefined;
  const { trails: _, ...marks } = draw === true ? DRAWN : draw;
  return marks;
}

/** What is done to the pictures of the output. */
export interface Editor {
  /**
   * What is done to the next picture. It has to be asked for every frame, written or not: trails and what lingers come
   * from those before.
   */
  next(row: Row, result: FrameResult<VideoFrame> | undefined): (planes: YuvPlanes) => void;
  /** What has to be known of the frames so far, and taking it up again in a resumed run. */
  lingering(): readonly Lingering[];
  restore(lingering: readonly Lingering[]): void;
}

/** An editor; undefined where the pictures stay as they are. */
export function createEditor({ draw, anonymize }: EditOptions): Editor | undefined {
  const hiding = anonymize === true ? {} : anonymize || undefined;
  const overlay = draw === undefined ? (hiding ? undefined : DRAWN) : draw === true ? DRAWN : draw || undefined;
  const { trails: wanted = false, ...marks } = overlay ?? {};
  const trails = wanted ? createTrails() : undefined;
  if (!hiding && !overlay) return undefined;
  const lingering = createLingering();
  return {
    next(row, result) {
      const gone = hiding ? lingering.next(row) : [];
      const drawn = trails ? { ...marks, trails: trails.update(row.faces, row.timestamp) } : marks;
      return (planes) => {
        if (hiding) {
          if (!result || result.error)
            anonymizePlanes(planes, [{ box: { x: 0, y: 0, width: planes.width, height: planes.height } }], {
              ...hiding,
              shape: 'box',
              keepIds: [],
            });
          else anonymizePlanes(planes, hidden([...row.faces, ...gone], result.unassigned), hiding);
        }
        if (overlay) drawPlanes(planes, row.faces, drawn);
      };
    },
    lingering: lingering.all,
    restore: lingering.restore,
  };
}

/**
 * The faces shown, and the detections of no identity; one that lies on a shown face is that face, which may be left
 * clear.
 */
function hidden(faces: readonly VideoFace[], others: readonly Face[]): (VideoFace | Face)[] {
  return [...faces, ...others.filter(({ box }) => faces.every((face) => iou(face.box, box) < 0.3))];
}

// Seconds for which a face that is no longer found stays hidden where it was: it may only have turned away.
const LINGER = 0.25;

/** Remembers where faces were last. `next` gives those of the last quarter of a second that a row no longer shows. */
function createLingering() {
  const last = new Map<number, Lingering>();
  return {
    next({ faces, timestamp }: Row): VideoFace[] {
      const shown = new Set(faces.map(({ id }) => id));
      for (const face of faces) if (face.id !== null) last.set(face.id, { face, seen: timestamp });
      for (const [id, { seen }] of last) if (timestamp - seen > LINGER) last.delete(id);
      return [...last.values()].filter(({ face }) => !shown.has(face.id)).map(({ face }) => face);
    },
    all: (): Lingering[] => [...last.values()],
    restore(lingering: readonly Lingering[]): void {
      for (const { face, seen } of lingering) if (face.id !== null) last.set(face.id, { face, seen });
    },
  };
}
