import { FaceDetError, received } from '@facedet/checks';
import { checkRows, type TrackRows } from '../mot/rows.ts';
import { MAX_FRAMES } from '../text/limits.ts';
import { mismatched, shortPath } from '../text/malformed.ts';
import { coverage } from './follow.ts';
import type { TimedTracks } from './jsonl.ts';
import { type Follow, type Lag, lagOf } from './lag.ts';
import { type Jitter, accelerationEnergy, ownJitter, rootMeanSquare, seriesOf } from './series.ts';

/** How steady tracks are, by themselves. */
export interface StabilityFigures {
  readonly frames: number;
  /** From the first frame to the last. */
  readonly seconds: number;
  readonly identities: number;
  /** Rows of all frames. */
  readonly boxes: number;
  /** Deviation from where the neighbours in time lead to expect a box. */
  readonly jitter: Jitter;
  /** Mean square of the centre's acceleration, in (face sizes / s²)². */
  readonly accelerationEnergy: number | null;
  /** How often an identity is interrupted and comes back. */
  readonly fragmentations: number;
  /** Switches on and off of identities between their first and last frame, per second of these spans. */
  readonly flickerPerSecond: number | null;
  /** Present where truth was given. */
  readonly againstTruth?: TruthStability;
}

/** How steady tracks are on the true faces. */
export interface TruthStability extends Lag {
  /** True boxes. */
  readonly boxes: number;
  /** True boxes with a track on them (IoU ≥ 0.5). */
  readonly covered: number;
  /** Change of the error from frame to frame; a constant offset does not count. */
  readonly jitter: Jitter;
  /** Root mean square distance of the centres in pixels, offset and lag included. */
  readonly centerErrorPx: number | null;
  /** The same as a part of the true face's size. */
  readonly centerError: number | null;
  /** Of the true faces, in (face sizes / s²)²: what steady tracks would have. */
  readonly accelerationEnergy: number | null;
  /** How often a true face loses its track and gets one again. */
  readonly fragmentations: number;
  /** How often the identity on a true face changes. */
  readonly identitySwitches: number;
  /** Switches between covered and not, per second of the true faces' presence. */
  readonly flickerPerSecond: number | null;
}

/**
 * The times of the frames of a constant frame rate, in seconds from 0.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for a number of frames that is not a whole one up to 20,000,000, or a rate
 * not above 0.
 */
export function frameTimes(frames: number, frameRate: number): Float64Array {
  if (!Number.isInteger(frames) || frames < 0 || frames > MAX_FRAMES) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a whole number of frames up to ${MAX_FRAMES} but received ${received(frames)}.`,
    );
  }
  if (!(frameRate > 0 && frameRate < Infinity))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a frame rate above 0 but received ${received(frameRate)}.`);
  return Float64Array.from({ length: frames }, (_, k) => k / frameRate);
}

/**
 * Temporal stability of tracks, by themselves and, where truth is given, against it.
 *
 * @throws FaceDetError `MISMATCHED_FILES` where the truth has later frames than `tracks.times`.
 */
export function evaluateStability({ rows, times }: TimedTracks, truth?: TrackRows): StabilityFigures {
  checkRows(rows, 'tracks');
  if (truth) checkRows(truth, 'truth');
  for (const { file, frames, lines } of truth ? [rows, truth] : [rows]) {
    const late = frames.findIndex((frame) => frame < 1 || frame > times.length);
    if (late < 0) continue;
    throw mismatched(
      `${shortPath(file)}, line ${lines[late]}`,
      `a frame up to ${times.length}`,
      `frame ${frames[late]}; give truth and tracks of the same video`,
    );
  }
  const series = seriesOf(rows, times);
  const spans = series.map((one) => presence(one.frames, one.times));
  const { fragmentations, flickerPerSecond } = addUp(spans);
  return {
    frames: times.length,
    seconds: times.length ? times.at(-1)! - times[0]! : 0,
    identities: series.length,
    boxes: rows.ids.length,
    jitter: ownJitter(series),
    accelerationEnergy: accelerationEnergy(series),
    fragmentations,
    flickerPerSecond,
    ...(truth && { againstTruth: stabilityAgainst(truth, rows, times) }),
  };
}

interface Presence {
  gaps: number;
  seconds: number;
  switches: number;
}

/** Gaps of an identity between its first and its last frame. */
function presence(frames: Int32Array, times: Float64Array): Presence {
  let gaps = 0;
  for (let k = 1; k < frames.length; k++) if (frames[k]! > frames[k - 1]! + 1) gaps++;
  return { gaps, seconds: times.at(-1)! - times[0]!, switches: 2 * gaps };
}

function addUp(spans: readonly Presence[]): { fragmentations: number; flickerPerSecond: number | null } {
  const sum = (name: keyof Presence): number => spans.reduce((total, span) => total + span[name], 0);
  const seconds = sum('seconds');
  return { fragmentations: sum('gaps'), flickerPerSecond: seconds > 0 ? sum('switches') / seconds : null };
}

