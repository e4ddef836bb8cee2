import type { TrackRows } from '../mot/track-rows.ts';
import { type Presence, continuityOf } from './continuity.ts';
import { type CoveredFace, coverage } from './coverage.ts';
import { type Jitter, JitterSum, MeanSquare, accelerationEnergy } from './jitter.ts';
import { type Lag, type TrackSegment, lagOf } from './lag.ts';
import { type Place, placeOf, seriesOf } from './track-series.ts';

/** Temporal stability of tracks against ground truth. */
export interface TruthStability extends Lag {
  /** Ground-truth boxes. */
  readonly boxes: number;
  /** Ground-truth boxes that a track matches (IoU ≥ 0.5). */
  readonly covered: number;
  /** Change of the error from frame to frame; a constant offset adds none. */
  readonly jitter: Jitter;
  /** Root mean square distance of the centers in pixels, with offset and lag. */
  readonly centerErrorPx: number | null;
  /** The same as a fraction of the ground-truth face's size. */
  readonly centerError: number | null;
  /** Acceleration of the ground truth, in (face sizes / s²)²: that of tracks without jitter. */
  readonly accelerationEnergy: number | null;
  /** How often a ground-truth face loses its track and is matched again. */
  readonly fragmentations: number;
  /** How often a ground-truth face is matched to another track than before. */
  readonly idSwitches: number;
  /** How often ground-truth faces gain or lose their track, per second of their presence. */
  readonly flickerPerSecond: number | null;
}

/** @param times seconds of each frame. */
export function stabilityAgainst(truth: TrackRows, tracks: TrackRows, times: Float64Array): TruthStability {
  const pairs = { truth, tracks, times };
  const presences: Presence[] = [];
  const segments: MatchedRows[] = [];
  let [boxes, covered, idSwitches] = [0, 0, 0];
  for (const face of coverage(truth, tracks)) {
    const history = historyOf(face, pairs);
    boxes += face.truth.length;
    covered += history.covered;
    idSwitches += history.idSwitches;
    presences.push(history.presence);
    segments.push(...history.segments);
  }
  const { fragmentations, flickerPerSecond } = continuityOf(presences);
  const { jitter, errorPx, error } = errorsOf(segments, pairs);
  return {
    boxes,
    covered,
    jitter: jitter.value,
    centerErrorPx: errorPx.root,
    centerError: error.root,
    accelerationEnergy: accelerationEnergy(seriesOf(truth, times)),
    ...lagOf(segments.filter((segment) => segment.truth.length > 2).map((segment) => segmentOf(segment, pairs))),
    fragmentations,
    idSwitches,
    flickerPerSecond,
  };
}

/** Ground truth, tracks and the seconds of each frame. */
interface Pairs {
  readonly truth: TrackRows;
  readonly tracks: TrackRows;
  readonly times: Float64Array;
}

/** Rows of consecutive frames in which one track matches one face. */
interface MatchedRows {
  readonly truth: number[];
  readonly track: number[];
}

/** Presence of a face's track, and the segments in which it stays the same. */
function historyOf(face: CoveredFace, { truth, tracks, times }: Pairs) {
  const timeOf = (row: number): number => times[truth.frames[row]! - 1]!;
  const presence: Presence = { gaps: 0, seconds: timeOf(face.truth.at(-1)!) - timeOf(face.truth[0]!), switches: 0 };
  const segments: MatchedRows[] = [];
  let covered = 0;
  let idSwitches = 0;
  let wasCovered = false;
  let lastId: number | null = null;
  face.track.forEach((row, k) => {
    const isCovered = row >= 0;
    if (k > 0 && isCovered !== wasCovered) presence.switches++;
    if (isCovered && !wasCovered && lastId !== null) presence.gaps++;
    const isConsecutive = k > 0 && truth.frames[face.truth[k]!] === truth.frames[face.truth[k - 1]!]! + 1;
    const isSegmentStart = !wasCovered || !isConsecutive || lastId !== tracks.ids[row];
    wasCovered = isCovered;
    if (!isCovered) return;
    covered++;
    if (lastId !== null && lastId !== tracks.ids[row]) idSwitches++;
    lastId = tracks.ids[row]!;
    if (isSegmentStart) segments.push({ truth: [], track: [] });
    segments.at(-1)!.truth.push(face.truth[k]!);
    segments.at(-1)!.track.push(row);
  });
  return { presence, segments, covered, idSwitches };
}

/** Errors of the matched boxes, and their change from frame to frame. */
function errorsOf(segments: readonly MatchedRows[], { truth, tracks }: Pairs) {
  const jitter = new JitterSum();
  const errorPx = new MeanSquare();
  const error = new MeanSquare();
  for (const segment of segments) {
    let last: ReturnType<typeof differenceOf> | undefined;
    segment.track.forEach((row, k) => {
      const difference = differenceOf(placeOf(truth, segment.truth[k]!), placeOf(tracks, row));
      const { x, y, size, trueSize } = difference;
      errorPx.add(x ** 2 + y ** 2);
      if (trueSize > 0) error.add((x ** 2 + y ** 2) / trueSize ** 2);
      // The difference of two independent errors has twice the variance of one.
      if (last) jitter.add(((x - last.x) ** 2 + (y - last.y) ** 2) / 2, (size - last.size) ** 2 / 2, trueSize);
      last = difference;
    });
  }
  return { jitter, errorPx, error };
}

function differenceOf(truth: Place, track: Place) {
  return { x: track.x - truth.x, y: track.y - truth.y, size: track.size - truth.size, trueSize: truth.size };
}

function segmentOf(segment: MatchedRows, { truth, tracks, times }: Pairs): TrackSegment {
  const trueBoxes = segment.truth.map((row) => placeOf(truth, row));
  const boxes = segment.track.map((row) => placeOf(tracks, row));
  return {
    times: Float64Array.from(segment.truth, (row) => times[truth.frames[row]! - 1]!),
    x: Float64Array.from(boxes, ({ x }) => x),
    y: Float64Array.from(boxes, ({ y }) => y),
    trueX: Float64Array.from(trueBoxes, ({ x }) => x),
    trueY: Float64Array.from(trueBoxes, ({ y }) => y),
  };
}
