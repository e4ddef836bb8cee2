import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isFaceDetError, type Detector, type PixelBuffer } from '@facedet/core';
import { anonymizePixels, type AnonymizeOptions } from '@facedet/draw';
import { outputPlace, partialPathOf, PICTURE_FORMATS } from '@facedet/files';
import { encodeImage, imageFormatOf, writeImage } from '@facedet/runtime-node';
import {
  analysisPath,
  anonymizeVideo,
  isReadTwice,
  processVideo,
  renderVideo,
  type RowsFile,
  type VideoMetadata,
} from '@facedet/video-node';
import type { TrackerOptions } from '@facedet/tracker';
import { galleryPage } from '../pages/gallery-page.ts';
import { createFolder } from '../shared/check-outputs.ts';
import type { Context } from '../shared/context.ts';
import { firstOfSeveral } from '../shared/inputs.ts';
import { isStandardOutput } from '../shared/paths.ts';
import { readPicture } from '../shared/read-picture.ts';
import type { StandardInput } from '../shared/standard-input.ts';
import { videoProgress } from '../shared/video-progress.ts';
import {
  ANONYMIZE_HIGH,
  ANONYMIZE_LOOK_AHEAD,
  ANONYMIZE_PRESET,
  encodingOptions,
  TRACKER_LOW,
} from '../shared/video-options.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import type { Job } from './anonymize-job.ts';
import { colorLines } from './color-report.ts';
import { damageLines, earlyLines, streamLines } from './streams-report.ts';

/** What the inputs of a run share. */
export interface MaskingContext {
  readonly context: Context;
  readonly flags: AnonymizeFlags;
  readonly stdin: StandardInput;
  readonly effect: AnonymizeOptions;
  /** The score from which faces of pictures, and of videos from pipes, are masked. */
  readonly score: number;
  readonly detector: Detector | undefined;
  /** The rows of `--tracks`, in place of a detector. */
  readonly rows?: RowsFile;
  readonly isFolderRun: boolean;
}

/** The result of one input. */
export interface Done {
  readonly faces: number;
  readonly frames?: number;
  readonly masked?: number;
  /** IDs of the tracks of a video. */
  readonly trackIds?: readonly number[];
  /** Whether an earlier run completed it. */
  readonly isDoneBefore?: boolean;
}

/** Writes a copy of one picture with its faces masked. */
export async function maskPicture(
  { context, flags: { keepMetadata = false }, stdin, effect, score, detector }: MaskingContext,
  { input, output }: Job,
): Promise<Done> {
  const { signal, log } = context;
  const image = await readPicture(input.kind === 'stdin' ? await stdin.bytes() : input.source, { signal });
  try {
    // Decodes the pixels first, so that a damaged picture fails before detection.
    const pixels = await image.pixels({ signal });
    // The detector's threshold is that of videos, where weak detections count if they belong to a track.
    const faces = (await detector!.detect(image, { signal })).filter((face) => face.score >= score);
    const copy: PixelBuffer = { ...pixels, data: new Uint8Array(pixels.data) };
    anonymizePixels(copy, faces, effect);
    const tags = keepMetadata ? { tags: image.tags } : {};
    const format = imageFormatOf(output) ?? PICTURE_FORMATS[image.format].copy;
    if (isStandardOutput(output)) await context.write(await encodeImage(copy, { format, ...tags }));
    else {
      createFolder(dirname(output));
      await writeImage(output, copy, { like: image.format, ...tags });
    }
    if (image.pages > 1) log(firstOfSeveral(input.source, image, 'anonymize -o NAME.mp4'));
    if (keepMetadata && Object.keys(image.tags).length > 0 && (format === 'gif' || format === 'tiff'))
      log(
        `facedet: ${output}: titles, dates and locations can't be kept in ${format.toUpperCase()}; write a .jpg ` +
          'or .png to keep them',
      );
    return { faces: faces.length };
  } finally {
    image.close();
  }
}

