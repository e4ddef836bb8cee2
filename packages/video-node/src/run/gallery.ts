import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Box, PixelBuffer, RasterSource } from '@facedet/core';
import { makeFolder, outputError, renameOutput, replaceFile } from '@facedet/files';
import type { VideoFace } from '@facedet/pipeline';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { encodeJpeg } from '../write/jpeg.ts';
import { PORTRAIT_SIDE, portraitPromise, portraitRegion, sharpness } from './portrait.ts';
import type { Row } from './rows.ts';

/** What `identities.json` says of one identity. */
export interface GalleryIdentity {
  readonly id: number;
  /** Its portrait's file, beside this one; null where the picture never showed it. */
  readonly image: string | null;
  /** When it was there, as `[from, to]` in seconds; gaps shorter than half a second are none. */
  readonly spans: readonly (readonly [from: number, to: number])[];
  /** Frames that show it. */
  readonly frames: number;
  /**
   * Where the portrait comes from, and what it is worth in [0, 1]: score × frontality × size × part shown × sharpness.
   */
  readonly portrait: {
    readonly frame: number;
    readonly timestamp: number;
    readonly box: Box;
    readonly score: number;
    readonly quality: number;
  } | null;
}

/** What `identities.json` holds. */
export interface GalleryDocument {
  readonly source: string;
  /** Frames and seconds looked at. */
  readonly frames: number;
  readonly seconds: number;
  /** Identities that were removed: of a source without an end, those seen last are kept. Absent where it is none. */
  readonly removed?: number;
  /** By first appearance. */
  readonly identities: readonly GalleryIdentity[];
}

/**
 * Makes a page of a gallery for people. `imageOf` gives the file name of an identity's portrait, beside the page.
 */
export type GalleryPage = (document: GalleryDocument, imageOf: (id: number) => string) => string;

/** The best portrait of each identity, and when it was there. */
export interface Gallery {
  /** Frames that an interrupted run's gallery covers; 0 where it begins anew. */
  readonly frames: number;
  /**
   * Looks at a frame that is open, and at its faces; `until` is when it is no longer shown, in seconds. Seeing a frame
   * twice changes nothing.
   */
  add(frame: RasterSource, row: Row, until: number): Promise<void>;
  /** Forgets what was resumed: the identities are found anew. */
  restart(): void;
  /** Gives everything its final name: `0001.jpg`, …, `identities.json`, and with `page` `index.html`. */
  finish(): Promise<void>;
  /**
   * Leaves what is there under partial names (`0001.partial.jpg`, `index.partial.html`), for a person to look at and
   * for `resume`.
   */
  leave(): Promise<void>;
  /** Removes what is there under partial names. */
  discard(): Promise<void>;
}

interface Identity {
  readonly id: number;
  readonly spans: [number, number][];
  frames: number;
  last: number;
  portrait: GalleryIdentity['portrait'];
  /** A portrait that is not on the disk yet. */
  pixels: PixelBuffer | null;
  /**
   * The most that a portrait tried so far promised, when the next ordinary try is due, and how long to wait if it
   * fails.
   */
  promised: number;
  due: number;
  wait: number;
}

/** Options of `openGallery`. */
export interface GalleryOptions {
  readonly source: string;
  readonly resume?: boolean;
  /** Identities kept, those seen last; older ones are removed with their portraits. Default: all. */
  readonly limit?: number;
  readonly page?: GalleryPage;
}

// Seconds.
const GAP = 0.5;
const [SHORTEST_WAIT, LONGEST_WAIT] = [0.1, 2];
/** Portraits in memory before they are put on the disk (77 kB each), and milliseconds after which they are anyway. */
const HELD = 64;
const INTERVAL = 5000;

/**
 * Opens a gallery in a folder, which is made where it is missing. Memory stays bounded: a portrait of at most 160 × 160
 * pixels is cut from a frame only where size, pose and score promise more than the kept one, and soon lies on the disk.
 * With `resume`, an interrupted run's gallery is gone on from. Throws `OUTPUT_UNWRITABLE` and `DISK_FULL`.
 */
