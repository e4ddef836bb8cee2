/** The exit codes of the command. */
export const Exit = {
  /** All done. */
  ok: 0,
  /** Some input failed; the others are done. */
  failed: 1,
  /** Wrong usage, or no model. */
  usage: 2,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;
