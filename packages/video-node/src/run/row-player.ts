import { FaceDetError } from '@facedet/core';
import type { FrameResult, VideoStatistics } from '@facedet/pipeline';
import type { VideoFrame } from '../read/frame.ts';
import type { Row } from './rows.ts';

/** What gives the frames of a run their faces: a video detector, or rows that exist. */
export interface FaceSource {
  run(
    frames: AsyncIterable<VideoFrame>,
    options?: { readonly signal?: AbortSignal },
  ): AsyncGenerator<FrameResult<VideoFrame>, void, undefined>;
  readonly statistics: VideoStatistics;
  snapshot(): FaceSourceSnapshot;
  restore(snapshot: FaceSourceSnapshot): void;
}

/** Where a source of faces is: `lastIndex` is the frame of its last result, -1 before the first. */
export interface FaceSourceSnapshot {
  readonly lastIndex: number;
}

/** Rows to play, and the statistics of the run that made them. */
export interface PlayedRows {
  /** By frame index. */
  readonly rows: readonly Row[];
  readonly statistics: VideoStatistics;
  /** Why the first failed frame failed. */
  readonly firstFailure?: string;
}

const NO_STATISTICS: VideoStatistics = {
  totalFrames: 0,
  avgFps: 0,
  avgFacesPerFrame: 0,
  identities: 0,
  detectedFrames: 0,
  refinedFrames: 0,
  droppedFrames: 0,
  failedFrames: 0,
  earlyResults: 0,
  shotCuts: 0,
  msPerFrame: { source: 0, detect: 0, track: 0, smooth: 0, consumer: 0 },
};

/**
 * Gives frames the faces of rows, which `load` brings when the first frame is asked for. A frame without a row throws
 * `TRACKS_INCOMPLETE`, and so do rows that no frame came for: nothing is shown that was not analyzed.
 */
export function createRowPlayer(load: () => Promise<PlayedRows>): FaceSource {
  let played: PlayedRows | undefined;
  let lastIndex = -1;
  return {
    async *run(frames, { signal } = {}) {
      const { rows, firstFailure = 'its analysis failed' } = (played ??= await load());
      signal?.throwIfAborted();
      for await (const frame of frames) {
        try {
          signal?.throwIfAborted();
          if (frame.index <= lastIndex) continue;
          const row = rows[frame.index];
          if (!row) throw differentFrames(`frame ${frame.index}`, rows.length);
          lastIndex = frame.index;
          yield resultOf(frame, row, firstFailure);
        } finally {
          frame.close();
        }
      }
      signal?.throwIfAborted();
      if (lastIndex + 1 < rows.length) throw differentFrames(`${lastIndex + 1} frames`, rows.length);
    },
    get statistics() {
      return played?.statistics ?? NO_STATISTICS;
    },
    snapshot: () => ({ lastIndex }),
    restore: (snapshot) => {
      lastIndex = snapshot.lastIndex;
    },
  };
}

function resultOf(frame: VideoFrame, row: Row, firstFailure: string): FrameResult<VideoFrame> {
  return {
    frame,
    index: frame.index,
    timestamp: frame.timestamp,
    faces: row.faces,
    unassigned: [],
    detectorRan: true,
    cut: row.cut ?? false,
    ...(row.failed && { error: new Error(firstFailure) }),
  };
}

function differentFrames(found: string, analyzed: number): FaceDetError {
  return new FaceDetError(
    'TRACKS_INCOMPLETE',
    `Expected the ${analyzed} frames that were analyzed but received ${found} when the video was read again. Do not ` +
      'change the file meanwhile; start again.',
  );
}
