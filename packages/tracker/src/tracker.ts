import { checkOptionNames } from '@facedet/checks';
import { createAssociation, type Cost } from './association.ts';
import { afterStep, isShort, noSeconds, notSeconds, SECONDS, UNKNOWN } from './cadence.ts';
import { checkAffinity, checkDetections, checkMotion, checkTime, readDetections } from './input.ts';
import { correct, COVARIANCE, initiate, MEAN, predict as predictState, warp } from './kalman.ts';
import {
  DUPLICATE_THRESHOLD,
  GAP_EXPONENT,
  LOW_MATCH_THRESHOLD,
  LOW_SCORE_SPREAD,
  MAX_GAP_STEPS,
  REFERENCE_RATE,
  resolveOptions,
  SIMILAR_SIZE,
  TENTATIVE_MATCH_THRESHOLD,
} from './options.ts';
import type { Choice } from './overlap.ts';
import { readTracks, writeTracks } from './snapshot.ts';
import {
  compact,
  copyTable,
  createTable,
  describe,
  LOST,
  REMOVED,
  TENTATIVE,
  TRACKED,
  withCapacity,
  type TrackTable,
} from './table.ts';
import type {
  CameraMotion,
  Detection,
  Track,
  Tracker,
  TrackerOptions,
  TrackerSnapshot,
  UpdateOptions,
} from './types.ts';

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
  const {
    scoreThreshold,
    lowScoreThreshold,
    newTrackThreshold,
    matchThreshold,
    maxLostSeconds,
    maxUnseenSeconds,
    frameRate,
    compat,
    affinity,
    minAffinity,
  } = resolveOptions(options);
  const maxLostFrames = Math.floor(frameRate * maxLostSeconds + 1e-9);
  const extra = compat ? 1 : 0;
  const { associate, visitOverlaps } = createAssociation();

  let table = createTable(64);
  let next = createTable(64); // where a frame is worked out, so that an error leaves `table` as it was
  let time: number | null = null;
  let cadence = UNKNOWN;
  let frame = 0;
  let nextId = 1;
  let latest: readonly Track<D>[] = [];

  // Room for one frame, by slot or by detection.
  let trackBoxes = new Float64Array(0);
  let match = new Int32Array(0);
  let drop = new Uint8Array(0);
  let moved = new Int32Array(0);
  let reach = new Float64Array(0);
  let rowIndex = new Int32Array(0);
  let rowToCol = new Int32Array(0);
  let detectionBoxes = new Float64Array(0);
  let scores = new Float64Array(0);
  let owner = new Int32Array(0);
  let colIndex = new Int32Array(0);

  function reserve(tracks: number, detections: number): void {
    next = withCapacity(next, tracks + detections);
    if (match.length < tracks + detections) {
      const room = 2 * (tracks + detections);
      trackBoxes = new Float64Array(4 * room);
      match = new Int32Array(room);
      drop = new Uint8Array(room);
      moved = new Int32Array(room);
      reach = new Float64Array(room);
      rowIndex = new Int32Array(room);
      rowToCol = new Int32Array(room);
    }
    if (owner.length < detections) {
      detectionBoxes = new Float64Array(8 * detections);
      scores = new Float64Array(2 * detections);
      owner = new Int32Array(2 * detections);
      colIndex = new Int32Array(2 * detections);
    }
  }

  function update(detections: readonly D[], timestamp?: number, options: UpdateOptions = {}): Track<D>[] {
    checkOptionNames(options, UPDATE_OPTIONS, '', 'the options of update');
    const { motion } = options;
    const now = timestamp === undefined ? (time === null ? 0 : time + 1 / frameRate) : timestamp;
    checkTime(now, time, false);
    if (motion !== undefined) checkMotion(motion);
    checkDetections(detections);
    reserve(table.count, detections.length);
    readDetections(detections, detectionBoxes, scores, extra);
    const faces = table.count > 0 && detections.length > 0;
    const nextCadence = compat || time === null ? cadence : afterStep(cadence, now - time, maxUnseenSeconds, faces);
    if (noSeconds(nextCadence)) {
      cadence = nextCadence;
      throw notSeconds(cadence, maxUnseenSeconds);
    }

    const steps = compat ? 1 : time === null ? 0 : (now - time) * REFERENCE_RATE;
    advance(steps, motion);
    associateAll(detections, now, steps);
    // From here on nothing throws.
    frame++;
    for (let slot = 0; slot < next.count; slot++) follow(slot, detections, now);
    begin(detections, now);
    if (compat) expireAsTheOriginal();
    dropDuplicates(detections, now);
    compact(next, drop, moved);
    time = now;
    cadence = nextCadence;
    [table, next] = [next, table];
    const tracks = emit(detections);
    latest = tracks;
    return tracks;
  }

  /** Copies `table` into `next` and moves its tracks on. */
  function advance(steps: number, motion?: CameraMotion): void {
    copyTable(table, next);
    for (let slot = 0; slot < next.count; slot++) {
      if (!compat || next.state[slot] !== TENTATIVE) step(next, slot, steps);
      if (motion) warp(next.mean, next.covariance, slot, motion);
    }
  }

  function step(tracks: TrackTable, slot: number, steps: number): void {
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

  /**
   * Fills `match` (a detection for each slot, or -1) and `owner` (a slot for each detection, or -1) in ByteTrack's
   * three rounds.
   */
  function associateAll(detections: readonly D[], now: number, steps: number): void {
    const { count, state } = next;
    match.fill(-1, 0, count);
    owner.fill(-1, 0, detections.length);
    outline(count);
    for (let slot = 0; slot < count; slot++) drop[slot] = !compat && hasEnded(next, slot, now) ? 1 : 0;
    let usual = 1 - matchThreshold;
    const fused: Cost = (row, col, iou) => {
      const similarity = iou * scores[cols.index[col]!]!;
      return similarity > usual || sizeRatio(4 * rows.index[row]!, 4 * cols.index[col]!) >= SIMILAR_SIZE
        ? 1 - similarity
        : Infinity;
    };
    const rows: Choice = { boxes: trackBoxes, index: rowIndex, count: 0 };
    const cols: Choice = { boxes: detectionBoxes, index: colIndex, count: 0 };
    const relaxed = (limit: number, exponent: number) =>
      1 - (1 - limit) / Math.min(Math.max(1, steps), MAX_GAP_STEPS) ** exponent;
    const expected = affinity && Array.from({ length: count }, (_, slot) => describe<D>(next, slot, null, -1));
    const matchHigh = (limit: number) => {
      if (expected) round(rows, cols, limit, appearanceCost(expected, detections, rows, cols, limit), reach);
      else round(rows, cols, limit, fused);
    };

    // 1. High scores, with every confirmed track.
    choose(rows, (slot) => state[slot]! !== TENTATIVE && !drop[slot]);
    chooseHigh(cols, detections.length);
    matchHigh(relaxed(matchThreshold, GAP_EXPONENT));
    // 2. Low scores, with tracks that were found in the last frame; scores so low say nothing about the match.
    choose(rows, (slot) => state[slot]! === TRACKED && match[slot] === -1 && !drop[slot]);
    chooseLow(cols, detections.length);
    round(rows, cols, LOW_MATCH_THRESHOLD, (_row, _col, iou) => 1 - iou);
    // 3. The rest of the high scores, with tentative tracks.
    // This round has a limit of its own: without a gap the sizes do not matter, however strict the first round is.
    usual = Math.min(usual, 1 - TENTATIVE_MATCH_THRESHOLD);
    choose(rows, (slot) => state[slot]! === TENTATIVE && !drop[slot]);
    chooseHigh(cols, detections.length);
    matchHigh(relaxed(TENTATIVE_MATCH_THRESHOLD, 1));
  }

  /** Whether a track has ended by a time: its last detection is too long ago. */
  const hasEnded = (tracks: TrackTable, slot: number, now: number) =>
    now - tracks.lastSeen[slot]! > (tracks.state[slot] === LOST ? maxLostSeconds : maxUnseenSeconds) + 1e-9;

  /**
   * Narrower over wider times lower over higher of a track's and a detection's box, by where they begin in their
   * arrays.
   */
  function sizeRatio(t: number, d: number): number {
    const ratio = (side: number) => {
      const track = trackBoxes[t + 2 + side]! - trackBoxes[t + side]!;
      const detection = detectionBoxes[d + 2 + side]! - detectionBoxes[d + side]!;
      return track < detection ? track / detection : detection / track;
    };
    return ratio(0) * ratio(1);
  }

  function choose(rows: Choice, wanted: (slot: number) => boolean): void {
    rows.count = 0;
    for (let slot = 0; slot < next.count; slot++) {
      if (!wanted(slot)) continue;
      if (affinity) reach[rows.count] = 3 * Math.sqrt(next.covariance[slot * COVARIANCE]!);
      rowIndex[rows.count++] = slot;
    }
  }

  const isHigh = (score: number) => (compat ? score > scoreThreshold : score >= scoreThreshold);
  const isLow = (score: number) =>
    compat ? score > lowScoreThreshold && score < scoreThreshold : score >= lowScoreThreshold && score < scoreThreshold;

  function chooseHigh(cols: Choice, count: number): void {
    cols.count = 0;
    for (let i = 0; i < count; i++) if (owner[i] === -1 && isHigh(scores[i]!)) colIndex[cols.count++] = i;
  }

  function chooseLow(cols: Choice, count: number): void {
    cols.count = 0;
    for (let i = 0; i < count; i++) if (isLow(scores[i]!)) colIndex[cols.count++] = i;
  }

  function round(rows: Choice, cols: Choice, limit: number, cost: Cost, near?: Float64Array): void {
    associate(rows, cols, limit, cost, rowToCol, near);
    for (let r = 0; r < rows.count; r++) {
      const col = rowToCol[r]!;
      if (col < 0) continue;
      match[rowIndex[r]!] = colIndex[col]!;
      owner[colIndex[col]!] = rowIndex[r]!;
    }
  }

  /**
   * The cost of a pair in a round with affinity: half of the similarity is IoU · score, half is the affinity. A pair
   * needs either the overlap that it would need without affinity, or an affinity from `minAffinity` on between boxes
   * of about one size.
   */
  function appearanceCost(
    expected: readonly Track<D>[],
    detections: readonly D[],
    rows: Choice,
    cols: Choice,
    limit: number,
  ): Cost {
    return (row, col, iou) => {
      const slot = rows.index[row]!;
      const index = cols.index[col]!;
      const similarity = iou * scores[index]!;
      const sameSize = sizeRatio(4 * slot, 4 * index) >= SIMILAR_SIZE;
      const overlaps = similarity > 1 - limit && (similarity > 1 - matchThreshold || sameSize);
      if (!overlaps && !sameSize) return Infinity;
      const likeness = checkAffinity(affinity!(expected[slot]!, detections[index]!));
      return overlaps || likeness >= minAffinity ? 1 - (similarity + likeness) / 2 : Infinity;
    };
  }

  /** Takes a slot's detection into its state, or notes that there was none. */
  function follow(slot: number, detections: readonly D[], now: number): void {
    const index = match[slot]!;
    if (index === -1) {
      if (next.state[slot] === TENTATIVE) drop[slot] = 1;
      else if (next.state[slot] === TRACKED) next.state[slot] = LOST;
      return;
    }
    const { x, y, width, height } = detections[index]!.box;
    const cx = x + width / 2;
    const cy = y + height / 2;
    const { mean } = next;
    const m = slot * MEAN;
    next.innovation[slot] = Math.hypot(cx - mean[m]!, cy - mean[m + 1]!, height - mean[m + 3]!) / mean[m + 3]!;
    const spread = compat || isHigh(scores[index]!) ? 1 : LOW_SCORE_SPREAD;
    correct(mean, next.covariance, slot, cx, cy, width / height, height, spread);
    next.state[slot] = TRACKED;
    next.score[slot] = scores[index]!;
    next.lastSeen[slot] = now;
    next.lastFrame[slot] = frame;
    next.hits[slot]!++;
  }

  /** Starts a track for each high score that is left. The first frame's are confirmed at once. */
  function begin(detections: readonly D[], now: number): void {
    for (let i = 0; i < detections.length; i++) {
      if (owner[i] !== -1 || !isHigh(scores[i]!) || scores[i]! < newTrackThreshold) continue;
      const slot = next.count++;
      const { x, y, width, height } = detections[i]!.box;
      initiate(next.mean, next.covariance, slot, x + width / 2, y + height / 2, width / height, height);
      next.id[slot] = nextId++;
      next.state[slot] = frame === 1 ? TRACKED : TENTATIVE;
      next.score[slot] = scores[i]!;
      next.startTime[slot] = next.lastSeen[slot] = now;
      next.startFrame[slot] = next.lastFrame[slot] = frame;
      next.hits[slot] = 1;
      next.innovation[slot] = next.doomed[slot] = drop[slot] = 0;
      match[slot] = i;
      owner[i] = slot;
    }
  }

  /**
   * The original takes a removed track from its list of lost ones a frame late, so that it can be found again once
   * more; and one that was found then is gone the next time it is lost.
   */
  function expireAsTheOriginal(): void {
    for (let slot = 0; slot < next.count; slot++) {
      if (next.state[slot]! < LOST) continue;
      if (next.doomed[slot]) drop[slot] = 1;
      // A track lost in this frame is checked from the next frame on, also with a buffer of 0.
      if (frame - next.lastFrame[slot]! <= Math.max(1, maxLostFrames)) continue;
      next.state[slot] = REMOVED;
      next.doomed[slot] = 1;
    }
  }

  /**
   * Of a found and a lost track that cover each other, the one of the longer history stays; the older takes up the
   * detection, which the original drops.
   */
  function dropDuplicates(detections: readonly D[], now: number): void {
    const { count, state, startFrame, lastFrame } = next;
    outline(count);
    const found: Choice = { boxes: trackBoxes, index: rowIndex, count: 0 };
    const lost: Choice = { boxes: trackBoxes, index: rowToCol, count: 0 };
    for (let slot = 0; slot < count; slot++) {
      if (drop[slot]) continue;
      if (state[slot]! >= LOST) lost.index[lost.count++] = slot;
      else found.index[found.count++] = slot;
    }
    visitOverlaps(found, lost, (row, col, iou) => {
      const a = found.index[row]!;
      const b = lost.index[col]!;
      if (1 - iou >= DUPLICATE_THRESHOLD) return;
      const older = lastFrame[a]! - startFrame[a]! > lastFrame[b]! - startFrame[b]!;
      if (compat || older) {
        drop[older ? b : a] = 1;
      } else if (!drop[a] && !drop[b] && state[b] === LOST) {
        drop[a] = 1;
        match[b] = match[a]!;
        owner[match[a]!] = b;
        follow(b, detections, now);
      }
    });
  }

  /** Writes the corners of the first `count` slots' boxes. */
  function outline(count: number): void {
    const { mean } = next;
    for (let slot = 0; slot < count; slot++) {
      const m = slot * MEAN;
      const height = mean[m + 3]!;
      const width = mean[m + 2]! * height;
      trackBoxes[4 * slot] = mean[m]! - width / 2;
      trackBoxes[4 * slot + 1] = mean[m + 1]! - height / 2;
      trackBoxes[4 * slot + 2] = mean[m]! + width / 2 + extra;
      trackBoxes[4 * slot + 3] = mean[m + 1]! + height / 2 + extra;
    }
  }

  /** The tracks of `table` after an update: by detection, then those without one. */
  function emit(detections: readonly D[]): Track<D>[] {
    const tracks: Track<D>[] = [];
    for (let i = 0; i < detections.length; i++) {
      const slot = owner[i]!;
      if (slot === -1 || drop[slot]) continue;
      tracks.push(describe(table, moved[slot]!, detections[i]!, i));
    }
    for (let slot = 0; slot < table.count; slot++)
      if (table.state[slot]! === LOST) tracks.push(describe<D>(table, slot, null, -1));
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
    reserve(table.count, 0);
    copyTable(table, next);
    const steps = time === null ? 0 : (timestamp - time) * (compat ? frameRate : REFERENCE_RATE);
    for (let slot = 0; slot < next.count; slot++) step(next, slot, steps);
    return describeAll(
      next,
      (slot) =>
        (compat && next.state[slot]! < LOST) || (next.state[slot] !== REMOVED && !hasEnded(next, slot, timestamp)),
    );
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
      cadence = time === null ? UNKNOWN : SECONDS;
      latest = describeAll(table, (slot) => table.state[slot]! < REMOVED);
    },
    get tracks() {
      return latest;
    },
  };
}
