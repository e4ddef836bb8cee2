import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { isFaceDetError, type Detector, type PixelBuffer } from '@facedet/core';
import { anonymizePixels, type AnonymizeOptions } from '@facedet/draw';
import { imageFormatOf, writeImage } from '@facedet/runtime-node';
import { processVideo, renderVideo } from '@facedet/video-node';
import { version } from '../../package.json';
import type { Context } from '../shared/context.ts';
import { openBatchRecord } from './batch-record.ts';
import { colorLines } from './color-report.ts';
import { streamLines } from './streams-report.ts';
import { copyName, outputNames, ownName } from '../shared/output-names.ts';
import { openDetector } from '../shared/detector.ts';
import { modelError, usageError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import { expandInputs, firstOfSeveral, isFilm, passedOverText, type Input, type PassedOver } from '../shared/inputs.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { place } from '../shared/paths.ts';
import { progress } from '../shared/progress.ts';
import { readPicture } from '../shared/read-picture.ts';
import { withoutName } from '../shared/video-errors.ts';
import { videoProgress } from '../shared/video-progress.ts';
import { ANONYMIZE_PRESET, ANONYMIZE_SCORE, checkVideo, encodingOptions, WRITTEN_VIDEOS, type EncodingFlags, type ErrorFlags, type TrackingFlags } from '../shared/video-options.ts';

export interface AnonymizeFlags extends DetectorFlags, TrackingFlags, EncodingFlags, ErrorFlags {
  output: string;
  effect?: 'blur' | 'pixelate' | 'solid' | 'image';
  image?: string;
  color?: [number, number, number];
  shape?: 'ellipse' | 'box';
  margin?: number;
  clear?: number[];
  tracks?: string;
  lookAhead?: number;
  detectEvery?: number | 'auto';
  keepMetadata?: boolean;
  resume?: boolean;
}

interface Job {
  readonly input: Input;
  readonly output: string;
  readonly video: boolean;
}

export async function run(context: Context, flags: AnonymizeFlags, args: string[]): Promise<void> {
  const passed: PassedOver[] = [];
  const inputs = await expandInputs(args, { videos: true, onPassedOver: (over) => passed.push(over) });
  const several = args.length > 1 || inputs.length > 1 || args.some(namesSeveral);
  const jobs = await planJobs(inputs, flags, several);
  const effect = await effectOf(flags);
  const score = flags.score ?? ANONYMIZE_SCORE;
  const opened = flags.tracks === undefined ? await openDetector(context, { ...flags, score }, { images: jobs.some(({ video }) => video) ? Infinity : jobs.length }) : undefined;
  const folderRun = jobs.length > 1 && several;
  const record = folderRun
    ? openBatchRecord(flags.output, await settingsOf(flags, effect, score, opened?.detector), flags.resume ?? false)
    : undefined;
  let before = 0;
  let stopped = false;
  let left = 0;
  const attempt = async (job: Job): Promise<void> => {
    const { source } = job.input;
    try {
      context.signal.throwIfAborted();
      if (stopped) {
        left++;
        return;
      }
      if (job.input.error) throw job.input.error;
      if (record?.isDone(source, job.output)) {
        before++;
        return;
      }
      await stat(source);
      if (job.video) await hideInVideo(context, flags, job, effect, score, opened?.detector);
      else await hideInPicture(context, flags, job, effect, opened!.detector);
      record?.done(source, job.output);
    } catch (error) {
      if (context.signal.aborted) throw error;
      if (isFaceDetError(error) && error.code === 'RESUME_MISMATCH') throw usageError(error.message, error.code);
      if (opened && isFaceDetError(error) && error.code.startsWith('MODEL_')) throw modelError(opened.model, error);
      context.fail(source, withoutName(error, source));
      stopped = flags.onError === 'stop';
    }
  };
  try {
    await hideInPictures(context, jobs.filter(({ video }) => !video), opened?.detector.concurrency ?? 1, attempt);
    // One video keeps all cores busy.
    for (const job of jobs.filter(({ video }) => video)) await attempt(job);
    for (const over of passed) context.log(`facedet: ${over.source}: ${passedOverText(over)}`);
    if (before > 0) context.log(`facedet: ${before} of ${jobs.length} files were done already`);
    if (left > 0) context.log(`facedet: ${left} of ${jobs.length} files were not processed, as --on-error is stop; continue with --resume`);
    // What failed would fail again: only an interrupted run is continued.
    else record?.remove();
  } finally {
    await opened?.detector.dispose();
  }
}

/** Several pictures at once, as many as the detector looks at and one that is read or written meanwhile. */
async function hideInPictures(context: Context, jobs: readonly Job[], concurrency: number, attempt: (job: Job) => Promise<void>): Promise<void> {
  const bar = jobs.length > 1 ? await progress(context, { total: jobs.length, unit: 'images' }) : undefined;
  try {
    for await (const _ of inOrder(jobs, concurrency + 1, attempt)) bar?.tick();
  } finally {
    bar?.stop();
  }
}

async function hideInPicture({ signal, log }: Context, { keepMetadata = false }: AnonymizeFlags, { input, output }: Job, effect: AnonymizeOptions, detector: Detector): Promise<void> {
  const image = await readPicture(input.source, { signal });
  try {
    // The pixels first: a picture that is broken in the middle ends here.
    const pixels = await image.pixels({ signal });
    const faces = await detector.detect(image, { signal });
    const copy: PixelBuffer = { ...pixels, data: new Uint8Array(pixels.data) };
    anonymizePixels(copy, faces, effect);
    await mkdir(dirname(output), { recursive: true });
    await writeImage(output, copy, { like: image.format, ...(keepMetadata && { tags: image.tags }) });
    if (image.pages > 1) log(firstOfSeveral(input.source, image, 'anonymize -o NAME.mp4'));
    const format = imageFormatOf(output) ?? image.format;
    if (keepMetadata && Object.keys(image.tags).length > 0 && (format === 'gif' || format === 'tiff')) log(`facedet: ${output}: titles, dates and places can't be kept in ${format.toUpperCase()}; write a .jpg or .png to keep them`);
  } finally {
    image.close();
  }
}

async function hideInVideo(context: Context, flags: AnonymizeFlags, { input, output }: Job, effect: AnonymizeOptions, score: number, detector: Detector | undefined): Promise<void> {
  const { signal } = context;
  const bar = await videoProgress(context, input.source);
  const encoding = { ...encodingOptions(flags), keepMetadata: flags.keepMetadata ?? false };
  const { onProgress } = bar;
  try {
    if (!detector) {
      const rendered = await renderVideo(input.source, { output, tracks: flags.tracks!, anonymize: effect, encoding, signal, onProgress });
      bar.stop();
      colorLines(output, rendered.metadata, flags).forEach(context.log);
      streamLines(output, rendered).forEach(context.log);
      return;
    }
    const summary = await processVideo(input.source, {
      detector,
      tracker: { preset: flags.trackerPreset ?? ANONYMIZE_PRESET, scoreThreshold: Math.max(score, 0.3), newTrackThreshold: Math.max(score, 0.35), lowScoreThreshold: score },
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
      ...(flags.resume && { resume: true }),
      signal,
      onStart: ({ metadata }) => colorLines(output, metadata, flags).forEach(context.log),
      onProgress,
    });
    bar.stop();
    streamLines(output, summary).forEach(context.log);
    const { failedFrames: failed } = summary;
    if (failed > 0) context.log(`facedet: ${input.source}: ${failed} ${failed === 1 ? 'frame' : 'frames'} could not be analyzed and ${failed === 1 ? 'is' : 'are'} masked whole; the first: ${summary.firstFailure}`);
  } finally {
    bar.stop();
  }
}

/** Whether an argument is a folder or a pattern: what comes of it is a folder, however many files there are in it. */
function namesSeveral(argument: string): boolean {
  return statSync(argument, { throwIfNoEntry: false })?.isDirectory() ?? /[*?[\]{}]/.test(argument);
}

/** What is written where. Ends the command with exit code 2 before anything is written where an output is one of the inputs. */
async function planJobs(inputs: readonly Input[], flags: AnonymizeFlags, several: boolean): Promise<Job[]> {
  const { output } = flags;
  const folder = several || (existsSync(output) && statSync(output).isDirectory()) || /[/\\]$/.test(output);
  if (folder && existsSync(output) && !statSync(output).isDirectory()) throw usageError(`${output}: expected a folder, as a folder, a pattern or several inputs were given, found a file`);
  const videos = new Set<Input>();
  for await (const [input, film] of inOrder(inputs, 16, async (input) => [input, await isFilm(input)] as const)) {
    // Of a picture that moves the first is taken where a picture is asked for.
    const isFirstAsked = film === 'animation' && !folder && imageFormatOf(output);
    if (flags.tracks !== undefined || (film && !isFirstAsked)) videos.add(input);
  }
  const names = outputNames(inputs, { nameOf: (input) => (videos.has(input) ? videoName(input) : copyName(input)) });
  const jobs = inputs.map((input): Job => {
    if (input.kind !== 'file') throw usageError(`${input.source}: expected a file or folder`);
    return { input, video: videos.has(input), output: folder ? join(output, names.get(input)!) : output };
  });
  const sources = new Map(inputs.filter(({ error }) => !error).map(({ source }) => [place(source), source]));
  for (const job of jobs) {
    const own = sources.get(place(job.output));
    if (own !== undefined) throw usageError(`${job.output}: it is the input ${own}; expected another name or folder`, 'OUTPUT_IS_INPUT');
    if (job.video && !job.input.error) checkVideo(job.output, flags);
    else if (!folder && !job.input.error && extname(job.output) !== '' && !imageFormatOf(job.output)) throw usageError(`${job.output}: expected a picture's name, like .jpg or .png`);
  }
  const unused = { lookAhead: '--look-ahead', detectEvery: '--detect-every', resume: '--resume', trackerPreset: '--tracker-preset' };
  const idle = flags.tracks === undefined ? [] : Object.entries(unused).filter(([flag]) => flags[flag as keyof typeof unused] !== undefined);
  if (idle.length > 0) throw usageError(`expected --tracks without ${idle.map(([, name]) => name).join(', ')}: nothing is looked for, the rows are taken as they are`);
  if (flags.tracks !== undefined && jobs.length !== 1) throw usageError(`expected one video for --tracks, received ${jobs.length} inputs`);
  return jobs;
}

/** What can't be written as it was (a GIF, an AVI) becomes an MP4. */
function videoName(input: Input): string {
  const own = ownName(input);
  const extension = extname(own);
  return WRITTEN_VIDEOS.includes(extension.toLowerCase()) ? own : `${own.slice(0, own.length - extension.length)}.mp4`;
}

/** What decides the pixels of a folder run. */
async function settingsOf(
  { output: _, resume: __, onError: ___, image, tracks, ...flags }: AnonymizeFlags,
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

async function effectOf({ effect, image, color, shape, margin, clear }: AnonymizeFlags): Promise<AnonymizeOptions> {
  if ((effect === 'image') !== (image !== undefined)) throw usageError('expected --effect image together with --image FILE');
  const picture = image === undefined ? undefined : await readPicture(image).catch((error: unknown) => {
    throw usageError(`${image}: ${(error as Error).message}`);
  });
  return {
    ...(effect && { effect }),
    ...(color && { color }),
    ...(shape && { shape }),
    ...(margin !== undefined && { margin }),
    ...(clear && { clear }),
    ...(picture && { image: await picture.pixels() }),
  };
}
