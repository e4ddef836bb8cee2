import {
  anonymizePlanes,
  createTrails,
  drawPlanes,
  type AnonymizeOptions,
  type OverlayOptions,
  type YuvPlanes,
} from '@facedet/draw';
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
   * What is done to the picture of a row. To be called for every frame, written or not: trails come from those before.
   */
  next(row: Row, masked: Row): (planes: YuvPlanes) => void;
}

/** An editor; undefined where the pictures stay as they are. */
export function createEditor({ draw, anonymize }: EditOptions): Editor | undefined {
  const masking = anonymize === true ? {} : anonymize || undefined;
  const overlay = draw === undefined ? (masking ? undefined : DRAWN) : draw === true ? DRAWN : draw || undefined;
  const { trails: wanted = false, ...marks } = overlay ?? {};
  const trails = wanted ? createTrails() : undefined;
  if (!masking && !overlay) return undefined;
  return {
    next(row, masked) {
      const drawn = trails ? { ...marks, trails: trails.update(row.faces, row.timestamp) } : marks;
      return (planes) => {
        if (masking) maskRow(planes, masked, masking);
        if (overlay) drawPlanes(planes, row.faces, drawn);
      };
    },
  };
}

/** Masks the faces of a row; the whole picture where the row says that it could not be analyzed. */
export function maskRow(planes: YuvPlanes, row: Row, options: AnonymizeOptions): void {
  if (!row.failed) return anonymizePlanes(planes, row.faces, options);
  const { width, height } = planes;
  anonymizePlanes(planes, [{ box: { x: 0, y: 0, width, height } }], {
    ...options,
    shape: 'box',
    margin: 1,
    keepIds: [],
  });
}
