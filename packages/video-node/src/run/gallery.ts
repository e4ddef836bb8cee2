import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RasterSource } from '@facedet/core';
import { makeFolder, outputError, renameOutput, replaceFile } from '@facedet/files';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { encodeJpeg } from '../write/jpeg.ts';
import { DOCUMENT, documentText, imageName, readDocument, type GalleryDocument } from './gallery-document.ts';
import {
  countFrame,
  listTracks,
  markSeen,
  restoreEntry,
  round,
  tryCrop,
  type TrackEntry,
  type TrackFace,
} from './gallery-tracks.ts';
import type { Row } from './rows.ts';

/** Makes a page of a gallery. `imageOf` returns the file name of a track's crop, beside the page. */
export type GalleryPage = (document: GalleryDocument, imageOf: (id: number) => string) => string;

/** The best crop of each track, and when it is visible. */
export interface Gallery {
  /** Frames that an interrupted run's gallery covers; 0 where it starts empty. */
  readonly frames: number;
  /**
   * Adds the faces of a frame, which stays open until the promise settles; `until` is when the frame is no longer
   * shown, in seconds. Adding a frame twice changes nothing.
   */
  add(frame: RasterSource, row: Row, until: number): Promise<void>;
  /** Forgets what was resumed: all frames will be added again. */
  restart(): void;
  /** Gives everything its final name: `0001.jpg`, …, `tracks.json`, and with `page` `index.html`. */
  finish(): Promise<void>;
  /** Leaves what is there under partial names (`0001.partial.jpg`, `index.partial.html`), readable and resumable. */
  leave(): Promise<void>;
  /** Removes what is there under partial names. */
  discard(): Promise<void>;
}

/** Options of `openGallery`. */
export interface GalleryOptions {
  readonly source: string;
  readonly resume?: boolean;
  /** Tracks to keep, those seen last; older ones are removed with their crops. Default: all. */
  readonly limit?: number;
  readonly page?: GalleryPage;
}

/** Crops in memory before they are written to the disk (77 kB each), and milliseconds after which they are anyway. */
const HELD = 64;
const INTERVAL = 5000;

/**
 * Opens a gallery in a folder, which is created where it is missing. Memory stays bounded: a crop of at most 160 × 160
 * pixels is taken from a frame only where size, pose and score promise a better one, and is soon written to the disk.
 * With `resume`, an interrupted run's gallery is continued. Throws `OUTPUT_UNWRITABLE` and `DISK_FULL`.
 */
export async function openGallery(folder: string, options: GalleryOptions): Promise<Gallery> {
  const { source, resume = false, limit = Infinity, page } = options;
  const files = filesOf(folder);
  await guard(folder, async () => makeFolder(folder));
  const state = await readDocument(files.state);
  const former = resume && state?.source === source ? state : undefined;
  if (!former) await removePartials(folder, state);
  const entries = new Map((former?.tracks ?? []).map((track) => [track.id, restoreEntry(track)]));
  const covered = { frames: former?.frames ?? 0, seconds: former?.seconds ?? 0, removed: former?.removed ?? 0 };
  /** Tracks whose crop is not on the disk yet. */
  const held = new Set<TrackEntry>();
  let saved = performance.now();

  const documentOf = (): GalleryDocument => ({
    source,
    frames: covered.frames,
    seconds: round(covered.seconds),
    ...(covered.removed > 0 && { removed: covered.removed }),
    tracks: listTracks(entries.values()),
  });
  const save = async (): Promise<void> => {
    await writeCrops(folder, held);
    held.clear();
    replaceFile(files.state, documentText(documentOf()));
    saved = performance.now();
  };
  const writePage = (partial: boolean): void => {
    if (page)
      replaceFile(
        files.partialPage,
        page(documentOf(), (id) => imageName(id, partial)),
      );
  };
  return {
    frames: covered.frames,
    async add(frame, row, until) {
      const isCovered = row.frame < covered.frames;
      for (const { id } of row.faces)
        if (id !== null && !(isCovered && entries.has(id))) countFrame(entries, id, { ...row, until });
      const faces = row.faces.filter((face): face is TrackFace => face.id !== null);
      await Promise.all(faces.map((face) => tryCrop(entries.get(face.id)!, frame, row, face)));
      for (const { id } of faces) if (entries.get(id)!.pixels) held.add(entries.get(id)!);
      if (Number.isFinite(limit)) {
        markSeen(entries, row);
        for (const entry of oldest(entries, limit)) {
          covered.removed++;
          held.delete(entry);
          await guard(folder, () => rm(join(folder, imageName(entry.id, true)), { force: true }));
        }
      }
      covered.frames = Math.max(covered.frames, row.frame + 1);
      covered.seconds = Math.max(covered.seconds, until);
      if (held.size >= HELD || performance.now() - saved > INTERVAL) await save();
    },
    restart() {
      entries.clear();
      held.clear();
      covered.frames = covered.seconds = covered.removed = 0;
    },
    async finish() {
      const before = await readDocument(files.document);
      await save();
      writePage(false);
      await nameFiles(folder, documentOf(), page !== undefined);
      await removeFormer(folder, before, documentOf());
    },
    async leave() {
      await save();
      writePage(true);
    },
    discard: () => removePartials(folder, documentOf()),
  };
}

