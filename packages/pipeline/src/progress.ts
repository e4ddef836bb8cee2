import { createOrientation, type Orientation } from './orientation.ts';
import type { Settings } from './options.ts';
import { createSchedule, type Schedule, type ScheduleState } from './schedule.ts';
import type { PendingRow, VideoSnapshot } from './types.ts';

/** The choices of key frames and orientations, made ahead of the results. */
export interface Choices {
  schedule: Schedule;
  /** The schedule after its choice for the last frame processed: it may have chosen for later frames already. */
  chosen: ScheduleState;
  orientation: Orientation;
  /** State of the orientation's choice for the last frame processed. */
  probed: number | null;
}

/** Progress in a video: all of its state apart from that of tracker, smoother and shot cuts. */
export interface Progress extends Choices {
  /** Index of the last frame whose result was given, or -1. */
  lastIndex: number;
  /** Index of the last frame that went through the tracker, or -1. */
  processed: number;
  /** Rows that look-ahead holds back. */
  pending: PendingRow[];
}

/** Frames that `'auto'` may choose ahead of the results at most, as it decides from earlier ones. */
export function lagOf({ detector: { concurrency } }: Settings): number {
  return Math.max(2 * concurrency, 2);
}

/** Progress before the first frame. */
export function newProgress(settings: Settings): Progress {
  return { ...newChoices(settings), lastIndex: -1, processed: -1, pending: [] };
}

function newChoices(settings: Settings): Choices {
  const { detectEvery, rotate, shotCuts, tracker } = settings;
  const lag = lagOf(settings);
  const schedule = createSchedule(detectEvery, lag, shotCuts && tracker !== null);
  return { schedule, chosen: schedule.capture(), orientation: createOrientation(rotate, lag), probed: null };
}

/** The choices for the frames processed, as plain data. */
export function snapshotChoices({ schedule, chosen, orientation, probed }: Choices) {
  return { schedule: schedule.snapshot(chosen), orientation: orientation.snapshot(probed) };
}

/** The choices of a snapshot. */
export function restoreChoices(settings: Settings, snapshot: Pick<VideoSnapshot, 'schedule' | 'orientation'>): Choices {
  const { schedule, orientation } = newChoices(settings);
  schedule.restore(snapshot.schedule);
  orientation.restore(snapshot.orientation);
  return { schedule, chosen: schedule.capture(), orientation, probed: snapshot.orientation.probed };
}
