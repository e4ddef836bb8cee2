import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { fileStamp, makeFolder, printable, replaceFile } from '@facedet/files';
import { modelCacheDir } from '@facedet/models/node';
import { differencesText, type RunManifest } from './manifest.ts';
import { fileOf, type OutputPaths } from './output-paths.ts';

/** An output of a complete run. */
interface CompletedOutput {
  /** The run's manifest, and its summary as plain data. */
  readonly manifest: RunManifest;
  /** Whether the output is as the run left it. */
  readonly stamp: string;
}

/**
 * The summary of the complete runs that made all of these outputs; undefined where an output is not there, was changed
 * since, or where nothing is known of it. Throws `RESUME_MISMATCH` where an output that is as its run left it was made
 * with other settings, of another input or by another model.
 */
export function findCompleted(outputs: OutputPaths, now: RunManifest): unknown {
  const found = Object.entries(outputs).map(([kind, path]) => {
    const completed = read(kind, path);
    const differing = completed && differencesText(completed.manifest, now);
    if (differing)
      throw new FaceDetError(
        'RESUME_MISMATCH',
        `${printable(path, 200)}: expected the settings, model and input of the complete run that wrote it ` +
          'but received ' +
          `others: ${differing}. Use the same again, or leave out resume to replace it.`.slice(0, 750),
      );
    return { kind, completed };
  });
  if (found.length === 0 || found.some(({ completed }) => !completed)) return undefined;
  // Only a run that wrote the film knows what is in it.
  return (found.find(({ kind }) => kind === 'output') ?? found[0])?.completed?.manifest.summary;
}

/** Notes that outputs are complete. They lie where the states of interrupted runs do, and are removed with those. */
export function noteCompleted(outputs: OutputPaths, manifest: RunManifest): void {
  try {
    for (const [kind, path] of Object.entries(outputs)) {
      const stamp = stampOf(kind, path);
      if (stamp === undefined) continue;
      const place = notePath(path);
      makeFolder(dirname(place));
      replaceFile(place, JSON.stringify({ manifest, stamp } satisfies CompletedOutput), { flush: false });
    }
  } catch {
    // A full or read-only disk: the next run does all of it again.
  }
}

function read(kind: string, path: string): CompletedOutput | undefined {
  try {
    const { manifest, stamp } = JSON.parse(readFileSync(notePath(path), 'utf8')) as CompletedOutput;
    const isUsable = manifest.format === 1 && manifest.summary !== undefined && stamp === stampOf(kind, path);
    return isUsable ? { manifest, stamp } : undefined;
  } catch {
    return undefined;
  }
}

function notePath(output: string): string {
  const path = resolve(output);
  const folder = existsSync(dirname(path)) ? realpathSync(dirname(path)) : dirname(path);
  const key = createHash('sha256')
    .update(`complete\0${join(folder, basename(path))}`)
    .digest('hex')
    .slice(0, 32);
  return join(modelCacheDir(), 'resume', `${key}.json`);
}

/** Stamps of all files of an output; undefined where one is missing. */
function stampOf(kind: string, path: string): string | undefined {
  if (kind !== 'gallery') return fileStamp(path);
  const list = fileOf(path, 'gallery');
  const { tracks } = JSON.parse(readFileSync(list, 'utf8')) as { tracks: { image: string | null }[] };
  const images = tracks.flatMap(({ image }) => (image === null ? [] : [join(path, image)]));
  const stamps = [list, ...images].map(fileStamp);
  if (stamps.includes(undefined)) return undefined;
  // The page is there only where one was asked for.
  const all = [...stamps, fileStamp(join(path, 'index.html')) ?? 'none'].join('\n');
  return createHash('sha256').update(all).digest('hex');
}
