import type { Box, PixelBuffer, RasterSource } from '@facedet/core';
import type { VideoFace } from '@facedet/pipeline';
import { CROP_SIDE, cropPromise, cropRegion, sharpness } from './crop-quality.ts';
import { imageName, type GalleryTrack } from './gallery-document.ts';
import type { Row } from './rows.ts';

/** Seconds between two appearances that are listed as one. */
const GAP = 0.5;
/** Seconds until the next attempt at a better crop. */
const [SHORTEST_WAIT, LONGEST_WAIT] = [0.1, 2];

/** A face of a track. */
export type TrackFace = VideoFace & { id: number };

/** What a gallery knows of a track. */
export interface TrackEntry {
  readonly id: number;
  readonly spans: [number, number][];
  frames: number;
  last: number;
  crop: GalleryTrack['crop'];
  /** A crop that is not on the disk yet. */
  pixels: PixelBuffer | null;
  /** Highest quality that an attempt so far could have had. */
  promised: number;
  /** When the next ordinary attempt is due, and how long to wait if it fails, in seconds. */
  due: number;
  wait: number;
}

/** An entry as an interrupted run left it. */
export function restoreEntry({ id, spans, frames, crop }: GalleryTrack): TrackEntry {
  return { ...newEntry(id), spans: spans.map(([from, to]) => [from, to]), frames, crop };
}

/** Counts a frame of a track; `until` is when the frame is no longer shown, in seconds. A frame counts once. */
export function countFrame(
  entries: Map<number, TrackEntry>,
  id: number,
  { frame, timestamp, until }: { frame: number; timestamp: number; until: number },
): void {
  const known = entries.get(id);
  if (!known) {
    entries.set(id, { ...newEntry(id), spans: [[timestamp, until]], frames: 1, last: frame });
    return;
  }
  if (frame <= known.last) return;
  known.last = frame;
  known.frames++;
  const span = known.spans.at(-1)!;
  if (timestamp - span[1] <= GAP) span[1] = Math.max(span[1], until);
  else known.spans.push([timestamp, until]);
}

/** Moves the tracks of a row behind those that were seen earlier. */
export function markSeen(entries: Map<number, TrackEntry>, { faces }: Row): void {
  for (const { id } of faces) {
    const entry = id === null ? undefined : entries.get(id);
    if (!entry) continue;
    entries.delete(entry.id);
    entries.set(entry.id, entry);
  }
}

/** Takes a crop of a face where it can be better than the one so far, and keeps it where it is. */
export async function tryCrop(entry: TrackEntry, frame: RasterSource, row: Row, face: TrackFace): Promise<void> {
  const promise = cropPromise(face, frame.width, frame.height) * (face.state === 'detected' ? 1 : 0.25);
  const { crop } = entry;
  const isDue = row.timestamp >= entry.due || promise > 1.2 * entry.promised;
  const region = !crop || (promise > crop.quality && isDue) ? cropRegion(face.box, frame.width, frame.height) : null;
  if (!region) return;
  const side = Math.max(16, Math.min(CROP_SIDE, Math.round(region.width)));
  const pixels = await frame.rasterize(side, side, { region });
  const quality = promise * sharpness(pixels, within(face.box, region, side));
  const isBetter = !crop || quality > crop.quality;
  entry.wait = isBetter ? SHORTEST_WAIT : Math.min(2 * entry.wait, LONGEST_WAIT);
  entry.due = row.timestamp + entry.wait;
  entry.promised = Math.max(entry.promised, promise);
  if (!isBetter) return;
  entry.pixels = pixels;
  entry.crop = {
    frame: row.frame,
    timestamp: row.timestamp,
    box: face.box,
    score: face.score,
    quality: round(quality),
  };
}

/** The tracks as a document lists them, by first appearance. */
export function listTracks(entries: Iterable<TrackEntry>): GalleryTrack[] {
  return [...entries]
    .sort((a, b) => a.spans[0]![0] - b.spans[0]![0] || a.id - b.id)
    .map(({ id, spans, frames, crop }) => ({
      id,
      image: crop ? imageName(id) : null,
      spans: spans.map(([from, to]) => [round(from), round(to)] as const),
      frames,
      crop,
    }));
}

/** To three decimals. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function newEntry(id: number): TrackEntry {
  return { id, spans: [], frames: 0, last: -1, crop: null, pixels: null, promised: 0, due: 0, wait: SHORTEST_WAIT };
}

/** A box in pixels of a region's raster, whose sides have `side` pixels. */
function within(box: Box, region: Box, side: number): Box {
  const scale = side / region.width;
  return {
    x: (box.x - region.x) * scale,
    y: (box.y - region.y) * scale,
    width: box.width * scale,
    height: box.height * scale,
  };
}
