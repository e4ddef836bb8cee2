import { readFile } from 'node:fs/promises';
import type { Box } from '@facedet/core';

/** A track in `tracks.json` of a track gallery. */
export interface GalleryTrack {
  readonly id: number;
  /** File of its best crop, beside this one; null where no frame shows its face. */
  readonly image: string | null;
  /** When it is visible, as `[from, to]` in seconds; gaps shorter than half a second are ignored. */
  readonly spans: readonly (readonly [from: number, to: number])[];
  /** Frames that show it. */
  readonly frames: number;
  /**
   * Where the best crop comes from; `quality` in [0, 1] is score × frontality × size × part inside the frame ×
   * sharpness.
   */
  readonly crop: {
    readonly frame: number;
    readonly timestamp: number;
    readonly box: Box;
    readonly score: number;
    readonly quality: number;
  } | null;
}

/** Content of `tracks.json`. */
export interface GalleryDocument {
  readonly source: string;
  /** Frames and seconds of the source that were processed. */
  readonly frames: number;
  readonly seconds: number;
  /** Tracks that were removed from the gallery of a live source, which keeps those seen last. Absent where none was. */
  readonly removed?: number;
  /** By first appearance. */
  readonly tracks: readonly GalleryTrack[];
}

/** Name of the document in a gallery's folder. */
export const DOCUMENT = 'tracks.json';

/** File of a track's crop: `0007.jpg`, in progress `0007.partial.jpg`. */
export function imageName(id: number, partial = false): string {
  return `${String(id).padStart(4, '0')}${partial ? '.partial' : ''}.jpg`;
}

/** The document as text, one line per track. */
export function documentText({ tracks, ...rest }: GalleryDocument): string {
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head},"tracks":[\n${tracks.map((track) => JSON.stringify(track)).join(',\n')}\n]}\n`;
}

/** Reads a document; undefined where it is missing or damaged. */
export async function readDocument(path: string): Promise<GalleryDocument | undefined> {
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Partial<GalleryDocument>;
    const isUsable =
      typeof found.frames === 'number' &&
      Array.isArray(found.tracks) &&
      found.tracks.every(({ id, spans }) => Number.isInteger(id) && Array.isArray(spans) && spans.length > 0);
    return isUsable ? (found as GalleryDocument) : undefined;
  } catch {
    return undefined;
  }
}
