import { type Point, type PixelBuffer, type RasterSource } from '@facedet/core';
import { drawPixels, type DrawableFace, type OverlayOptions } from '@facedet/draw';
import type { VideoFace } from '@facedet/pipeline';

/** What is shown of one frame. */
export interface PreviewUpdate {
  /** The picture as it is to be seen, or what makes it: called only where somebody watches. */
  readonly image: PixelBuffer | (() => Promise<PixelBuffer>);
  readonly faces: readonly VideoFace[];
  readonly index: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly statistics: { readonly identities: number };
}

/** Whatever shows a run while it goes on: a page, a window. */
export interface Preview {
  /** Settles when the picture is taken: the frame may be closed then. A rejection ends the run. */
  push(update: PreviewUpdate): Promise<void>;
}

/** Longest side of a preview's picture, in pixels. */
const LONGEST = 960;

/**
 * A frame as a preview shows it: at most 960 pixels long, faces marked. The frame has to be open until this settles.
 */
export async function previewPicture(
  frame: RasterSource,
  faces: readonly VideoFace[],
  overlay: OverlayOptions | undefined,
): Promise<PixelBuffer> {
  const scale = Math.min(1, LONGEST / Math.max(frame.width, frame.height));
  const [width, height] = [Math.max(1, Math.round(frame.width * scale)), Math.max(1, Math.round(frame.height * scale))];
  const pixels = await frame.rasterize(width, height);
  if (overlay)
    drawPixels(
      pixels,
      faces.map((face) => scaled(face, width / frame.width, height / frame.height)),
      overlay,
    );
  return pixels;
}

function scaled({ box, landmarks, id, score }: VideoFace, sx: number, sy: number): DrawableFace {
  return {
    id,
    score,
    box: { x: box.x * sx, y: box.y * sy, width: box.width * sx, height: box.height * sy },
    ...(landmarks && {
      landmarks: landmarks.map(({ x, y }): Point => ({ x: x * sx, y: y * sy })) as NonNullable<VideoFace['landmarks']>,
    }),
  };
}
