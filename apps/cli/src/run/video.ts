import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFaceDetError } from '@facedet/core';
import { outputPlace } from '@facedet/files';
import { processVideo, type ConnectionChange, type VideoSummary } from '@facedet/video-node';
import { galleryPage } from '../pages/gallery-page.ts';
import { startLivePage, type LivePage } from '../pages/live-page.ts';
import { checkOutputs } from '../shared/check-outputs.ts';
import type { Context } from '../shared/context.ts';
import { colorLines } from './color-report.ts';
import { countsLine } from '../shared/counts.ts';
import { damageLines, earlyLines, streamLines } from './streams-report.ts';
import { openDetector } from '../shared/detector.ts';
import { CommandError, errorLine, modelError, usageError } from '../shared/errors.ts';
import { Exit } from '../shared/exit.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { isStandardOutput, isStream } from '../shared/paths.ts';
import { shown } from '../shared/shown.ts';
import { withoutName } from '../shared/video-errors.ts';
import { videoProgress } from '../shared/video-progress.ts';
import {
  checkVideo,
  encodingOptions,
  TRACKER_LOW,
  trackerOptions,
  type EncodingFlags,
  type ErrorFlags,
  type TrackingFlags,
} from '../shared/video-options.ts';

export interface VideoFlags extends DetectorFlags, TrackingFlags, EncodingFlags, ErrorFlags {
  output?: string;
  jsonl?: string;
  mot?: string;
  csv?: string;
  json?: boolean;
  gallery?: string;
  show?: true | number;
  resume?: boolean;
  fps?: number;
  hwaccel?: 'auto' | 'none';
  live?: boolean;
  reconnects?: number | 'forever';
  track: boolean;
  smooth: boolean;
  detectEvery?: number | 'auto';
  refine?: boolean;
  lookAhead?: number;
}

export async function run(context: Context, flags: VideoFlags, source: string): Promise<number | void> {
  checkFlags(flags, source);
  const page = await openPage(flags.show, basename(source));
  try {
    if (page) context.log(`The video is shown at ${page.url}`);
    return await trackVideo(context, flags, source, page);
  } finally {
    await page?.close();
  }
}

async function trackVideo(
  context: Context,
  flags: VideoFlags,
  source: string,
  page: LivePage | undefined,
): Promise<number | void> {
  const low = flags.track ? Math.min(TRACKER_LOW, flags.score ?? TRACKER_LOW) : undefined;
  const { detector, model } = await openDetector(context, low === undefined ? flags : { ...flags, score: low });
  const bar = await videoProgress(context, source);
  let hasStarted = false;
  try {
    const summary = await processVideo(source, {
      detector,
      tracker: flags.track ? trackerOptions(flags) : false,
      ...(flags.smooth ? {} : { smoother: false as const }),
      ...(flags.output !== undefined && { output: flags.output }),
      ...(flags.jsonl !== undefined && { jsonl: flags.jsonl }),
      ...(flags.mot !== undefined && { mot: flags.mot }),
      ...(flags.csv !== undefined && { csv: flags.csv }),
      ...(flags.gallery !== undefined && { gallery: flags.gallery, galleryPage }),
      ...(flags.resume && { resume: true }),
      ...(flags.fps !== undefined && { fps: flags.fps }),
      ...(flags.hwaccel && { hwaccel: flags.hwaccel }),
      // Without pacing, a file read at once would lose all frames but the newest.
      ...(flags.live && { live: true, dropLate: true }),
      ...(flags.reconnects !== undefined && { reconnects: flags.reconnects }),
      onReconnect: (change) => context.log(connectionLine(source, change)),
      onError: flags.onError ?? 'skip',
      onPictureError: flags.onError ?? 'skip',
      ...(flags.detectEvery !== undefined && { detectEvery: flags.detectEvery }),
      ...(flags.refine && { refine: true }),
      ...(flags.rotate !== undefined && { rotate: flags.rotate }),
      ...(flags.lookAhead !== undefined && { lookAhead: flags.lookAhead }),
      encoding: encodingOptions(flags),
      signal: context.signal,
      ...(page && { show: page, ...(!writes(flags) && { onFrame: player(page, context.signal) }) }),
      onStart: ({ outputs, metadata }) => {
        hasStarted = true;
        reportNames(context, flags, outputs);
        if (outputs.output !== undefined) colorLines(outputs.output, metadata, flags).forEach(context.log);
      },
      onProgress: bar.onProgress,
    });
    bar.stop();
    if (summary.outputs.output !== undefined) streamLines(summary.outputs.output, summary).forEach(context.log);
    earlyLines(source, summary).forEach(context.log);
    damageLines(source, summary).forEach(context.log);
    if (flags.json) await context.write(`${JSON.stringify(statistics(summary), undefined, 2)}\n`);
    const { live } = summary.metadata;
    if (summary.failedFrames > 0) {
      const failed = new CommandError('FRAMES_FAILED', failedLine(summary));
      // A camera loses a frame occasionally.
      if (live) context.log(errorLine(failed, source));
      else context.fail(source, failed);
    }
    if (summary.lost) context.fail(source, withoutName(summary.lost, source));
    context.log(summaryLine(summary, flags));
    // A live source ends by the signal only.
    if (live) return Exit.ok;
  } catch (error) {
    if (context.signal.aborted) {
      // So does waiting for a camera.
      if (hasStarted || !waitsForStream(source, flags)) {
        context.log(interruptedLine(flags, source));
        throw error;
      }
      await reportNothing(context, flags);
      return Exit.ok;
    }
    // The reader of standard output has ended (`| head`).
    if (isFaceDetError(error) && error.code === 'OUTPUT_CLOSED') return Exit.ok;
    if (isFaceDetError(error) && error.code === 'RESUME_MISMATCH') throw usageError(error.message, error.code);
    if (isFaceDetError(error) && error.code.startsWith('MODEL_')) throw modelError(model, error);
    context.fail(source, withoutName(error, source));
    context.log(countsLine({ files: 0, failures: 1 }));
  } finally {
    bar.stop();
    await detector.dispose();
  }
}