function stabilityAgainst(truth: TrackRows, tracks: TrackRows, times: Float64Array): TruthStability {
  const { faces } = coverage(truth, tracks);
  const jitter = {
    centerPx: rootMeanSquare(),
    center: rootMeanSquare(),
    sizePx: rootMeanSquare(),
    size: rootMeanSquare(),
  };
  const errorPx = rootMeanSquare();
  const error = rootMeanSquare();
  const stretches: Follow[] = [];
  const spans: Presence[] = [];
  let covered = 0;
  let boxes = 0;
  let identitySwitches = 0;
  for (const face of faces) {
    boxes += face.truth.length;
    const span = {
      gaps: 0,
      seconds: times[truth.frames[face.truth.at(-1)!]! - 1]! - times[truth.frames[face.truth[0]!]! - 1]!,
      switches: 0,
    };
    spans.push(span);
    let wasCovered = false;
    let lastId: number | null = null;
    const stretch: { k: number; row: number }[] = [];
    const close = (): void => {
      if (stretch.length > 2)
        stretches.push(
          followOf(
            stretch.map(({ k }) => face.truth[k]!),
            stretch.map(({ row }) => row),
            truth,
            tracks,
            times,
          ),
        );
      stretch.length = 0;
    };
    face.track.forEach((row, k) => {
      const isCovered = row >= 0;
      const isNext = k > 0 && truth.frames[face.truth[k]!] === truth.frames[face.truth[k - 1]!]! + 1;
      if (k > 0 && isCovered !== wasCovered) span.switches++;
      if (isCovered && !wasCovered && lastId !== null) span.gaps++;
      wasCovered = isCovered;
      if (!isCovered) return close();
      covered++;
      if (lastId !== null && lastId !== tracks.ids[row]) identitySwitches++;
      if (!isNext || lastId !== tracks.ids[row]) close();
      lastId = tracks.ids[row]!;
      const here = differenceOf(truth, face.truth[k]!, tracks, row);
      errorPx.add(here.x ** 2 + here.y ** 2);
      if (here.trueSize > 0) error.add((here.x ** 2 + here.y ** 2) / here.trueSize ** 2);
      const before = stretch.at(-1);
      if (before) {
        const there = differenceOf(truth, face.truth[before.k]!, tracks, before.row);
        const center = ((here.x - there.x) ** 2 + (here.y - there.y) ** 2) / 2;
        const change = (here.size - there.size) ** 2 / 2;
        jitter.centerPx.add(center);
        jitter.sizePx.add(change);
        if (here.trueSize > 0) {
          jitter.center.add(center / here.trueSize ** 2);
          jitter.size.add(change / here.trueSize ** 2);
        }
      }
      stretch.push({ k, row });
    });
    close();
  }
  const { fragmentations, flickerPerSecond } = addUp(spans);
  return {
    boxes,
    covered,
    jitter: {
      centerPx: jitter.centerPx.value,
      center: jitter.center.value,
      sizePx: jitter.sizePx.value,
      size: jitter.size.value,
    },
    centerErrorPx: errorPx.value,
    centerError: error.value,
    accelerationEnergy: accelerationEnergy(seriesOf(truth, times)),
    ...lagOf(stretches),
    fragmentations,
    identitySwitches,
    flickerPerSecond,
  };
}

function measure(rows: TrackRows, row: number): { x: number; y: number; size: number } {
  const [x, y, width, height] = [
    rows.boxes[4 * row]!,
    rows.boxes[4 * row + 1]!,
    rows.boxes[4 * row + 2]!,
    rows.boxes[4 * row + 3]!,
  ];
  return { x: x + width / 2, y: y + height / 2, size: Math.sqrt(Math.max(0, width * height)) };
}

function differenceOf(truth: TrackRows, truthRow: number, tracks: TrackRows, trackRow: number) {
  const real = measure(truth, truthRow);
  const own = measure(tracks, trackRow);
  return { x: own.x - real.x, y: own.y - real.y, size: own.size - real.size, trueSize: real.size };
}

function followOf(
  truthRows: readonly number[],
  trackRows: readonly number[],
  truth: TrackRows,
  tracks: TrackRows,
  times: Float64Array,
): Follow {
  const real = truthRows.map((row) => measure(truth, row));
  const own = trackRows.map((row) => measure(tracks, row));
  return {
    times: Float64Array.from(truthRows, (row) => times[truth.frames[row]! - 1]!),
    x: Float64Array.from(own, ({ x }) => x),
    y: Float64Array.from(own, ({ y }) => y),
    trueX: Float64Array.from(real, ({ x }) => x),
    trueY: Float64Array.from(real, ({ y }) => y),
  };
}
