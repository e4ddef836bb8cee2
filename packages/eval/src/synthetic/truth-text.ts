import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import type { SceneFace } from './scene.ts';

/** A frame's truth, without its picture. */
export interface TruthFrame {
  /** From 0. */
  readonly index: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly truth: readonly SceneFace[];
}

/** How truth is written. */
export interface TruthTextOptions {
  /** Faces less visible than this are not to be found, 0 to 1; default 0.25. Higher leaves more hidden faces out. */
  readonly minVisibility?: number;
}

const MIN_VISIBILITY = 0.25;

/**
 * Ground truth as MOTChallenge's `gt.txt`: `frame,id,x,y,width,height,counts,class,visibility`, frames from 1. Faces
 * too hidden to be found are distractors (class 8, not counted): detections on them count neither way.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option or one out of range.
 */
export function toMot(frames: Iterable<TruthFrame>, options: TruthTextOptions = {}): string {
  const minVisibility = checkMinVisibility(options);
  let text = '';
  for (const { index, truth } of frames) {
    for (const { id, box, visibility } of truth) {
      const counts = visibility >= minVisibility;
      text += `${index + 1},${id},${[box.x, box.y, box.width, box.height].map(short).join(',')},${counts ? '1,1' : '0,8'},${visibility.toFixed(3)}\n`;
    }
  }
  return text;
}

/** The `seqinfo.ini` that belongs beside a `gt` folder. */
export function toSequenceInfo(
  name: string,
  scene: { readonly width: number; readonly height: number; readonly fps: number; readonly length: number },
): string {
  const { width, height, fps, length } = scene;
  return `[Sequence]\nname=${name}\nframeRate=${fps}\nseqLength=${length}\nimWidth=${width}\nimHeight=${height}\n`;
}

/**
 * Truth in the JSON Lines of `facedet video`, one line per frame: every face visible enough, with score 1 and its
 * visibility.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option or one out of range.
 */
export function toJsonl(frames: Iterable<TruthFrame>, options: TruthTextOptions = {}): string {
  const minVisibility = checkMinVisibility(options);
  let text = '';
  for (const { index, timestamp, truth } of frames) {
    const faces = truth
      .filter(({ visibility }) => visibility >= minVisibility)
      .map(({ id, box, landmarks, visibility, occluded }) => ({
        id,
        box: { x: round(box.x), y: round(box.y), width: round(box.width), height: round(box.height) },
        score: 1,
        landmarks: landmarks.map(({ x, y }) => ({ x: round(x), y: round(y) })),
        state: 'detected',
        visibility: round(visibility),
        occluded,
      }));
    text += `${JSON.stringify({ frame: index, timestamp, faces })}\n`;
  }
  return text;
}

function checkMinVisibility(options: TruthTextOptions): number {
  checkOptionNames(options, ['minVisibility']);
  const { minVisibility = MIN_VISIBILITY } = options;
  if (minVisibility >= 0 && minVisibility <= 1) return minVisibility;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected minVisibility from 0 to 1 but received ${received(minVisibility)}.`,
  );
}

const round = (value: number) => Math.round(value * 1000) / 1000;
const short = (value: number) => String(round(value));