/** Whether a source is a network camera, whose first connection the run waits for without a limit. */
function waitsForStream(source: string, { reconnects }: VideoFlags): boolean {
  return /^rtsps?:/i.test(source) || (/^https?:/i.test(source) && reconnects !== undefined);
}

/** The summary of a stream that was stopped before its first frame; there are no outputs. */
async function reportNothing(context: Context, { json }: VideoFlags): Promise<void> {
  const summary = { totalFrames: 0, avgFps: 0, avgFacesPerFrame: 0, identities: 0 };
  if (json) await context.write(`${JSON.stringify(summary, undefined, 2)}\n`);
  context.log(
    countsLine(
      { files: 0, unit: 'source', frames: 0, faces: 0, failures: 0 },
      '; stopped before the first frame, nothing was written',
    ),
  );
}

/** The counts of the run; failed frames count as a failure, except for a live source. */
function summaryLine(statistics: VideoSummary, { track }: VideoFlags): string {
  const { metadata, totalFrames, totalFaces, failedFrames, avgFps, avgFacesPerFrame, isDoneBefore } = statistics;
  const failures = failedFrames > 0 && !metadata.live ? 1 : 0;
  if (isDoneBefore) return countsLine({ files: 0, frames: 0, faces: 0, doneBefore: 1 - failures, failures });
  const counts = {
    files: 1 - failures,
    ...(metadata.live && { unit: 'source' as const }),
    frames: totalFrames,
    faces: totalFaces,
    ...(track && { tracks: statistics.identities }),
    failedFrames,
    failures,
  };
  return countsLine(counts, `; ${avgFps.toFixed(1)} frames per second, ${avgFacesPerFrame.toFixed(2)} faces per frame`);
}

/** The partial outputs of an interrupted run, and how to continue. */
function interruptedLine({ output, jsonl, mot, csv }: VideoFlags, source: string): string {
  const partials = [...[jsonl, mot, csv].map((path) => [path, false] as const), [output, true] as const].flatMap(
    ([path, media]) => {
      const place = path === undefined || isStream(path) ? undefined : outputPlace(path, { media });
      return place?.kind === 'file' && existsSync(place.partialPath) ? [shown(place.partialPath, 200)] : [];
    },
  );
  const kept =
    partials.length > 0
      ? `; partial outputs: ${partials.join(', ')}${source === '-' ? '' : '; continue with --resume'}`
      : '';
  return `facedet: interrupted${kept}`;
}