export async function openGallery(
  folder: string,
  { source, resume = false, limit = Infinity, page }: GalleryOptions,
): Promise<Gallery> {
  const statePath = join(folder, 'identities.json.partial');
  await guard(folder, async () => makeFolder(folder));
  const state = await read(statePath);
  const former = resume && state?.source === source ? state : undefined;
  if (!former) await forget(folder, state, statePath);
  const identities = new Map((former?.identities ?? []).map((identity) => [identity.id, revive(identity)]));
  let frames = former?.frames ?? 0;
  let seconds = former?.seconds ?? 0;
  let removed = former?.removed ?? 0;
  let held = 0;
  let saved = performance.now();

  async function look(frame: RasterSource, row: Row, face: VideoFace & { id: number }): Promise<void> {
    const identity = identities.get(face.id)!;
    const promise = portraitPromise(face, frame.width, frame.height) * (face.state === 'detected' ? 1 : 0.25);
    const { portrait } = identity;
    const worthIt =
      !portrait || (promise > portrait.quality && (row.timestamp >= identity.due || promise > 1.2 * identity.promised));
    const region = worthIt ? portraitRegion(face.box, frame.width, frame.height) : null;
    if (!region) return;
    const side = Math.max(16, Math.min(PORTRAIT_SIDE, Math.round(region.width)));
    const pixels = await frame.rasterize(side, side, { region });
    const scale = side / region.width;
    const { box } = face;
    const quality =
      promise *
      sharpness(pixels, {
        x: (box.x - region.x) * scale,
        y: (box.y - region.y) * scale,
        width: box.width * scale,
        height: box.height * scale,
      });
    const better = !portrait || quality > portrait.quality;
    identity.wait = better ? SHORTEST_WAIT : Math.min(2 * identity.wait, LONGEST_WAIT);
    identity.due = row.timestamp + identity.wait;
    identity.promised = Math.max(identity.promised, promise);
    if (!better) return;
    if (!identity.pixels) held++;
    identity.pixels = pixels;
    identity.portrait = { frame: row.frame, timestamp: row.timestamp, box, score: face.score, quality: round(quality) };
  }

  /** Removes the identities that were seen least recently, beyond the limit. */
  async function removeOldest(): Promise<void> {
    for (const [id, { pixels }] of identities) {
      if (identities.size <= limit) return;
      identities.delete(id);
      removed++;
      if (pixels) held--;
      await guard(folder, () => rm(join(folder, imageName(id, true)), { force: true }));
    }
  }

  async function save(): Promise<void> {
    for (const identity of identities.values()) {
      if (!identity.pixels) continue;
      const bytes = await encodeJpeg(await loadFfmpeg(), identity.pixels);
      replaceFile(join(folder, imageName(identity.id, true)), bytes);
      identity.pixels = null;
    }
    held = 0;
    replaceFile(statePath, text(document()));
    saved = performance.now();
  }

  function document(): GalleryDocument {
    const shown = [...identities.values()].sort((a, b) => a.spans[0]![0] - b.spans[0]![0] || a.id - b.id);
    return {
      source,
      frames,
      seconds: round(seconds),
      ...(removed > 0 && { removed }),
      identities: shown.map(({ id, spans, frames, portrait }) => ({
        id,
        image: portrait ? imageName(id) : null,
        spans: spans.map(([from, to]) => [round(from), round(to)] as const),
        frames,
        portrait,
      })),
    };
  }

  function writePage(path: string, partial: boolean): void {
    if (page)
      replaceFile(
        path,
        page(document(), (id) => imageName(id, partial)),
      );
  }

  const partialPage = join(folder, 'index.partial.html');
  return {
    frames,
    async add(frame, row, until) {
      const known = row.frame < frames;
      for (const { id } of row.faces)
        if (id !== null && !(known && identities.has(id))) extend(identities, id, row, until);
      await Promise.all(
        row.faces
          .filter((face): face is VideoFace & { id: number } => face.id !== null)
          .map((face) => look(frame, row, face)),
      );
      if (Number.isFinite(limit)) {
        markSeen(identities, row);
        await removeOldest();
      }
      frames = Math.max(frames, row.frame + 1);
      seconds = Math.max(seconds, until);
      if (held >= HELD || performance.now() - saved > INTERVAL) await save();
    },
    restart() {
      identities.clear();
      frames = seconds = removed = 0;
    },
    async finish() {
      const before = await read(join(folder, 'identities.json'));
      await save();
      const { identities: all } = document();
      for (const { id, image } of all)
        if (image) nameUnlessNamed(join(folder, imageName(id, true)), join(folder, image));
      writePage(partialPage, false);
      renameOutput(statePath, join(folder, 'identities.json'));
      if (page) renameOutput(partialPage, join(folder, 'index.html'));
      // An earlier gallery's page would show other faces.
      else for (const path of [partialPage, join(folder, 'index.html')]) await rm(path, { force: true });
      // What an earlier gallery of this folder had more.
      const kept = new Set(all.map(({ image }) => image));
      for (const { image } of before?.identities ?? [])
        if (image && /^\d+\.jpg$/.test(image) && !kept.has(image)) await rm(join(folder, image), { force: true });
    },
    async leave() {
      await save();
      writePage(partialPage, true);
    },
    discard: () => forget(folder, document(), statePath),
  };
}

