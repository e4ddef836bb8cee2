/** Frames that are damaged in the source, and the time of the first of them in seconds. */
export interface Damage {
  readonly frames: number;
  readonly first?: number;
}

/** Damage of the source that its decoder concealed. */
export interface DamageSummary {
  /** Frames that are damaged in the source: the decoder made part of them up, and faces in them may not be found. */
  readonly damagedFrames: number;
  /** Time of the first of them in seconds; undefined without damage. */
  readonly firstDamage?: number;
}

/** The figures of damage in a summary. */
export function damageOf({ frames, first }: Damage): DamageSummary {
  return { damagedFrames: frames, ...(first !== undefined && { firstDamage: first }) };
}
