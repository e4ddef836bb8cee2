import type { VideoFace } from '@facedet/pipeline';
import type { RowAnalysis } from './analysis.ts';

/** One frame's row, with numbers as short as they are written: three decimals of a pixel, five of a score. */
export interface Row {
  /** From 0. */
  readonly frame: number;
  /** Seconds since the first frame. */
  readonly timestamp: number;
  /** When a live source's frame came, in ISO 8601 (UTC); undefined for other sources. Only JSONL has it. */
  readonly time?: string;
  readonly faces: readonly VideoFace[];
  /** The frame could not be analyzed; anonymizing masks it whole. Only JSONL has it. */
  readonly failed?: true;
  /** A shot ended before this frame. Only JSONL has it. */
  readonly cut?: true;
  /** How the rows were made. Only the first row of JSONL has it. */
  readonly analysis?: RowAnalysis;
}

/** The first line of the CSV. */
export const CSV_HEADER = 'frame,timestamp,id,x,y,width,height,score,state\n';

/** A frame's row with short numbers. */
export function rowOf(
  { index, timestamp, faces }: { index: number; timestamp: number; faces: readonly VideoFace[] },
  time?: string,
): Row {
  return { frame: index, timestamp: round(timestamp, 9), ...(time && { time }), faces: faces.map(shortFace) };
}

/** The row as a line of JSONL, also where no face is in it. */
export function jsonLine(row: Row): string {
  return `${JSON.stringify(row)}\n`;
}

/** The row's faces in MOT format: `frame from 1,id,x,y,width,height,score,-1,-1,-1`; without a track, -1. */
export function motLines({ frame, faces }: Row): string {
  return faces
    .map(
      ({ id, box, score }) =>
        `${frame + 1},${id ?? -1},${box.x},${box.y},${box.width},${box.height},${score},-1,-1,-1\n`,
    )
    .join('');
}

/** The row's faces as CSV. */
export function csvLines({ frame, timestamp, faces }: Row): string {
  return faces
    .map(
      ({ id, box, score, state }) =>
        `${frame},${timestamp},${id ?? ''},${box.x},${box.y},${box.width},${box.height},${score},${state}\n`,
    )
    .join('');
}

/** A line of JSONL as it was written. */
export function parseRow(line: string): Row {
  return JSON.parse(line) as Row;
}

/** A face with numbers as short as they are written. */
export function shortFace({ id, box, score, landmarks, state }: VideoFace): VideoFace {
  const px = (value: number) => round(value, 3);
  return {
    id,
    box: { x: px(box.x), y: px(box.y), width: px(box.width), height: px(box.height) },
    score: round(score, 5),
    ...(landmarks && {
      landmarks: landmarks.map(({ x, y }) => ({ x: px(x), y: px(y) })) as NonNullable<VideoFace['landmarks']>,
    }),
    state,
  };
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
