import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FaceDetError, isFaceDetError, type Detector, type PixelBuffer } from '@facedet/core';
import { anonymizePixels, type AnonymizeOptions } from '@facedet/draw';
import { outputPlace, PICTURE_FORMATS } from '@facedet/files';
import { encodeImage, imageFormatOf, writeImage } from '@facedet/runtime-node';
import { processVideo, renderVideo } from '@facedet/video-node';
import { version } from '../../package.json';
import type { Context } from '../shared/context.ts';
import { planRun, type Job, type Plan } from './anonymize-plan.ts';
import { colorLines } from './color-report.ts';
import { openRunRecord, type RunRecord } from './run-record.ts';
import { damageLines, earlyLines, streamLines } from './streams-report.ts';
import { createFolder } from '../shared/check-outputs.ts';
import { countsLine, skippedIn } from '../shared/counts.ts';
import { openDetector } from '../shared/detector.ts';
import { modelError, usageError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import { firstOfSeveral, passedOverText, type PassedOver } from '../shared/inputs.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { isStandardOutput, isStream } from '../shared/paths.ts';
import { progress } from '../shared/progress.ts';
import { readPicture } from '../shared/read-picture.ts';
import type { StandardInput } from '../shared/standard-input.ts';
import { withoutName } from '../shared/video-errors.ts';
import { videoProgress } from '../shared/video-progress.ts';
import {
  ANONYMIZE_PRESET,
  ANONYMIZE_SCORE,
  encodingOptions,
  type EncodingFlags,
  type ErrorFlags,
  type TrackingFlags,
} from '../shared/video-options.ts';

export interface AnonymizeFlags extends DetectorFlags, TrackingFlags, EncodingFlags, ErrorFlags {
  output: string;
  effect?: 'blur' | 'pixelate' | 'solid' | 'image';
  image?: string;
  color?: [number, number, number];
  shape?: 'ellipse' | 'box';
  margin?: number;
  keep?: number[];
  tracks?: string;
  lookAhead?: number;
  detectEvery?: number | 'auto';
  keepMetadata?: boolean;
  resume?: boolean;
}

/** What a run has done so far. */
interface Tally {
  files: number;
  frames: number | undefined;
  faces: number;
  masked: number;
  failures: number;
  before: number;
  left: number;
}

export async function run(context: Context, flags: AnonymizeFlags, args: string[]): Promise<void> {
  const plan = await planRun(args, flags, context.signal);
  const { jobs, passed, stdin, isFolderRun, isResumable } = plan;
  const effect = await effectOf(flags);
  const score = flags.score ?? ANONYMIZE_SCORE;
  const opened =
    flags.tracks === undefined
      ? await openDetector(
          context,
          { ...flags, score },
          { images: jobs.some(({ video }) => video) ? Infinity : jobs.length },
        )
      : undefined;
  const record = await recordOf(plan, flags, () => settingsOf(flags, effect, score, opened?.detector));
  const tally: Tally = {
    files: 0,
    frames: jobs.some(({ video }) => video) ? 0 : undefined,
    faces: 0,
    masked: 0,
    failures: 0,
    before: 0,
    left: 0,
  };
  const work: Work = { context, flags, stdin, effect, score, detector: opened?.detector, isFolderRun };
  let stopped = false;
  const attempt = async (job: Job): Promise<void> => {
    const { source, kind, error: known } = job.input;
    try {
      context.signal.throwIfAborted();
      if (stopped) {
        tally.left++;
        return;
      }
      if (known) throw known;
      if (record?.isDone(source, job.output)) {
        tally.before++;
        return;
      }
      if (jobs.length === 1 && record?.isOfOther(source, job.output)) throw otherInput(job);
      if (kind === 'file') await stat(source);
      const done = await (job.video ? hideInVideo(work, job) : hideInPicture(work, job));
      record?.done(source, job.output);
      if (done.isDoneBefore) {
        tally.before++;
        return;
      }
      tally.files++;
      tally.faces += done.faces;
      if (done.frames !== undefined) tally.frames = (tally.frames ?? 0) + done.frames;
      tally.masked += done.masked ?? 0;
    } catch (error) {
      if (context.signal.aborted) throw error;
      if (isFaceDetError(error) && error.code === 'RESUME_MISMATCH') throw usageError(error.message, error.code);
      if (opened && isFaceDetError(error) && error.code.startsWith('MODEL_')) throw modelError(opened.model, error);
      tally.failures++;
      context.fail(source, withoutName(error, source));
      stopped = flags.onError === 'stop';
    }
  };
  try {
    await hideInPictures(
      context,
      jobs.filter(({ video }) => !video),
      opened?.detector.concurrency ?? 1,
      attempt,
    );
    // One video keeps all cores busy.
    for (const job of jobs.filter(({ video }) => video)) await attempt(job);
    for (const over of passed) if (!over.isReported) context.log(`facedet: ${over.source}: ${passedOverText(over)}`);
    const isComplete = tally.left === 0 && tally.failures === 0;
    context.log(
      tallyLine(
        tally,
        passed,
        isFolderRun && isResumable && !isComplete ? '; --resume tries what is missing again' : '',
      ),
    );
    // What nobody came to is in the folder; what failed leaves nothing there.
    if (tally.left === 0) record?.moveAway();
  } catch (error) {
    if (context.signal.aborted) {
      const isKept = record?.isEmpty === false || jobs.some(isInProgress);
      if (!isKept) record?.remove();
      context.log(tallyLine(tally, passed, `; interrupted${isKept && isResumable ? ', continue with --resume' : ''}`));
    } else record?.moveAway();
    throw error;
  } finally {
    await opened?.detector.dispose();
  }
}

function tallyLine(
  { files, frames, faces, masked, failures, before, left }: Tally,
  passed: readonly PassedOver[],
  note: string,
): string {
  return countsLine(
    {
      files,
      ...(frames !== undefined && { frames }),
      faces,
      maskedFrames: masked,
      failures,
      doneBefore: before,
      left,
      skipped: skippedIn(passed),
    },
    note,
  );
}

/** Whether an interrupted run has left part of a film, or a complete one that only lacks its name. */
function isInProgress({ video, output }: Job): boolean {
  if (!video) return false;
  const place = outputPlace(output, { media: true });
  return place.kind === 'file' && (existsSync(place.partialPath) || existsSync(`${place.target}.partial.json`));
}

/** The record of a run into a folder, or of one picture; single films are known to `processVideo`. */
async function recordOf(
  { jobs, isFolderRun, isResumable }: Plan,
  { output, resume = false }: AnonymizeFlags,
  settings: () => Promise<Record<string, unknown>>,
): Promise<RunRecord | undefined> {
  if (isFolderRun) return openRunRecord(output, await settings(), { resume, isFolder: true });
  const [job] = jobs;
  if (!job || job.video || !isResumable || isStream(job.output)) return undefined;
  return openRunRecord(job.output, await settings(), { resume, isFolder: false });
}

function otherInput({ input, output }: Job): FaceDetError {
  return new FaceDetError(
    'RESUME_MISMATCH',
    `${output}: expected the input of the earlier run but received another, or one that was changed since: ` +
      `${input.source}. Leave out --resume to replace it.`,
  );
}

/** What all inputs of a run have in common. */
interface Work {
  readonly context: Context;
  readonly flags: AnonymizeFlags;
  readonly stdin: StandardInput;
  readonly effect: AnonymizeOptions;
  readonly score: number;
  readonly detector: Detector | undefined;
  readonly isFolderRun: boolean;
}

/** What was done of one input. */
interface Done {
  readonly faces: number;
  readonly frames?: number;
  readonly masked?: number;
  /** Whether an earlier run has done it. */
  readonly isDoneBefore?: boolean;
}

/** Several pictures at once, as many as the detector looks at and one that is read or written meanwhile. */
async function hideInPictures(
  context: Context,
  jobs: readonly Job[],
  concurrency: number,
  attempt: (job: Job) => Promise<void>,
): Promise<void> {
  const bar = jobs.length > 1 ? await progress(context, { total: jobs.length, unit: 'images' }) : undefined;
  try {
    for await (const _ of inOrder(jobs, concurrency + 1, attempt)) bar?.tick();
  } finally {
    bar?.stop();
  }
}

async function hideInPicture(
  { context, flags: { keepMetadata = false }, stdin, effect, detector }: Work,
  { input, output }: Job,
): Promise<Done> {
  const { signal, log } = context;
  const image = await readPicture(input.kind === 'stdin' ? await stdin.bytes() : input.source, { signal });
  try {
    // The pixels first: a picture that is broken in the middle ends here.
    const pixels = await image.pixels({ signal });
    const faces = await detector!.detect(image, { signal });
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
        `facedet: ${output}: titles, dates and places can't be kept in ${format.toUpperCase()}; write a .jpg ` +
          'or .png to keep them',
      );
    return { faces: faces.length };
  } finally {
    image.close();
  }
}

