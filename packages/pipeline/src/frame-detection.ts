import type { DetectOptions, Face, Frame } from '@facedet/core';
import { checkFaces } from './check-faces.ts';
import type { Settings } from './options.ts';
import { detectAround } from './refine.ts';
import { observed, signatureOf, type Signature } from './shot-cut.ts';
import type { StatisticsCounter } from './statistics.ts';

/** What the detector found in one frame, checked; `error` where it failed. */
export interface FrameDetections {
  readonly faces: readonly Face[];
  /** Of the frame's pixels, where shot cuts are looked for. */
  readonly signature: Signature | null;
  readonly error?: unknown;
}

/** Runs the detector on frames; both reject only with the reason of an aborted signal. */
export interface FrameDetection {
  /** On the whole frame. */
  detectFrame(frame: Frame, signal?: AbortSignal): Promise<FrameDetections>;
  /** On crops around the predicted faces; null where that is not wanted or nobody is expected. */
  detectInCrops(frame: Frame, signal?: AbortSignal): Promise<FrameDetections | null>;
}

/** For how long a lost track is looked for in crops, seconds: its prediction is worth little by then. */
const MAX_LOST_REFINE_SECONDS = 0.5;

/** The detector as the options want it: with the tracker's low score, and a tap for shot cuts. */
export function createFrameDetection(settings: Settings, statistics: StatisticsCounter): FrameDetection {
  const { detector, tracker, refine, scoreThreshold } = settings;
  const shotCuts = settings.shotCuts && tracker !== null;
  const asked: DetectOptions = scoreThreshold === undefined ? {} : { scoreThreshold };

  return {
    async detectFrame(frame, signal) {
      const begin = performance.now();
      let signature: Signature | null = null;
      try {
        const image = shotCuts ? observed(frame, (pixels) => (signature = signatureOf(pixels))) : frame;
        const faces = await detector.detect(image, { ...asked, ...(signal ? { signal } : {}) });
        checkFaces(faces);
        return { faces, signature };
      } catch (error) {
        signal?.throwIfAborted();
        return { faces: [], signature: null, error };
      } finally {
        statistics.spent('detect', performance.now() - begin);
      }
    },
    async detectInCrops(frame, signal) {
      if (!refine || !tracker) return null;
      const begin = performance.now();
      const { timestamp } = frame;
      try {
        const boxes = tracker
          .predict(timestamp)
          .filter((t) => t.state !== 'lost' || timestamp - t.lastSeen < MAX_LOST_REFINE_SECONDS)
          .map((t) => t.box);
        if (!boxes.length) return null;
        return { faces: await detectAround(detector, frame, boxes, { ...refine, ...asked }, signal), signature: null };
      } catch (error) {
        signal?.throwIfAborted();
        return { faces: [], signature: null, error };
      } finally {
        statistics.spent('detect', performance.now() - begin);
      }
    },
  };
}
