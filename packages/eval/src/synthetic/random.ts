/** A number in [0, 1) that depends only on the keys: random access without state. MurmurHash3's finalizer over each. */
export function randomAt(seed: number, a = 0, b = 0): number {
  return hash(hash(hash(hash(seed | 0) ^ (a | 0)) + 0x9e3779b9) ^ (b | 0)) / 4294967296;
}

/** A stream of numbers in [0, 1) from one seed. */
export function createRandom(seed: number): () => number {
  let state = hash(seed | 0);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return hash(state) / 4294967296;
  };
}

function hash(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}
