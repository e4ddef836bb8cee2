import { existsSync } from 'node:fs';
import { FaceDetError } from '@facedet/core';
import { partialPathOf, renameOutput } from '@facedet/files';
import type { VideoMetadata } from '../read/metadata.ts';
import type { VideoSource } from '../read/source.ts';
import { partialVideoPath } from '../write/mp4-fragments.ts';
import { findCompleted, noteCompleted } from './completed-runs.ts';
import { freeNames } from './live-names.ts';
import { describeRun, openManifests, type Manifests } from './manifest.ts';
import { lockOutputs, outputFiles } from './output-files.ts';
import { fileOf, OUTPUTS, outputsOf, partialsOf, type OutputKind, type OutputPaths } from './output-paths.ts';
import type { ProcessVideoOptions, VideoSummary } from './process-video-options.ts';
import type { RunState } from './run-state.ts';
import { openGallerySink } from './sinks/gallery.ts';

/** A run whose outputs are locked and whose manifests are open. */
export interface StartedRun {
  /** Final names of the outputs, as requested and behind links. */
  readonly outputs: OutputPaths;
  readonly targets: OutputPaths;
  /** Those of the targets that are files and folders. */
  readonly files: OutputPaths;
  readonly manifests: Manifests;
  /** Whether the manifests, or a fingerprint, say all that decides the results. */
  readonly isReproducible: boolean;
  /** Whether an interrupted run is continued. */
  readonly continues: boolean;
}

/** Starts a run, or returns the summary of an earlier run (`resume`) that has completed all outputs. */
export async function startRun(
  source: VideoSource,
  options: ProcessVideoOptions,
  state: RunState,
): Promise<StartedRun | { readonly summary: VideoSummary }> {
  const { resume = false } = options;
  const { metadata } = state;
  const { live } = metadata;
  if (live && resume)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected no resume for the live source ${metadata.source} but received true: what it showed ` +
        'meanwhile is gone. Start again without it; earlier recordings are kept.',
    );
  const requested = outputsOf(options);
  const outputs = live ? freeNames(requested, partialsOf) : requested;
  const { targets, files } = outputFiles(outputs, resume);
  state.unlock = lockOutputs(targets);
  const { manifests, isReproducible } = await manifestsOf(source, options, files);
  const finished = manifests.summary as VideoSummary | undefined;
  if (finished) {
    await nameOutputs(files, options, metadata);
    noteCompleted(files, { ...manifests.content, summary: finished });
    manifests.remove();
    return { summary: { ...finished, metadata, outputs } };
  }
  const mayBeDone = resume && isReproducible && manifests.areComplete && !manifests.isOpening;
  const before = mayBeDone ? (findCompleted(files, manifests.content) as VideoSummary | undefined) : undefined;
  if (before) {
    // A run that was killed while it removed them.
    manifests.remove();
    return { summary: { ...before, metadata, outputs, isDoneBefore: true } };
  }
  state.removeManifests = () => manifests.remove();
  if (!manifests.continues) {
    // A run that fails before its first frame leaves nothing.
    state.leavesNothing = true;
    // A kill from here on must not leave a manifest beside a partial file that an earlier run made with other settings.
    manifests.open();
  }
  return { outputs, targets, files, manifests, isReproducible, continues: resume && manifests.continues };
}

/** Options that do not change the results; all other options do. */
const NOT_DECISIVE = new Set<string>([
  ...OUTPUTS,
  'detector',
  'galleryPage',
  'show',
  'resume',
  'keepPartial',
  'onStart',
  'onFrame',
  'onProgress',
  'signal',
  'decodeAhead',
  'threads',
  'reconnects',
  'onReconnect',
]);

/** The manifests of a run; `isReproducible` where they, or a fingerprint, say all that decides the results. */
async function manifestsOf(
  source: VideoSource,
  options: ProcessVideoOptions,
  outputs: OutputPaths,
): Promise<{ manifests: Manifests; isReproducible: boolean }> {
  const decisive = Object.fromEntries(Object.entries(options).filter(([name]) => !NOT_DECISIVE.has(name)));
  const { manifest, opaque } = await describeRun(source, options.detector, decisive);
  const outputList = (Object.entries(outputs) as [OutputKind, string][]).map(([kind, path]) => ({
    path: fileOf(path, kind),
    partials: partialsOf(path, kind).filter((name) => name !== fileOf(path, kind)),
  }));
  const manifests = openManifests(outputList, manifest, options.resume ?? false);
  const isReproducible = opaque.length === 0 || options.fingerprint !== undefined;
  if (manifests.continues && !isReproducible)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a fingerprint to continue an interrupted run, as it is unknown whether ' +
        `${opaque.slice(0, 5).join(', ')} would give the same results; give plain data that changes when they ` +
        'do, in both runs.',
    );
  return { manifests, isReproducible };
}

/** Gives complete outputs their final names, as far as an interrupted run has not. */
async function nameOutputs(
  outputs: OutputPaths,
  { galleryPage }: ProcessVideoOptions,
  { source }: VideoMetadata,
): Promise<void> {
  const { output, gallery, ...texts } = outputs;
  if (
    gallery !== undefined &&
    partialsOf(gallery, 'gallery').some((path) => path.endsWith('.partial') && existsSync(path))
  )
    await (
      await openGallerySink(gallery, { source, resume: true, ...(galleryPage && { page: galleryPage }) })
    ).commit();
  if (output !== undefined && existsSync(partialVideoPath(output))) renameOutput(partialVideoPath(output), output);
  for (const path of Object.values(texts)) if (existsSync(partialPathOf(path))) renameOutput(partialPathOf(path), path);
}
