import type { VideoFace } from '@facedet/pipeline';
import type { Row } from './rows.ts';

/**
 * Evidence that a track needs to be masked, by the height of its face relative to the picture's shorter side: a large
 * mask over something that is not a face spoils the picture, a small one hardly shows, and a small face has lower
 * scores. Between the two sizes it rises linearly. Chosen on david, faceocc2 and street_crowd with the default weights.
 */
const SMALL = { size: 0.05, evidence: 0.3 };
const LARGE = { size: 0.25, evidence: 0.55 };
/** What a single detection needs more than a track: nothing before or after it agrees. */
const ALONE = 0.15;

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

/** Detections of a track, in the order of frames. */
type Detected = readonly { readonly index: number; readonly face: VideoFace }[];

/**
 * Decides per track with all its detections whether it is a face that has to be masked; `shorterSide` of the picture in
 * pixels. In the order of IDs.
 */
export function decideTracks(rows: readonly Row[], shorterSide: number): TrackDecision[] {
  return [...detectionsOf(rows)]
    .sort(([a], [b]) => a - b)
    .map(([id, detected]) => {
      const scores = detected.map(({ face }) => face.score).sort((a, b) => b - a);
      const better = scores.slice(0, Math.ceil(scores.length / 2));
      const heights = detected.map(({ face }) => face.box.height).sort((a, b) => a - b);
      const evidence = better.reduce((sum, score) => sum + score, 0) / better.length;
      const needed = neededAt(heights[heights.length >> 1]! / shorterSide) + (detected.length === 1 ? ALONE : 0);
      return {
        id,
        isMasked: evidence >= needed,
        detections: detected.length,
        firstFrame: rows[detected[0]!.index]!.frame,
        lastFrame: rows[detected.at(-1)!.index]!.frame,
        evidence,
        needed,
      };
    });
}

/** Evidence needed at a face's height relative to the picture's shorter side. */
function neededAt(size: number): number {
  const position = Math.min(1, Math.max(0, (size - SMALL.size) / (LARGE.size - SMALL.size)));
  return SMALL.evidence + position * (LARGE.evidence - SMALL.evidence);
}

/** Options of `maskedRows`. */
export interface MaskedRowsOptions {
  readonly decisions: readonly TrackDecision[];
  /**
   * Seconds for which a track is masked before its first and after its last detection. Higher leaves fewer faces bare.
   */
  readonly margin: number;
  /** The picture's shorter side in pixels. */
  readonly shorterSide: number;
}

/**
 * Rows of what is masked, from rows of what was detected: of tracks decided for, their detections, boxes interpolated
 * in gaps, and the first and last box held for `margin` seconds (`predicted`); of
 * detections without a track, those with the evidence that a single one needs.
 */
export function maskedRows(rows: readonly Row[], { decisions, margin, shorterSide }: MaskedRowsOptions): Row[] {
  const masked = new Set(decisions.filter(({ isMasked }) => isMasked).map(({ id }) => id));
  const faces = rows.map(({ faces }) =>
    faces.filter(({ id, score, box }) => id === null && score >= neededAt(box.height / shorterSide) + ALONE),
  );
  for (const [id, detected] of detectionsOf(rows)) {
    if (!masked.has(id)) continue;
    for (const [index, face] of spanOf(rows, detected, margin)) faces[index]!.push(face);
  }
  return rows.map((row, i) => ({ ...row, faces: faces[i]!.sort((a, b) => (a.id ?? Infinity) - (b.id ?? Infinity)) }));
}

/** The faces of a track from `margin` seconds before its first detection to as long after its last, by index of row. */
function* spanOf(rows: readonly Row[], detected: Detected, margin: number): Generator<[number, VideoFace]> {
  const [first, last] = [detected[0]!, detected.at(-1)!];
  const { timestamp: begin } = rows[first.index]!;
  for (let i = first.index - 1; i >= 0 && begin - rows[i]!.timestamp <= margin; i--) yield [i, held(first.face)];
  for (const [k, here] of detected.entries()) {
    yield [here.index, here.face];
    const next = detected[k + 1];
    for (let i = here.index + 1; next && i < next.index; i++) yield [i, between(rows, here, next, i)];
  }
  const { timestamp: end } = rows[last.index]!;
  for (let i = last.index + 1; i < rows.length && rows[i]!.timestamp - end <= margin; i++) yield [i, held(last.face)];
}

function held({ id, box, score }: VideoFace): VideoFace {
  return { id, box, score, state: 'predicted' };
}

/** A face of a frame between two detections, by time. */
function between(rows: readonly Row[], from: Detected[number], to: Detected[number], index: number): VideoFace {
  const [a, b] = [from.face, to.face];
  const begin = rows[from.index]!.timestamp;
  const part = (rows[index]!.timestamp - begin) / (rows[to.index]!.timestamp - begin);
  const mix = (side: keyof VideoFace['box']) =>
    Math.round(1000 * (a.box[side] + part * (b.box[side] - a.box[side]))) / 1000;
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
