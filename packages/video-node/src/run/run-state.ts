import type { VideoMetadata } from '../read/metadata.ts';
import type { VideoInput } from '../read/open-video.ts';
import type { Sink } from './sinks/sink.ts';

/** What a run has open, and what becomes of it when the run ends. */
export interface RunState {
  /** The source; another one from where an interrupted run ended. */
  video: VideoInput;
  readonly metadata: VideoMetadata;
  sinks: readonly Sink[];
  /** Writes the state for `resume` once more, if it is that of the last frame. */
  keepLast: () => void;
  unlock: () => void;
  removeManifests: () => void;
  /** Whether nothing was written yet that is worth keeping after an error. */
  leavesNothing: boolean;
}

export function newRunState(video: VideoInput): RunState {
  const nothing = () => {};
  return {
    video,
    metadata: video.metadata,
    sinks: [],
    keepLast: nothing,
    unlock: nothing,
    removeManifests: nothing,
    leavesNothing: false,
  };
}

/** Leaves the outputs of a run that failed readable under their partial names, or removes them. */
export async function endFailedRun(state: RunState): Promise<void> {
  if (!state.leavesNothing) {
    for (const sink of state.sinks) await sink.leave();
    return;
  }
  for (const sink of state.sinks) await sink.discard();
  state.removeManifests();
}
