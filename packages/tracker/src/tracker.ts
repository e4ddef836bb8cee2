import { checkOptionNames } from '@facedet/checks';
import { createAssociation } from './association.ts';
import { afterStep, isShort, noSeconds, notSeconds, SECONDS, UNKNOWN } from './cadence.ts';
import { checkDetections, checkMotion, checkTime, readDetections } from './input.ts';
import { MEAN, predict as predictState, warp } from './kalman.ts';
import {
  dropEnded,
  expireCompat,
  hasEnded,
  mergeDuplicates,
  startTracks,
  updateTrack,
  type Update,
} from './lifecycle.ts';
import { REFERENCE_RATE, resolveOptions } from './options.ts';
import { readTracks, writeTracks } from './snapshot.ts';
import { matchStages } from './stages.ts';
import { compact, copyTable, createTable, describe, LOST, REMOVED, TENTATIVE, type TrackTable } from './table.ts';
import type {
  CameraMotion,
  Detection,
  Track,
  Tracker,
  TrackerOptions,
  TrackerSnapshot,
  UpdateOptions,
} from './types.ts';
import { createWorkspace, reserve, writeCorners } from './workspace.ts';

/** The names in `UpdateOptions`. */
const UPDATE_OPTIONS: readonly (keyof UpdateOptions)[] = ['motion'];

/** Share of its height that a track's prediction keeps at least, however long the gap and however fast it shrank. */
const MIN_SHRINK = 0.25;

/**
 * ByteTrack (Zhang et al., ECCV 2022) over any detections: a Kalman filter for each identity, detections of high
 * scores compared with all tracks, those of low scores with the tracks still unmatched. Time drives it: a longer gap
 * between updates is a longer prediction.
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
  const { lowScoreThreshold, maxUnseenSeconds, frameRate, compat } = settings;
  const association = createAssociation();
  // IoU counts one pixel more on each side in the original.
  const extra = compat ? 1 : 0;
  const work = createWorkspace();

  let table = createTable(64);
  let time: number | null = null;
  let cadence = UNKNOWN;
  let frame = 0;
  let nextId = 1;
  let latest: readonly Track<D>[] = [];

  function update(detections: readonly D[], timestamp?: number, options: UpdateOptions = {}): Track<D>[] {
    checkOptionNames(options, UPDATE_OPTIONS, '', 'the options of update');
    const { motion } = options;
    const now = timestamp === undefined ? (time === null ? 0 : time + 1 / frameRate) : timestamp;
    checkTime(now, time, false);
    if (motion !== undefined) checkMotion(motion);
    checkDetections(detections);
    reserve(work, table.count, detections.length);
    readDetections(detections, work.detectionBoxes, work.scores, extra);
    const faces = table.count > 0 && detections.length > 0;
    const nextCadence = compat || time === null ? cadence : afterStep(cadence, now - time, maxUnseenSeconds, faces);
    if (noSeconds(nextCadence)) {
      cadence = nextCadence;
      throw notSeconds(cadence, maxUnseenSeconds);
    }

    const steps = compat ? 1 : time === null ? 0 : (now - time) * REFERENCE_RATE;
    predictTracks(steps, motion);
    writeCorners(work, extra);
    dropEnded(settings, work, now);
    matchStages(settings, work, association, detections, steps);
    // From here on nothing throws.
    frame++;
    const step: Update<D> = { detections, time: now, frame };
    for (let slot = 0; slot < work.tracks.count; slot++) updateTrack(settings, work, slot, step);
    nextId = startTracks(settings, work, step, nextId);
    if (compat) expireCompat(settings, work, frame);
    mergeDuplicates(settings, work, association, step);
    compact(work.tracks, work.drop, work.moved);
    time = now;
    cadence = nextCadence;
    [table, work.tracks] = [work.tracks, table];
    const tracks = tracksOf(detections);
    latest = tracks;
    return tracks;
  }

  /** Copies the tracks into the workspace and moves them on. */
  function predictTracks(steps: number, motion?: CameraMotion): void {
    copyTable(table, work.tracks);
    const { count, state, mean, covariance } = work.tracks;
    for (let slot = 0; slot < count; slot++) {
      if (!compat || state[slot] !== TENTATIVE) predictTrack(work.tracks, slot, steps);
      if (motion) warp(mean, covariance, slot, motion);
    }
  }

  function predictTrack(tracks: TrackTable, slot: number, steps: number): void {
    const { mean, covariance } = tracks;
    const m = slot * MEAN;
    const aspect = mean[m + 2]!;
    const height = mean[m + 3]!;
    // As in the original: what isn't seen must not go on to grow or shrink.
    if (tracks.state[slot]! >= LOST) mean[m + 7] = 0;
    predictState(mean, covariance, slot, steps);
    if (compat) return;
    mean[m + 2] = Math.max(mean[m + 2]!, aspect * MIN_SHRINK);
    mean[m + 3] = Math.max(mean[m + 3]!, height * MIN_SHRINK);
  }

  /** The tracks of `table` after an update: by detection, then those without one. */
  function tracksOf(detections: readonly D[]): Track<D>[] {
    const tracks: Track<D>[] = [];
    for (let i = 0; i < detections.length; i++) {
      const slot = work.owner[i]!;
      if (slot === -1 || work.drop[slot]) continue;
      tracks.push(describe(table, work.moved[slot]!, detections[i]!, i));
    }
    for (let slot = 0; slot < table.count; slot++) {
      if (table.state[slot]! === LOST) tracks.push(describe<D>(table, slot, null, -1));
    }
    return tracks;
  }

  /** The tracks in the slots of a table that are wanted, without detections, oldest first. */
  const describeAll = (from: TrackTable, wanted: (slot: number) => boolean) =>
    Array.from({ length: from.count }, (_, slot) => slot)
      .filter(wanted)
      .map((slot) => describe<D>(from, slot, null, -1));

  function predict(timestamp: number): Track<D>[] {
    checkTime(timestamp, time, true);
    // No state of the tracks: it only spares a video with rare key frames the question what unit its times are in.
    if (time !== null && timestamp > time && isShort(timestamp - time, maxUnseenSeconds)) cadence = SECONDS;
    reserve(work, table.count, 0);
    copyTable(table, work.tracks);
    const { tracks } = work;
    const steps = time === null ? 0 : (timestamp - time) * (compat ? frameRate : REFERENCE_RATE);
    for (let slot = 0; slot < tracks.count; slot++) predictTrack(tracks, slot, steps);
    // The original's clock is the number of updates: none has passed.
    const live = (slot: number) =>
      (compat && tracks.state[slot]! < LOST) || !hasEnded(settings, tracks, slot, timestamp);
    return describeAll(tracks, (slot) => tracks.state[slot] !== REMOVED && live(slot));
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
      nextId = 1;
    },
    snapshot: () => ({ version: 1, time, frame, nextId, tracks: writeTracks(table) }),
    restore(snapshot: TrackerSnapshot) {
      table = readTracks(snapshot);
      ({ time, frame, nextId } = snapshot);
      // Times that were found not to be seconds stay so: a video detector goes back to the snapshot of the last frame.
      if (!noSeconds(cadence)) cadence = time === null ? UNKNOWN : SECONDS;
      latest = describeAll(table, (slot) => table.state[slot]! < REMOVED);
    },
    get tracks() {
      return latest;
    },
  };
}
