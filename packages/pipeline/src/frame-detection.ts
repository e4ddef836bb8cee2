import {
  isRasterSource,
  type DetectOptions,
  type Face,
  type Frame,
  type ImageSource,
  type PixelBuffer,
  type RasterSource,
  type Rotate,
} from '@facedet/core';
import { checkFaces } from './check-faces.ts';
import type { Settings } from './options.ts';
import { detectAround } from './refine.ts';
import { thumbnailOf, thumbnailOfSource, type Thumbnail } from './shot-thumbnail.ts';
import type { StatisticsCounter } from './statistics.ts';

/** What the detector found in one frame, checked; `error` where it failed. */
export interface FrameDetections {
  readonly faces: readonly Face[];
  /** Of the pixels that the detector asked for, where shot cuts are found in them. */
  readonly thumbnail: Thumbnail | null;
  readonly error?: unknown;
}

/** Runs the detector on frames; both reject only with the reason of an aborted signal. */
export interface FrameDetection {
  /** On the whole frame, in the orientation(s) `rotate`. */
  detectFrame(frame: Frame, rotate: Rotate, signal?: AbortSignal): Promise<FrameDetections>;
  /** On crops around the predicted faces; null without `refine` or where no face is expected. */
  detectInCrops(frame: Frame, rotate: Rotate, signal?: AbortSignal): Promise<FrameDetections | null>;
}

/** Seconds for which crops are made around a lost track; later predictions are too inaccurate. */
const MAX_LOST_REFINE_SECONDS = 0.5;

/** The detector as the options want it: with the tracker's low score, and a tap for shot cuts. */
export function createFrameDetection(settings: Settings, statistics: StatisticsCounter): FrameDetection {
  const { detector, tracker, refine, scoreThreshold } = settings;
  // With skipped frames the schedule tests every frame for shot cuts, on a small copy.
  const tapped = settings.shotCuts && tracker !== null && settings.detectEvery === 1;
  const asked: DetectOptions = scoreThreshold === undefined ? {} : { scoreThreshold };

  return {
    async detectFrame(frame, rotate, signal) {
      const begin = performance.now();
      let thumbnail: Thumbnail | null = null;
      try {
        const image = tapped ? tapPixels(frame, (pixels) => (thumbnail = thumbnailOf(pixels))) : frame;
        const faces = await detector.detect(image, { ...asked, rotate, ...(signal ? { signal } : {}) });
        checkFaces(faces);
        // A detector that never asked for the whole picture, or decodes it itself.
        if (tapped) thumbnail ??= await thumbnailOfSource(frame);
        return { faces, thumbnail };
      } catch (error) {
        signal?.throwIfAborted();
        return { faces: [], thumbnail, error };
      } finally {
        statistics.spent('detect', performance.now() - begin);
      }
    },
    async detectInCrops(frame, rotate, signal) {
      if (!refine || !tracker) return null;
      const begin = performance.now();
      const { timestamp } = frame;
      try {
        const boxes = tracker
          .predict(timestamp)
          .filter((t) => t.state !== 'lost' || timestamp - t.lastSeen < MAX_LOST_REFINE_SECONDS)
          .map((t) => t.box);
        if (!boxes.length) return null;
        return {
          faces: await detectAround(detector, frame, boxes, { ...refine, ...asked, rotate }, signal),
          thumbnail: null,
        };
      } catch (error) {
        signal?.throwIfAborted();
        return { faces: [], thumbnail: null, error };
      } finally {
        statistics.spent('detect', performance.now() - begin);
      }
    },
  };
}

/**
 * A view of a source that shows the first whole picture that is asked for, before its pixels leave for another thread.
 */
function tapPixels(image: ImageSource, onPixels: (pixels: PixelBuffer) => void): ImageSource {
  if (!isRasterSource(image)) {
    onPixels(image);
    return image;
  }
  let reported = false;
  const view: RasterSource = {
    width: image.width,
    height: image.height,
    async rasterize(width, height, options) {
      const pixels = await image.rasterize(width, height, options);
      if (!reported && !options?.region) {
        reported = true;
        onPixels(pixels);
      }
      return pixels;
    },
  };
  return view;
}