/** A run that ended while it gave names had named some already. */
function nameUnlessNamed(partial: string, path: string): void {
  if (existsSync(partial)) renameOutput(partial, path);
}

/** The file of an identity's portrait: `0007.jpg`, in the making `0007.partial.jpg`. */
function imageName(id: number, partial = false): string {
  return `${String(id).padStart(4, '0')}${partial ? '.partial' : ''}.jpg`;
}

/** Moves the identities of a row behind those that were seen earlier. */
function markSeen(identities: Map<number, Identity>, { faces }: Row): void {
  for (const { id } of faces) {
    const identity = id === null ? undefined : identities.get(id);
    if (!identity) continue;
    identities.delete(identity.id);
    identities.set(identity.id, identity);
  }
}

/** Counts a sighting. */
function extend(identities: Map<number, Identity>, id: number, { frame, timestamp }: Row, until: number): void {
  const known = identities.get(id);
  if (!known) {
    identities.set(id, {
      id,
      spans: [[timestamp, until]],
      frames: 1,
      last: frame,
      portrait: null,
      pixels: null,
      promised: 0,
      due: 0,
      wait: SHORTEST_WAIT,
    });
    return;
  }
  if (frame <= known.last) return;
  known.last = frame;
  known.frames++;
  const span = known.spans.at(-1)!;
  if (timestamp - span[1] <= GAP) span[1] = Math.max(span[1], until);
  else known.spans.push([timestamp, until]);
}

function revive({ id, spans, frames, portrait }: GalleryIdentity): Identity {
  return {
    id,
    spans: spans.map(([from, to]) => [from, to]),
    frames,
    last: -1,
    portrait,
    pixels: null,
    promised: 0,
    due: 0,
    wait: SHORTEST_WAIT,
  };
}

/** A line for each identity. */
function text({ identities, ...rest }: GalleryDocument): string {
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head},"identities":[\n${identities.map((identity) => JSON.stringify(identity)).join(',\n')}\n]}\n`;
}

async function read(path: string): Promise<GalleryDocument | undefined> {
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Partial<GalleryDocument>;
    const usable =
      typeof found.frames === 'number' &&
      Array.isArray(found.identities) &&
      found.identities.every(({ id, spans }) => Number.isInteger(id) && Array.isArray(spans) && spans.length > 0);
    return usable ? (found as GalleryDocument) : undefined;
  } catch {
    return undefined;
  }
}

/** Removes what an interrupted run left. */
async function forget(folder: string, state: GalleryDocument | undefined, statePath: string): Promise<void> {
  const images = (state?.identities ?? []).map(({ id }) => imageName(id, true));
  for (const path of [statePath, join(folder, 'index.partial.html'), ...images.map((name) => join(folder, name))])
    await guard(folder, () => rm(path, { force: true }));
}

async function guard<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw outputError(folder, cause);
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
