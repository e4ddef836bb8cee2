import { type Point, type PixelBuffer, type RasterSource } from '@facedet/core';
import { drawFaces, type DrawableFace, type OverlayOptions } from '@facedet/draw';
import type { VideoFace } from '@facedet/pipeline';

/** Longest side of a picture on a live page, in pixels. */
const LONGEST = 960;

/** A frame as a live page shows it: at most 960 pixels long, faces marked. The frame has to be open until this settles. */
export async function livePicture(frame: RasterSource, faces: readonly VideoFace[], overlay: OverlayOptions | undefined): Promise<PixelBuffer> {
  const scale = Math.min(1, LONGEST / Math.max(frame.width, frame.height));
  const [width, height] = [Math.max(1, Math.round(frame.width * scale)), Math.max(1, Math.round(frame.height * scale))];
  const pixels = await frame.rasterize(width, height);
  if (overlay) drawFaces(pixels, faces.map((face) => scaled(face, width / frame.width, height / frame.height)), overlay);
  return pixels;
}

function scaled({ box, landmarks, id, score }: VideoFace, sx: number, sy: number): DrawableFace {
  return {
    id,
    score,
    box: { x: box.x * sx, y: box.y * sy, width: box.width * sx, height: box.height * sy },
    ...(landmarks && { landmarks: landmarks.map(({ x, y }): Point => ({ x: x * sx, y: y * sy })) as NonNullable<VideoFace['landmarks']> }),
  };
}
