import { FaceDetError } from '@facedet/checks';

/** Most numbers of one list: 512 MB. */
const MAX_LENGTH = 2 ** 26;

/** Numbers that come one by one, in a typed array that grows: eight bytes each, outside of the JavaScript heap. */
export class NumberList {
  length = 0;
  readonly #what: string;
  #values = new Float64Array(64);

  /** `what` the numbers are, for the `TOO_LARGE` error of more than 67 million. */
  constructor(what: string) {
    this.#what = what;
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      if (this.length >= MAX_LENGTH) {
        throw new FaceDetError(
          'TOO_LARGE',
          `Expected at most ${MAX_LENGTH} ${this.#what} but received more; evaluate the data in parts.`,
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

  /** A view of the numbers so far; call it when all are there. */
  toArray(): Float64Array {
    return this.#values.subarray(0, this.length);
  }
}
