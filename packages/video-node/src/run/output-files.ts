import { FaceDetError } from '@facedet/core';
import { lockOutput, outputPlace, printable } from '@facedet/files';
import { resolveSource, type VideoSource } from '../read/source.ts';
import { fileOf, type OutputKind, type OutputPaths } from './output-paths.ts';

/**
 * Where the outputs of a run go: `targets` are all of them, behind links; `files` those that are files and folders,
 * which get a manifest and can be continued. Throws `INVALID_ARGUMENT` for `resume` with a pipe.
 */
export function outputFiles(outputs: OutputPaths, resume: boolean): { targets: OutputPaths; files: OutputPaths } {
  const targets: Record<string, string> = {};
  const files: Record<string, string> = {};
  for (const [kind, path] of Object.entries(outputs)) {
    const place =
      kind === 'gallery' ? ({ kind: 'file', target: path } as const) : outputPlace(path, { media: kind === 'output' });
    targets[kind] = place.kind === 'file' ? place.target : path;
    if (place.kind === 'file') files[kind] = place.target;
    else if (resume) throw refused(`the pipe or device ${printable(path, 200)} as output`);
  }
  return { targets, files };
}

/** Throws `INVALID_ARGUMENT` where a run that is to be resumed reads from a pipe. */
export async function refusePipe(source: VideoSource): Promise<void> {
  const { kind, name } = await resolveSource(source);
  if (kind === 'pipe') throw refused(`the pipe ${name} as source`);
}

function refused(what: string): FaceDetError {
  return new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected files to resume but received ${what}; what went through a pipe is gone. Start from the ` +
      'beginning without resume.',
  );
}

/** Holds all outputs against other runs; returns how to let them go. Throws `OUTPUT_IN_USE`, and holds none then. */
export function lockOutputs(targets: OutputPaths): () => void {
  const locks: { release(): void }[] = [];
  const release = () => locks.forEach((lock) => lock.release());
  try {
    for (const [kind, path] of Object.entries(targets) as [OutputKind, string][]) {
      locks.push(lockOutput(fileOf(path, kind), { media: kind === 'output' }));
    }
  } catch (error) {
    release();
    throw error;
  }
  return release;
}
