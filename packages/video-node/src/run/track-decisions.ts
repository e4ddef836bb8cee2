import type { Box } from '@facedet/core';
import type { VideoFace } from '@facedet/pipeline';
import type { Row } from './rows.ts';

/**
 * Evidence that a track needs to be masked, by the height of its face relative to the picture's shorter side, linear in
 * between: a large mask over something that is not a face spoils the picture, a small one hardly shows, and small faces
 * have lower scores. The small sizes are chosen on 191 pictures of WIDER FACE train that the default weights were not
 * trained on, the large ones on david, faceocc2 and street_crowd.
 */
const NEEDED = [
  { size: 0.03, evidence: 0.2 },
  { size: 0.08, evidence: 0.3 },
  { size: 0.25, evidence: 0.55 },
] as const;
/** What a single detection needs more than a track: nothing before or after it agrees. */
const ALONE = 0.15;

/** The lowest score at which a detection without a track can be masked. */
export const LOWEST_ALONE = NEEDED[0].evidence + ALONE;

/** Whether a track is masked, and why. */
export interface TrackDecision {
  readonly id: number;
  readonly isMasked: boolean;
  /** Frames in which it was detected: how many, the first and the last. */
  readonly detections: number;
  readonly firstFrame: number;
  readonly lastFrame: number;
  /** Mean score of the better half of its detections, and what it needs at its size. */
  readonly evidence: number;
  readonly needed: number;
}

/** Options of the decision. */
export interface DecisionOptions {
  /** The picture's shorter side in pixels. */
  readonly shorterSide: number;
  /** Masks everything from this score up, whatever else speaks against it. */
  readonly score?: number;
}

/** Collects what is known of each track, so that a film's rows need not be in memory. */
export interface TrackEvidence {
  add(row: Row): void;
  /** In the order of IDs. */
  decide(): TrackDecision[];
}

/** Decides per track, with all its detections, whether it is a face that has to be masked. */
export function collectEvidence(options: DecisionOptions): TrackEvidence {
  const tracks = new Map<number, { scores: number[]; heights: number[]; first: number; last: number }>();
  return {
    add({ frame, faces }) {
      for (const { id, state, score, box } of faces) {
        if (id === null || state !== 'detected') continue;
        const track = tracks.get(id);
        if (!track) tracks.set(id, { scores: [score], heights: [box.height], first: frame, last: frame });
        else {
          track.scores.push(score);
          track.heights.push(box.height);
          track.last = frame;
        }
      }
    },
    decide: () =>
      [...tracks]
        .sort(([a], [b]) => a - b)
        .map(([id, { scores, heights, first, last }]) => {
          const better = [...scores].sort((a, b) => b - a).slice(0, Math.ceil(scores.length / 2));
          const height = [...heights].sort((a, b) => a - b)[heights.length >> 1]!;
          const evidence = better.reduce((sum, score) => sum + score, 0) / better.length;
          const needed = neededAt(height, options) + (scores.length === 1 ? ALONE : 0);
          const isMasked = evidence >= needed || better[0]! >= (options.score ?? Infinity);
          return { id, isMasked, detections: scores.length, firstFrame: first, lastFrame: last, evidence, needed };
        }),
  };
}

/** Evidence needed at a face's height. */
function neededAt(height: number, { shorterSide }: DecisionOptions): number {
  const size = height / shorterSide;
  const above = NEEDED.findIndex((step) => size < step.size);
  if (above <= 0) return NEEDED.at(above)!.evidence;
  const [from, to] = [NEEDED[above - 1]!, NEEDED[above]!];
  return from.evidence + ((size - from.size) / (to.size - from.size)) * (to.evidence - from.evidence);
}

/** The row with the faces that are masked: those of tracks decided for, and single detections of a sufficient score. */
export function decidedRow(row: Row, masked: ReadonlySet<number>, options: DecisionOptions): Row {
  const isAlone = ({ score, box }: VideoFace) =>
    score >= Math.min(options.score ?? Infinity, neededAt(box.height, options) + ALONE);
  return { ...row, faces: row.faces.filter((face) => (face.id === null ? isAlone(face) : masked.has(face.id))) };
}

/** Detections of a track, in the order of frames. */
type Detected = readonly { readonly index: number; readonly face: VideoFace }[];

/**
 * Rows in which a track has no gap: boxes are interpolated between its detections, and the first and the last one held
 * for `margin` seconds before and after (`predicted`), at most to the end of its shot. A higher margin leaves fewer
 * faces bare. What predicts a face elsewhere is replaced.
 */
export function filledRows(rows: readonly Row[], margin: number): Row[] {
  const faces = rows.map(({ faces }) => faces.filter(({ id }) => id === null));
  for (const detected of detectionsOf(rows).values())
    for (const [index, face] of spanOf(rows, detected, margin)) faces[index]!.push(face);
  return rows.map((row, i) => ({ ...row, faces: faces[i]!.sort((a, b) => (a.id ?? Infinity) - (b.id ?? Infinity)) }));
}

/** The faces of a track from `margin` seconds before its first detection to as long after its last, by index of row. */
function* spanOf(rows: readonly Row[], detected: Detected, margin: number): Generator<[number, VideoFace]> {
  const [first, last] = [detected[0]!, detected.at(-1)!];
  const { timestamp: begin } = rows[first.index]!;
  for (let i = first.index - 1; i >= 0 && !rows[i + 1]!.cut && begin - rows[i]!.timestamp <= margin; i--)
    yield [i, held(first.face)];
  for (const [k, here] of detected.entries()) {
    yield [here.index, here.face];
    const next = detected[k + 1];
    for (let i = here.index + 1; next && i < next.index; i++) yield [i, between(rows, here, next, i)];
  }
  const { timestamp: end } = rows[last.index]!;
  for (let i = last.index + 1; i < rows.length && !rows[i]!.cut && rows[i]!.timestamp - end <= margin; i++)
    yield [i, held(last.face)];
}

function held({ id, box, score }: VideoFace): VideoFace {
  return { id, box, score, state: 'predicted' };
}

/** A face of a frame between two detections, by time. */
function between(rows: readonly Row[], from: Detected[number], to: Detected[number], index: number): VideoFace {
  const [a, b] = [from.face, to.face];
  const begin = rows[from.index]!.timestamp;
  const part = (rows[index]!.timestamp - begin) / (rows[to.index]!.timestamp - begin);
  const mix = (side: keyof Box) => Math.round(1000 * (a.box[side] + part * (b.box[side] - a.box[side]))) / 1000;
  return {
    id: a.id,
    box: { x: mix('x'), y: mix('y'), width: mix('width'), height: mix('height') },
    score: Math.min(a.score, b.score),
    state: 'interpolated',
  };
}

function detectionsOf(rows: readonly Row[]): Map<number, { index: number; face: VideoFace }[]> {
  const tracks = new Map<number, { index: number; face: VideoFace }[]>();
  rows.forEach(({ faces }, index) => {
    for (const face of faces) {
      if (face.id === null || face.state !== 'detected') continue;
      const detected = tracks.get(face.id);
      if (detected) detected.push({ index, face });
      else tracks.set(face.id, [{ index, face }]);
    }
  });
  return tracks;
}
