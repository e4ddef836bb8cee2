import type { BoxArrays } from './nms.ts';

/** Faces before suppression, a struct of arrays that grows and is used again: nothing is allocated per anchor. */
export class Candidates implements BoxArrays {
  x1 = new Float64Array(256);
  y1 = new Float64Array(256);
  x2 = new Float64Array(256);
  y2 = new Float64Array(256);
  score = new Float64Array(256);
  /** Ten coordinates a face; meaningful where `hasPoints`. */
  points = new Float64Array(2560);
  count = 0;
  hasPoints = false;

  clear(): void {
    this.count = 0;
    this.hasPoints = false;
  }

  /** The index of a new face, whose fields the caller sets. */
  add(): number {
    if (this.count === this.score.length) this.grow();
    return this.count++;
  }

  private grow(): void {
    const larger = (old: Float64Array) => {
      const next = new Float64Array(old.length * 2);
      next.set(old);
      return next;
    };
    this.x1 = larger(this.x1);
    this.y1 = larger(this.y1);
    this.x2 = larger(this.x2);
    this.y2 = larger(this.y2);
    this.score = larger(this.score);
    this.points = larger(this.points);
  }
}
