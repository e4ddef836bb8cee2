import type { FrameResult, VideoStatistics } from './types.ts';

/** Where a run's time goes. */
export type Stage = 'source' | 'detect' | 'track' | 'smooth' | 'consumer';

/** Counts what a run does. */
export interface StatisticsCounter {
  begin(): void;
  /** Adds milliseconds to a stage. */
  spent(stage: Stage, ms: number): void;
  result(result: FrameResult, refined: boolean): void;
  dropped(): void;
  /** A result is given early. */
  early(): void;
  readonly value: VideoStatistics;
  reset(): void;
}

/** A counter at zero. */
export function createStatistics(): StatisticsCounter {
  let start = 0;
  let end = 0;
  let totals = { frames: 0, faces: 0, detected: 0, refined: 0, dropped: 0, failed: 0, early: 0, cuts: 0 };
  let spent: Record<Stage, number> = { source: 0, detect: 0, track: 0, smooth: 0, consumer: 0 };
  let ids = new Set<number>();
  return {
    begin() {
      if (!start) start = performance.now();
    },
    spent(stage, ms) {
      spent[stage] += ms;
    },
    result({ faces, detectorRan, error, cut }, refined) {
      totals.frames++;
      totals.faces += faces.length;
      if (error) totals.failed++;
      else if (detectorRan) totals[refined ? 'refined' : 'detected']++;
      if (cut) totals.cuts++;
      for (const { id } of faces) if (id !== null) ids.add(id);
      end = performance.now();
    },
    dropped() {
      totals.dropped++;
    },
    early() {
      totals.early++;
    },
    get value() {
      const per = (ms: number) => (totals.frames ? ms / totals.frames : 0);
      return {
        totalFrames: totals.frames,
        avgFps: end > start ? (1000 * totals.frames) / (end - start) : 0,
        avgFacesPerFrame: per(totals.faces),
        identities: ids.size,
        detectedFrames: totals.detected,
        refinedFrames: totals.refined,
        droppedFrames: totals.dropped,
        failedFrames: totals.failed,
        earlyResults: totals.early,
        shotCuts: totals.cuts,
        msPerFrame: {
          source: per(spent.source),
          detect: per(spent.detect),
          track: per(spent.track),
          smooth: per(spent.smooth),
          consumer: per(spent.consumer),
        },
      };
    },
    reset() {
      start = end = 0;
      totals = { frames: 0, faces: 0, detected: 0, refined: 0, dropped: 0, failed: 0, early: 0, cuts: 0 };
      spent = { source: 0, detect: 0, track: 0, smooth: 0, consumer: 0 };
      ids = new Set();
    },
  };
}
