import { existsSync } from 'node:fs';
import { dirname, extname, join, basename } from 'node:path';
import { manifestPath, type PartialOutput } from './manifest.ts';

/**
 * Names for the outputs of a live source that exist neither complete nor in progress: as asked for if they are free,
 * else all with the same number from 2 up (`cam-2.mp4` beside `cam-2.jsonl`), so that a new start never overwrites an
 * earlier recording. `partialsOf` gives the files under which an output may lie while it is in progress.
 */
export function freeNames<K extends string>(
  outputs: Readonly<Partial<Record<K, string>>>,
  partialsOf: (path: string, kind: K) => PartialOutput['partials'],
): Partial<Record<K, string>> {
  const kinds = Object.keys(outputs) as K[];
  for (let number = 1; ; number++) {
    const names = Object.fromEntries(kinds.map((kind) => [kind, numbered(outputs[kind]!, number)])) as Partial<
      Record<K, string>
    >;
    const isTaken = kinds.some((kind) => {
      const path = names[kind]!;
      return [path, manifestPath(path), ...partialsOf(path, kind)].some((name) => existsSync(name));
    });
    if (!isTaken) return names;
  }
}

function numbered(path: string, number: number): string {
  if (number === 1) return path;
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}-${number}${extension}`);
}
