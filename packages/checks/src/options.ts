import { FaceDetError } from './errors.ts';
import { received } from './received.ts';

/**
 * Refuses options whose names nobody knows, with the nearest known name as a suggestion: a misspelt option would otherwise be the default without a word.
 * `undefined` stands for no options. `prefix` names the option that holds these (`tiles.`), `''` for the outermost.
 *
 * @throws FaceDetError `INVALID_ARGUMENT`
 */
export function checkOptionNames(options: unknown, known: readonly string[], prefix = '', what = 'options'): void {
  if (options === undefined) return;
  const name = prefix ? prefix.slice(0, -1) : what;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new FaceDetError('INVALID_ARGUMENT', `Expected an object for ${name} but received ${received(options)}.`);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key) || (options as Record<string, unknown>)[key] === undefined) continue;
    const near = nearest(key, known);
    const hint = near ? `did you mean ${prefix}${near}?` : `there are: ${known.join(', ')}.`;
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a known name in ${name} but received ${received(`${prefix}${key}`)}; ${hint}`);
  }
}

/** The known name that is at most a third of its length of typing mistakes away, or that differs in case, hyphens or underscores alone. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const plain = (name: string) => name.replaceAll(/[-_]/g, '').toLowerCase();
  const wanted = plain(key).slice(0, 64);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const name of known) {
    const candidate = plain(name);
    const distance = candidate.includes(wanted) && wanted.length >= 4 ? 1 : editDistance(wanted, candidate);
    if (distance < bestDistance && distance <= Math.max(1, candidate.length / 3)) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions and replacements from one word to another (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
