import { received } from '@facedet/checks';
import { FaceDetError } from '@facedet/core';
import type { ModelIdentity } from './types.ts';

/** The one of `models` with this name or alias, in any case. */
export function byName<M extends ModelIdentity>(models: readonly M[], name: string): M | undefined {
  const wanted = name.toLowerCase();
  return models.find((entry) => entry.name === wanted || entry.aliases.includes(wanted));
}

/**
 * What a model argument names: one of `models` (the first is the default), a URL, or a path.
 *
 * A name never means a file that happens to be in the working folder: a path has a separator or ends in `.onnx` or
 * `.ort`.
 *
 * @throws FaceDetError `NO_MODEL` without a name and without default weights; `MODEL_UNKNOWN` for an unknown
 * name.
 */
export function classifyModel<M extends ModelIdentity>(
  models: readonly M[],
  model: string | URL | undefined,
): { entry: M } | { url: string } | { path: string | URL } {
  if (model === undefined) {
    if (models[0]?.file.verification === 'bundled') return { entry: models[0] };
    throw new FaceDetError(
      'NO_MODEL',
      'No model was named and this build carries no default weights: name one (scrfd_10g_kps, scrfd_2.5g_kps ' +
        'and scrfd_0.5g_kps can be downloaded, see `facedet models list`) or give the path of an ONNX file.',
    );
  }
  const text = String(model);
  if (/^https?:\/\//i.test(text)) return { url: text };
  if (/^file:\/\//i.test(text)) {
    if (URL.canParse(text)) return { path: new URL(text) };
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a file: URL but received ${received(text)}; correct it, or give the path.`,
    );
  }
  const entry = byName(models, text);
  if (entry) return { entry };
  if (/[/\\]/.test(text) || /\.(onnx|ort)$/i.test(text)) return { path: text };
  throw new FaceDetError(
    'MODEL_UNKNOWN',
    `Expected a model's name but received ${received(text)}; use one of ` +
      `${models.map(({ name }) => name).join(', ')}, a path that ends in .onnx or a URL${suggestion(models, text)}`,
  );
}

function suggestion(models: readonly ModelIdentity[], text: string): string {
  if (text.length > 100) return '.';
  const names = models.flatMap(({ name, aliases }) => [name, ...aliases]);
  const near = names
    .map((name) => ({ name, distance: distance(text.toLowerCase(), name) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near && near.distance <= 3 ? `. Did you mean ${near.name}?` : '.';
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
