import { FaceDetError } from './errors.ts';
import { invalidArgument } from './invalid-argument.ts';
import { received } from './received.ts';

/**
 * Refuses unknown option names and suggests the most similar known one: a misspelled option would otherwise be ignored
 * silently.
 *
 * @param options the caller's options; `undefined` means none
 * @param known all names
 * @param prefix the option that contains these, with a dot (`tiles.`); `''` for the outermost
 * @param what what the message calls these options where there is no prefix
 * @throws FaceDetError `INVALID_ARGUMENT`
 */
export function checkOptionNames(options: unknown, known: readonly string[], prefix = '', what = 'options'): void {
  if (options === undefined) return;
  const name = prefix ? prefix.slice(0, -1) : what;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalidArgument(`an object for ${name}`, options, 'leave it out for the defaults');
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key) || (options as Record<string, unknown>)[key] === undefined) continue;
    const similar = mostSimilar(key, known);
    const hint = similar ? `did you mean ${prefix}${similar}?` : `there are: ${known.join(', ')}.`;
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a known name in ${name} but received ${received(`${prefix}${key}`)}; ${hint}`,
    );
  }
}

/** The known name most similar to a misspelled one: a few edits away from it or a part of it, or with its start. */
function mostSimilar(key: string, known: readonly string[]): string | undefined {
  const normalized = (name: string) => name.replaceAll(/[-_]/g, '').toLowerCase();
  const wanted = normalized(key).slice(0, 64);
  const wantedStart = wanted.slice(0, Math.max(4, Math.ceil(0.6 * wanted.length)));
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const name of known) {
    const candidate = normalized(name);
    const whole = editDistance(wanted, candidate, false);
    // A part of a name, like `treshold` for `scoreThreshold`, is a worse guess than a whole one.
    const part = wanted.length >= 4 ? editDistance(wanted, candidate, true) + 1 : Infinity;
    const start = wanted.length >= 4 && candidate.startsWith(wantedStart) ? 2.5 : Infinity;
    const distance = Math.min(
      whole <= Math.max(1, candidate.length / 3) ? whole : Infinity,
      part <= 1 + wanted.length / 4 ? part : Infinity,
      start,
    );
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions and replacements from one word to another (Levenshtein 1966), or to the closest part of it. */
function editDistance(a: string, b: string, toPart: boolean): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => (toPart ? 0 : j));
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return toPart ? Math.min(...row) : row[b.length]!;
}
