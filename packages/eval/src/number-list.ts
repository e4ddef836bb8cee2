import { FaceDetError } from '@facedet/checks';

/** Most numbers in one list: 512 MB. */
const MAX_LENGTH = 2 ** 26;

/** A growable typed array: eight bytes per number, outside of the JavaScript heap. */
export class NumberList {
  length = 0;
  readonly #description: string;
  #values = new Float64Array(64);

  /** `description` names the numbers in the `TOO_LARGE` error for more than 67 million of them. */
  constructor(description: string) {
    this.#description = description;
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      if (this.length >= MAX_LENGTH) {
        throw new FaceDetError(
          'TOO_LARGE',
          `Expected at most ${MAX_LENGTH} ${this.#description} but received more; evaluate the data in parts.`,
        );
      }
      const values = new Float64Array(2 * this.length);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  /** A view of all numbers; `push` may detach it from the list, so call this when the list is complete. */
  toArray(): Float64Array {
    return this.#values.subarray(0, this.length);
  }
}
