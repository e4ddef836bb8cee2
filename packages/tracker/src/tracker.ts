import { createAssociation } from './association.ts';
import { isOtherUnit, isShortStep, nextCadence, otherUnitError, SECONDS, UNKNOWN } from './cadence.ts';
import { checkTime, checkUpdate, readDetections } from './input.ts';
import { advanceTracks, endTimedOut, isLive } from './lifecycle.ts';
import { resolveOptions } from './options.ts';
import { activeTracks, selectTracks } from './output.ts';
import { predictAll, predictTracks } from './prediction.ts';
import { readTracks, writeTracks } from './snapshot.ts';
import { matchStages } from './stages.ts';
import { createTable, LOST, REMOVED } from './table.ts';
import type { Detection, Track, Tracker, TrackerOptions, TrackerSnapshot, UpdateOptions } from './types.ts';
import { createWorkspace, loadTracks } from './workspace.ts';

/**
 * Creates a tracker: ByteTrack (Zhang et al., ECCV 2022) over any detections.
 *
 * Each track has a Kalman filter. High-score detections are matched with all tracks, low-score ones with the tracks
 * that are still unmatched. Time drives the tracker: a longer gap between updates is a longer prediction.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an option out of its range
 *
 * @example
 * const tracker = createTracker();
 * const detections = [{ box: { x: 10, y: 20, width: 40, height: 50 }, score: 0.9 }];
 * for (const track of tracker.update(detections, 0)) console.log(track.id, track.box);
 */
export function createTracker<D extends Detection = Detection>(options: TrackerOptions<D> = {}): Tracker<D> {
  const settings = resolveOptions(options);
  const { policy, lowScoreThreshold, maxUnseenSeconds, frameRate } = settings;
  const association = createAssociation();

  let work = createWorkspace(64);
  let table = createTable(64);
  let time: number | null = null;
  let cadence = UNKNOWN;
  let frame = 0;
  /** All tracks of the last update, also the lost ones. */
  let latest: readonly Track<D>[] = [];

  function update(detections: readonly D[], timestamp?: number, options: UpdateOptions = {}): Track<D>[] {
    const now = timestamp === undefined ? (time === null ? 0 : time + 1 / frameRate) : timestamp;
    checkUpdate(detections, now, time, options);
    work = loadTracks(work, table, detections.length);
    readDetections(detections, work, policy.edgePixels);
    const elapsed = time === null ? 0 : now - time;
    const step = { length: elapsed, hasFaces: table.count > 0 && detections.length > 0, maxUnseenSeconds };
    const cadenceNow = policy.checksTimeUnit && time !== null ? nextCadence(cadence, step) : cadence;
    if (isOtherUnit(cadenceNow)) throw otherUnitError((cadence = cadenceNow), maxUnseenSeconds);

    const steps = policy.updateSteps(elapsed);
    predictTracks(settings, work, steps, options.motion);
    endTimedOut(settings, work, now);
    matchStages(settings, work, association, { detections, steps });
    // Nothing throws from here on.
    advanceTracks(settings, work, association, { detections, time: now, frame: ++frame });
    time = now;
    cadence = cadenceNow;
    [table, work.tracks] = [work.tracks, table];
    const active = activeTracks(table, work, detections);
    latest = [...active, ...selectTracks<D>(table, (slot) => table.state[slot] === LOST)];
    return active;
  }

  function predict(timestamp: number): Track<D>[] {
    checkTime(timestamp, time, true);
    const elapsed = time === null ? 0 : timestamp - time;
    // Changes no track; it only shows that the timestamps of a video with rare key frames are seconds.
    if (elapsed > 0 && isShortStep(elapsed, maxUnseenSeconds)) cadence = SECONDS;
    work = loadTracks(work, table, 0);
    predictAll(settings, work.tracks, policy.predictionSteps(elapsed, frameRate));
    return selectTracks(work.tracks, (slot) => isLive(settings, work.tracks, slot, timestamp));
  }

  function cut(): void {
    table.count = 0;
    frame = 0;
    latest = [];
  }

  return {
    lowScoreThreshold,
    update,
    predict,
    cut,
    reset() {
      cut();
      time = null;
      cadence = UNKNOWN;
      table.nextId = 1;
    },
    snapshot: () => ({ version: 1, time, frame, nextId: table.nextId, tracks: writeTracks(table) }),
    restore(snapshot: TrackerSnapshot) {
      table = readTracks(snapshot);
      ({ time, frame } = snapshot);
      // Timestamps in another unit stay refused: a video detector restores its last snapshot after an error.
      if (!isOtherUnit(cadence)) cadence = time === null ? UNKNOWN : SECONDS;
      latest = selectTracks(table, (slot) => table.state[slot] !== REMOVED);
    },
    get tracks() {
      return latest;
    },
    get lost() {
      return latest.filter(({ state }) => state === 'lost');
    },
  };
}