function filesOf(folder: string) {
  return {
    document: join(folder, DOCUMENT),
    state: join(folder, `${DOCUMENT}.partial`),
    page: join(folder, 'index.html'),
    partialPage: join(folder, 'index.partial.html'),
  };
}

/** Writes the crops that are in memory. */
async function writeCrops(folder: string, entries: Iterable<TrackEntry>): Promise<void> {
  for (const entry of entries) {
    if (!entry.pixels) continue;
    const bytes = await encodeJpeg(await loadFfmpeg(), entry.pixels);
    replaceFile(join(folder, imageName(entry.id, true)), bytes);
    entry.pixels = null;
  }
}

/** Takes out the tracks that were seen least recently, beyond the limit. */
function oldest(entries: Map<number, TrackEntry>, limit: number): TrackEntry[] {
  if (entries.size <= limit) return [];
  const taken = [...entries.values()].slice(0, entries.size - limit);
  for (const { id } of taken) entries.delete(id);
  return taken;
}

/** Gives crops, document and page their final names; a run that ended while it did so may have named some already. */
async function nameFiles(folder: string, { tracks }: GalleryDocument, hasPage: boolean): Promise<void> {
  const files = filesOf(folder);
  for (const { id, image } of tracks) {
    const partial = join(folder, imageName(id, true));
    if (image && existsSync(partial)) renameOutput(partial, join(folder, image));
  }
  renameOutput(files.state, files.document);
  if (hasPage) renameOutput(files.partialPage, files.page);
  // The page of an earlier gallery would show other faces.
  else for (const path of [files.partialPage, files.page]) await rm(path, { force: true });
}

/** Removes the crops that only an earlier gallery in this folder had. */
async function removeFormer(folder: string, before: GalleryDocument | undefined, now: GalleryDocument): Promise<void> {
  const kept = new Set(now.tracks.map(({ image }) => image));
  for (const { image } of before?.tracks ?? [])
    if (image && /^\d+\.jpg$/.test(image) && !kept.has(image)) await rm(join(folder, image), { force: true });
}

/** Removes what an interrupted run left. */
async function removePartials(folder: string, document: GalleryDocument | undefined): Promise<void> {
  const { state, partialPage } = filesOf(folder);
  const crops = (document?.tracks ?? []).map(({ id }) => join(folder, imageName(id, true)));
  for (const path of [state, partialPage, ...crops]) await guard(folder, () => rm(path, { force: true }));
}

async function guard<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw outputError(folder, cause);
  }
}
