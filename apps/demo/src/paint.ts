import { anonymizeCanvas, drawCanvas, type DrawableFace, type Trails } from '@facedet/draw';
import type { VideoFace } from '@facedet/pipeline';
import type { WebFrame } from '@facedet/runtime-web';
import type { Settings } from './elements.ts';

/** One frame and what is drawn on it. */
export interface Painting {
  readonly frame: WebFrame;
  readonly faces: readonly VideoFace[];
  /** The faces before smoothing. */
  readonly raw: readonly DrawableFace[];
  readonly trails: Trails;
  readonly settings: Settings;
}

/** Draws a frame, masks or marks its faces, and, for comparison, the boxes before smoothing as thin dashes. */
export function paint(ctx: CanvasRenderingContext2D, { frame, faces, raw, trails, settings }: Painting): void {
  const { canvas } = ctx;
  const [width, height] = [frame.width, frame.height];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  ctx.drawImage(frame.image, 0, 0, width, height);
  if (settings.hide !== 'none') anonymizeCanvas(ctx, faces, { effect: settings.hide });
  const ways = trails.update(faces, frame.timestamp);
  drawCanvas(ctx, faces, {
    boxes: settings.boxes,
    landmarks: settings.landmarks && settings.hide === 'none',
    labels: settings.labels,
    ...(settings.trails ? { trails: ways } : {}),
  });
  if (!settings.compare) return;
  ctx.save();
  ctx.strokeStyle = '#fff';
  ctx.lineWidth = Math.max(1, width / 960);
  ctx.setLineDash([4, 4]);
  for (const { box } of raw) ctx.strokeRect(box.x, box.y, box.width, box.height);
  ctx.restore();
}
