import type { PassedOver } from './inputs.ts';

/** The counts of a run; every run ends with a line of them. */
export interface RunCounts {
  /** Inputs completed by this run. */
  readonly files: number;
  /** Name of an input. Default `file`. */
  readonly unit?: 'file' | 'source';
  /** Frames of videos. */
  readonly frames?: number;
  /** Faces in all pictures and frames. */
  readonly faces?: number;
  readonly tracks?: number;
  /** Frames that could not be analyzed: masked whole, or without detections. */
  readonly maskedFrames?: number;
  readonly failedFrames?: number;
  /** Inputs that failed. */
  readonly failures: number;
  /** Files and folders that are not inputs. */
  readonly skipped?: number;
  /** Inputs that an earlier run completed, and those that were not tried. */
  readonly doneBefore?: number;
  readonly left?: number;
}

/** `facedet: 2 files done, 250 frames, 14 faces, 1 frame masked whole, 0 failures, 3 skipped`. */
export function countsLine(counts: RunCounts, note = ''): string {
  const {
    files,
    unit = 'file',
    frames,
    faces,
    tracks,
    maskedFrames = 0,
    failedFrames = 0,
    failures,
    skipped = 0,
    doneBefore = 0,
    left = 0,
  } = counts;
  const parts = [
    `${counted(files, unit)} done`,
    ...(frames === undefined ? [] : [counted(frames, 'frame')]),
    ...(faces === undefined ? [] : [counted(faces, 'face')]),
    ...(tracks === undefined ? [] : [counted(tracks, 'track')]),
    ...(maskedFrames > 0 ? [`${counted(maskedFrames, 'frame')} masked whole`] : []),
    ...(failedFrames > 0 ? [`${counted(failedFrames, 'frame')} without detections`] : []),
    ...(doneBefore > 0 ? [`${counted(doneBefore, unit)} done before`] : []),
    ...(left > 0 ? [`${counted(left, unit)} not processed`] : []),
    counted(failures, 'failure'),
    `${skipped} skipped`,
  ];
  return `facedet: ${parts.join(', ')}${note}`;
}

/** `1 face`, `2 faces`. */
export function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

/** How many files and folders were passed over. */
export function skippedIn(passed: readonly PassedOver[]): number {
  return passed.reduce((sum, { counts }) => sum + Object.values(counts).reduce((all, n) => all + n, 0), 0);
}
