import type { Input } from '../shared/inputs.ts';

/** An input and its output path. */
export interface Job {
  readonly input: Input;
  readonly output: string;
  readonly video: boolean;
}