/** Writes a copy of one video with its faces masked. */
export async function maskVideo(work: MaskingContext, job: Job): Promise<Done> {
  const { stdin } = work;
  if (job.input.kind !== 'stdin' || stdin.isUnread()) return maskVideoSource(work, job, job.input.source);
  // An animated picture, or a video so short that detecting its format has read all of it.
  const folder = await mkdtemp(join(tmpdir(), 'facedet-stdin-'));
  try {
    const path = join(folder, 'input');
    await writeFile(path, await stdin.bytes(), { mode: 0o600 });
    return await maskVideoSource(work, job, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function maskVideoSource(
  { context, flags, effect, score, detector, rows, isFolderRun }: MaskingContext,
  job: Job,
  source: string,
): Promise<Done> {
  const { input, output } = job;
  const { signal } = context;
  const bar = await videoProgress(context, input.source);
  const encoding = { ...encodingOptions(flags), keepMetadata: flags.keepMetadata ?? false };
  const { onProgress } = bar;
  try {
    if (!detector) {
      if (!rows!.analysis)
        context.log(
          `facedet: ${flags.tracks}: the rows do not say how they were made; faces that they lack stay visible`,
        );
      const rendered = await renderVideo(source, {
        output,
        tracks: rows!,
        anonymize: effect,
        encoding,
        signal,
        onProgress,
      });
      bar.stop();
      colorLines(output, rendered.metadata, flags).forEach(context.log);
      streamLines(output, rendered).forEach(context.log);
      damageLines(input.source, rendered).forEach(context.log);
      return { faces: rendered.totalFaces, frames: rendered.totalFrames, trackIds: rendered.trackIds };
    }
    const options = {
      detector,
      // A smoothed box may lag behind a moving face.
      smoother: false as const,
      ...(flags.detectEvery !== undefined && { detectEvery: flags.detectEvery }),
      ...(flags.rotate !== undefined && { rotate: flags.rotate }),
      onError: flags.onError ?? ('skip' as const),
      onPictureError: flags.onError ?? ('skip' as const),
      output,
      ...(flags.jsonl !== undefined && { jsonl: flags.jsonl }),
      ...(flags.gallery !== undefined && { gallery: flags.gallery, galleryPage }),
      anonymize: effect,
      encoding,
      // The run record of a folder knows which outputs are complete.
      ...(flags.resume && (!isFolderRun || isInProgress(job)) && { resume: true }),
      // In a folder of results, a partial file of a damaged video would look like a complete one.
      ...(isFolderRun && { keepPartial: isContinuable }),
      signal,
      onStart: ({ metadata }: { metadata: VideoMetadata }) => colorLines(output, metadata, flags).forEach(context.log),
      onProgress,
    };
    const isPipe = analysisPath(output) === undefined || !(await isReadTwice(source));
    const tracker = isPipe ? trackerOf(flags, score, 0.35) : trackerOf(flags, flags.score ?? TRACKER_LOW, NEW_TRACK);
    const summary = isPipe
      ? await processVideo(source, { ...options, tracker, lookAhead: flags.lookAhead ?? ANONYMIZE_LOOK_AHEAD })
      : await anonymizeVideo(source, {
          ...options,
          tracker,
          ...(flags.lookAhead !== undefined && { hold: flags.lookAhead }),
          ...(flags.score !== undefined && { score: flags.score }),
        });
    bar.stop();
    streamLines(output, summary).forEach(context.log);
    earlyLines(input.source, summary).forEach(context.log);
    damageLines(input.source, summary).forEach(context.log);
    const { failedFrames: failed } = summary;
    if (failed > 0)
      context.log(
        `facedet: ${input.source}: ${failed} ${failed === 1 ? 'frame' : 'frames'} could not be analyzed and ` +
          `${failed === 1 ? 'is' : 'are'} masked whole; the first: ${summary.firstFailure}`,
      );
    const { isDoneBefore = false } = summary;
    const { totalFaces: faces, totalFrames: frames, trackIds } = summary;
    return { faces, frames, trackIds, masked: failed, isDoneBefore };
  } finally {
    bar.stop();
  }
}

/** Where it is decided later what is masked, everything is followed that may be a face: all evidence counts. */
const NEW_TRACK = 0.2;

function trackerOf(
  { trackerPreset = ANONYMIZE_PRESET }: AnonymizeFlags,
  score: number,
  newTrack: number,
): TrackerOptions {
  return {
    preset: trackerPreset,
    highScoreThreshold: Math.max(score, Math.min(newTrack, ANONYMIZE_HIGH)),
    newTrackThreshold: Math.max(score, newTrack),
    lowScoreThreshold: score,
  };
}

/** Whether the machine caused the error, not the input: then the partial output can be resumed. */
function isContinuable(error: unknown): boolean {
  return !isFaceDetError(error) || /^(?:DISK_FULL|WRITE_FAILED|OUTPUT_|WORKER_|OUT_OF_MEMORY)/.test(error.code);
}

/** Whether an interrupted run has left a partial video, or a complete one that was not renamed yet. */
export function isInProgress({ video, output }: Job): boolean {
  if (!video) return false;
  const place = outputPlace(output, { media: true });
  if (place.kind !== 'file') return false;
  const analysis = analysisPath(output)!;
  return [place.partialPath, `${place.target}.partial.json`, analysis, partialPathOf(analysis)].some((path) =>
    existsSync(path),
  );
}
