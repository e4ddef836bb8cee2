import type { BoxArrays } from './nms.ts';

/**
 * Detections before NMS, as a struct of arrays that grows and is reused: decoding allocates nothing per anchor.
 */
export class Candidates implements BoxArrays {
  x1: Float64Array = new Float64Array(256);
  y1: Float64Array = new Float64Array(256);
  x2: Float64Array = new Float64Array(256);
  y2: Float64Array = new Float64Array(256);
  score: Float64Array = new Float64Array(256);
  /** Ten coordinates per face; valid if `hasLandmarks`. */
  landmarks: Float64Array = new Float64Array(2560);
  count = 0;
  hasLandmarks = false;

  clear(): void {
    this.count = 0;
    this.hasLandmarks = false;
  }

  /** Returns the index of a new face, whose fields the caller sets. */
  add(): number {
    if (this.count === this.score.length) this.grow();
    return this.count++;
  }

  private grow(): void {
    this.x1 = doubled(this.x1);
    this.y1 = doubled(this.y1);
    this.x2 = doubled(this.x2);
    this.y2 = doubled(this.y2);
    this.score = doubled(this.score);
    this.landmarks = doubled(this.landmarks);
  }
}

function doubled(array: Float64Array): Float64Array {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