async function hideInVideo(work: Work, job: Job): Promise<Done> {
  const { stdin } = work;
  if (job.input.kind !== 'stdin' || stdin.isUnread()) return hideInFilm(work, job, job.input.source);
  // A picture that moves, or a film so short that telling its format has read it all.
  const folder = await mkdtemp(join(tmpdir(), 'facedet-stdin-'));
  try {
    const path = join(folder, 'input');
    await writeFile(path, await stdin.bytes(), { mode: 0o600 });
    return await hideInFilm(work, job, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hideInFilm(
  { context, flags, effect, score, detector, isFolderRun }: Work,
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
      const rendered = await renderVideo(source, {
        output,
        tracks: flags.tracks!,
        anonymize: effect,
        encoding,
        signal,
        onProgress,
      });
      bar.stop();
      colorLines(output, rendered.metadata, flags).forEach(context.log);
      streamLines(output, rendered).forEach(context.log);
      damageLines(input.source, rendered).forEach(context.log);
      return { faces: rendered.totalFaces, frames: rendered.totalFrames };
    }
    const summary = await processVideo(source, {
      detector,
      tracker: {
        preset: flags.trackerPreset ?? ANONYMIZE_PRESET,
        highScoreThreshold: Math.max(score, 0.3),
        newTrackThreshold: Math.max(score, 0.35),
        lowScoreThreshold: score,
      },
      // A smoothed box may lag behind a face that moves.
      smoother: false,
      lookAhead: flags.lookAhead ?? 1,
      ...(flags.detectEvery !== undefined && { detectEvery: flags.detectEvery }),
      ...(flags.rotate !== undefined && { rotate: flags.rotate }),
      onError: flags.onError ?? 'skip',
      onPictureError: flags.onError ?? 'skip',
      output,
      anonymize: effect,
      encoding,
      // The record of a folder says what is complete there.
      ...(flags.resume && (!isFolderRun || isInProgress(job)) && { resume: true }),
      // Among the results of a folder, half of a broken film would pass for one.
      ...(isFolderRun && { keepPartial: isContinuable }),
      signal,
      onStart: ({ metadata }) => colorLines(output, metadata, flags).forEach(context.log),
      onProgress,
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
    return { faces: summary.totalFaces, frames: summary.totalFrames, masked: failed, isDoneBefore };
  } finally {
    bar.stop();
  }
}

/** Whether the machine is to blame and not the input: then what is done can be continued. */
function isContinuable(error: unknown): boolean {
  return !isFaceDetError(error) || /^(?:DISK_FULL|WRITE_FAILED|OUTPUT_|WORKER_|OUT_OF_MEMORY)/.test(error.code);
}

/** What decides the pixels of a folder run. */
async function settingsOf(
  {
    output: _,
    resume: __,
    onError: ___,
    acceptLicense: ____,
    threads: _____,
    workers: ______,
    image,
    tracks,
    ...flags
  }: AnonymizeFlags,
  effect: AnonymizeOptions,
  score: number,
  detector: Detector | undefined,
): Promise<Record<string, unknown>> {
  const hash = (bytes: Uint8Array | Uint8ClampedArray) => createHash('sha256').update(bytes).digest('hex');
  const settings = {
    version,
    ...flags,
    score,
    detector: detector?.fingerprint,
    ...(image !== undefined && effect.image && { image: hash(effect.image.data) }),
    ...(tracks !== undefined && { tracks: hash(await readFile(tracks)) }),
  };
  return JSON.parse(JSON.stringify(settings)) as Record<string, unknown>;
}

async function effectOf({ effect, image, color, shape, margin, keep }: AnonymizeFlags): Promise<AnonymizeOptions> {
  if ((effect === 'image') !== (image !== undefined))
    throw usageError('expected --effect image together with --image FILE');
  const picture =
    image === undefined
      ? undefined
      : await readPicture(image).catch((error: unknown) => {
          throw usageError(`${image}: ${(error as Error).message}`);
        });
  return {
    ...(effect && { effect }),
    ...(color && { color }),
    ...(shape && { shape }),
    ...(margin !== undefined && { margin }),
    ...(keep && { keepIds: keep }),
    ...(picture && { image: await picture.pixels() }),
  };
}