/** Reports frames that could not be analyzed. */
function failedLine({ failedFrames, totalFrames, firstFailure }: VideoSummary): string {
  return (
    `${failedFrames} of ${totalFrames} frames could not be analyzed and have no detections; the first: ` +
    `${firstFailure}`
  );
}

/** Reports a lost or restored stream. */
function connectionLine(source: string, { state, attempt, delay, error }: ConnectionChange): string {
  const name = `facedet: ${shown(source)}`;
  if (state === 'restored')
    return `${name}: connected again after ${attempt} ${attempt === 1 ? 'attempt' : 'attempts'}`;
  return (
    `${name}: not connected${error ? ` (${shown(error.message, 200)})` : ''}; attempt ${attempt} follows ` +
    `in ${delay.toFixed(1)} s`
  );
}

/** Reports the outputs of a live source whose requested names belong to an earlier recording. */
function reportNames({ log }: Context, flags: VideoFlags, outputs: VideoSummary['outputs']): void {
  for (const kind of ['output', 'jsonl', 'mot', 'csv', 'gallery'] as const) {
    const [asked, path] = [flags[kind], outputs[kind]];
    if (path !== undefined && path !== asked)
      log(`facedet: ${asked}: an earlier recording is kept; this one is ${path}`);
  }
}

/** The page of `--show`; without a given port, the default port or any free one. */
async function openPage(show: VideoFlags['show'], title: string): Promise<LivePage | undefined> {
  if (show === undefined) return undefined;
  if (show !== true) return startLivePage({ port: show, title });
  return startLivePage({ title }).catch(() => startLivePage({ port: 0, title }));
}

/** Whether a run writes any file. */
function writes({ output, jsonl, mot, csv, gallery }: VideoFlags): boolean {
  return [output, jsonl, mot, csv, gallery].some((path) => path !== undefined);
}

/**
 * Paces a run that only shows the video: it starts with the first viewer and runs no faster than the video plays.
 */
function player(page: LivePage, signal: AbortSignal): (frame: { timestamp: number }) => Promise<void> {
  let begun: number | undefined;
  return async ({ timestamp }) => {
    if (begun === undefined) await page.viewer(signal);
    const now = performance.now();
    begun ??= now - 1000 * timestamp;
    const early = begun + 1000 * timestamp - now;
    if (early > 0) await sleep(early, undefined, { signal });
    else begun -= early; // a delay is not caught up
  };
}

function statistics({
  metadata,
  leftOut: _,
  sideStreams: __,
  outputs: ___,
  lost: ____,
  ...figures
}: VideoSummary): unknown {
  const { source, width, height, fps, duration, codec } = metadata;
  return { ...figures, source: { name: source, width, height, fps, duration, codec } };
}

function checkFlags(flags: VideoFlags, source: string): void {
  const { output, track } = flags;
  if (output !== undefined) checkVideo(output, flags);
  if (!track && (flags.detectEvery !== undefined || flags.refine || flags.lookAhead))
    throw usageError('expected tracking for --detect-every, --refine and --look-ahead but received --no-track');
  if (!track && flags.gallery !== undefined)
    throw usageError('expected tracking for --gallery but received --no-track');
  if (flags.live && flags.lookAhead) throw usageError('expected --live or --look-ahead but received both');
  checkFiles(flags, source);
}

/** Requires a different file for each output, and at most one output on standard output. */
function checkFiles({ output, jsonl, mot, csv, gallery, json, resume }: VideoFlags, source: string): void {
  const rows = [jsonl, mot, csv].filter((path) => path !== undefined);
  const printed = rows.filter(isStandardOutput);
  if (printed.length > 1)
    throw usageError(
      'expected one of --jsonl, --mot and --csv on standard output but received several; name files for the others',
    );
  if (printed.length > 0 && json)
    throw usageError('expected --json or rows on standard output but received both; name a file for the rows');
  if (resume && source === '-')
    throw usageError('expected a file for --resume but received standard input; leave out --resume');
  const stream = resume ? rows.find(isStream) : undefined;
  if (stream !== undefined)
    throw usageError(`expected files for --resume but received the pipe or device ${stream}; leave out --resume`);
  const outputs = [
    ...(output === undefined ? [] : [{ path: output, media: true }]),
    ...rows.map((path) => ({ path })),
    ...(gallery === undefined ? [] : [{ path: gallery, isFolder: true }]),
  ];
  checkOutputs(outputs, source === '-' ? [] : [source]);
}
