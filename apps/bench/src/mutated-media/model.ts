import { encodeOnnx } from '@facedet/core/testing';

/** Anchors of an input of 32 × 32 at the strides 8, 16 and 32, two per cell. */
const ANCHORS = [32, 8, 2] as const;

/**
 * A model that finds one face, larger than the picture, in all that it is given: it shows which frames it was given.
 */
export function faceEverywhere(): Uint8Array {
  const constants = ANCHORS.flatMap((count, level) => [
    // Only the last level has a score that counts.
    { name: `score-${count}`, shape: [count, 1], data: Array<number>(count).fill(level === 2 ? 0.9 : 0.01) },
    { name: `box-${count}`, shape: [count, 4], data: Array<number>(4 * count).fill(40) },
  ]);
  return encodeOnnx({
    inputs: [{ name: 'input', shape: [1, 3, 32, 32] }],
    outputs: constants.map(({ name, shape }) => ({ name: `out-${name}`, shape })),
    nodes: constants.map(({ name }) => ({ op: 'Identity', inputs: [name], outputs: [`out-${name}`] })),
    constants,
  });
}
