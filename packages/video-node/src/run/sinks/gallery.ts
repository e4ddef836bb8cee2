import { openGallery, type Gallery, type GalleryPage } from '../gallery.ts';
import type { Sink } from './sink.ts';

/** A gallery in progress. */
export interface GallerySink extends Sink {
  readonly gallery: Gallery;
}

/** Keeps the best crop of each track. */
export async function openGallerySink(
  folder: string,
  options: { source: string; resume: boolean; limit?: number; page?: GalleryPage },
): Promise<GallerySink> {
  const gallery = await openGallery(folder, options);
  return {
    gallery,
    frames: gallery.frames,
    write: ({ frame, row, until }) => gallery.add(frame, row, until),
    complete: () => gallery.leave(),
    commit: () => gallery.finish(),
    leave: () => gallery.leave().catch(() => {}),
    discard: () => gallery.discard(),
  };
}
