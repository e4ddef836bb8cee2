import { rangesOf } from '@facedet/files';
import type { Damage } from './damage.ts';
import type { Totals } from './resume-state.ts';
import type { Row } from './rows.ts';

/** Counts the frames, faces and tracks of a run. */
export class Counter {
  frames = 0;
  faces = 0;
  damage: Damage = { frames: 0 };
  readonly #ids = new Set<number>();

  get identities(): number {
    return this.#ids.size;
  }

  /** IDs of the tracks counted, in ascending order. */
  get trackIds(): readonly number[] {
    return [...this.#ids].sort((a, b) => a - b);
  }

  count({ faces }: Row): void {
    this.frames++;
    this.faces += faces.length;
    for (const { id } of faces) if (id !== null) this.#ids.add(id);
  }

  /** Counts a frame that is damaged in the source, at a time in seconds. */
  countDamage(timestamp: number): void {
    const { frames, first = timestamp } = this.damage;
    this.damage = { frames: frames + 1, first };
  }

  /** The sums as plain data; most IDs follow on each other, so that their ranges are few. */
  totals(): Totals {
    const { frames, faces, damage } = this;
    return { frames, faces, ids: rangesOf(this.trackIds), damage };
  }

  /** Goes on from the sums of an interrupted run. */
  restore({ frames, faces, ids, damage }: Totals): void {
    this.frames = frames;
    this.faces = faces;
    this.damage = damage;
    for (const [first, last] of ids) for (let id = first; id <= last; id++) this.#ids.add(id);
  }
}
