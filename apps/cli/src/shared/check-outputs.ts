import { dirname } from 'node:path';
import { makeFolder, outputError, outputPlace, partialPathOf, requireWritable } from '@facedet/files';
import { CommandError, describe, usageError } from './errors.ts';
import { isStandardOutput, place } from './paths.ts';

/** An output that a command is asked for. */
export interface AskedOutput {
  readonly path: string;
  /** A film: in progress it keeps its extension (`film.partial.mp4`). Default false. */
  readonly media?: boolean;
  /** A folder that is filled. Default false. */
  readonly isFolder?: boolean;
}

/**
 * Ends the command with exit code 2, before any work, where an output can't be written, is one of the inputs, or would
 * be written twice, also through links and under the names that files have while they are in progress. Missing folders
 * are no error: they are made.
 */
export function checkOutputs(
  outputs: readonly AskedOutput[],
  inputs: readonly string[],
  advice = 'choose another name',
): void {
  const sources = new Map(inputs.map((source) => [place(source), source]));
  const claimed = new Set<string>();
  for (const output of outputs) {
    const { path } = output;
    if (isStandardOutput(path)) {
      if (claimed.has('-')) throw usageError(`${path}: expected a different file for each output`);
      claimed.add('-');
      continue;
    }
    const own = sources.get(place(path));
    if (own !== undefined && !output.isFolder) {
      throw usageError(
        `${path}: output would overwrite the input${own === path ? '' : ` ${own}`}; ${advice}`,
        'OUTPUT_IS_INPUT',
      );
    }
    requireOutput(output);
    const names = namesOf(output);
    for (const name of names) {
      const taken = sources.get(name);
      if (taken !== undefined)
        throw usageError(`${path}: its partial file would overwrite the input ${taken}; ${advice}`, 'OUTPUT_IS_INPUT');
      if (claimed.has(name)) throw usageError(`${path}: expected a different file for each output`);
    }
    for (const name of names) claimed.add(name);
  }
}

/** Creates a folder for outputs, and those above it. Ends the command with exit code 2 where that is not possible. */
export function createFolder(path: string): void {
  refuseUnwritable(() => {
    try {
      makeFolder(path);
    } catch (cause) {
      throw outputError(path, cause);
    }
  });
}

/** Ends the command with exit code 2 where an output can't be written. */
export function refuseUnwritable(work: () => void): void {
  try {
    work();
  } catch (cause) {
    const { code, message } = describe(cause);
    throw new CommandError(code, message, { exitCode: 2, cause });
  }
}

function requireOutput({ path, ...options }: AskedOutput): void {
  refuseUnwritable(() => requireWritable(path, options));
}

/** The files that writing an output makes and replaces, without links. */
function namesOf({ path, media = false, isFolder = false }: AskedOutput): string[] {
  if (isFolder) return [];
  const found = outputPlace(path, { media });
  if (found.kind === 'stream') return [];
  const target = place(found.target);
  const folder = place(dirname(target));
  const former = media ? [target.replace(/(\.[^./\\]*)$/, '.partial-before$1')] : [];
  return [
    target,
    partialPathOf(target, { media }),
    `${target}.partial.json`,
    `${partialPathOf(target, { media })}.lock`,
    ...former,
  ].filter((name) => name !== folder);
}
