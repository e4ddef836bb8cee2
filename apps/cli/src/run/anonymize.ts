import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { FaceDetError, isFaceDetError, type Detector } from '@facedet/core';
import type { AnonymizeOptions } from '@facedet/draw';
import { idRanges } from '@facedet/files';
import { version } from '../../package.json';
import { isInProgress, maskPicture, maskVideo, type Done, type MaskingContext } from './anonymize-input.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import type { Job } from './anonymize-job.ts';
import { planRun, type Plan } from './anonymize-plan.ts';
import { openRunRecord, type RunRecord } from './run-record.ts';
import type { Context } from '../shared/context.ts';
import { counted, countsLine, skippedIn } from '../shared/counts.ts';
import { openDetector } from '../shared/detector.ts';
import { modelError, usageError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import { passedOverText, type PassedOver } from '../shared/inputs.ts';
import { isStream } from '../shared/paths.ts';
import { progress } from '../shared/progress.ts';
import { readPicture } from '../shared/read-picture.ts';
import { shown } from '../shared/shown.ts';
import { withoutName } from '../shared/video-errors.ts';
import { ANONYMIZE_SCORE, TRACKER_LOW } from '../shared/video-options.ts';

/** Counts of a run so far. */
interface Tally {
  files: number;
  frames: number | undefined;
  faces: number;
  masked: number;
  failures: number;
  before: number;
  left: number;
}

/** A run under way. */
interface Run {
  readonly masking: MaskingContext;
  readonly plan: Plan;
  readonly record: RunRecord | undefined;
  /** The model's name, for errors; undefined where no detector runs. */
  readonly model: string | undefined;
  readonly tally: Tally;
  /** Set after a failure with `--on-error stop`: the remaining inputs are only counted. */
  isStopped: boolean;
}

export async function run(context: Context, flags: AnonymizeFlags, args: string[]): Promise<void> {
  const plan = await planRun(args, flags, context.signal);
  const { jobs, stdin, isFolderRun } = plan;
  const hasVideos = jobs.some(({ video }) => video);
  const effect = await effectOf(flags);
  const score = flags.score ?? ANONYMIZE_SCORE;
  const opened =
    flags.tracks === undefined
      ? await openDetector(
          context,
          { ...flags, score: hasVideos ? (flags.score ?? TRACKER_LOW) : score },
          { images: hasVideos ? Infinity : jobs.length },
        )
      : undefined;
  const detector = opened?.detector;
  const record = await recordOf(plan, flags, () => settingsOf(flags, effect, score, detector));
  const current: Run = {
    masking: { context, flags, stdin, effect, score, detector, ...(plan.rows && { rows: plan.rows }), isFolderRun },
    plan,
    record,
    model: opened?.model,
    tally: { files: 0, frames: hasVideos ? 0 : undefined, faces: 0, masked: 0, failures: 0, before: 0, left: 0 },
    isStopped: false,
  };
  try {
    await maskPictures(current);
    // One video keeps all cores busy.
    for (const job of jobs.filter(({ video }) => video)) await attempt(current, job);
    reportEnd(current);
  } catch (error) {
    if (context.signal.aborted) reportInterruption(current);
    else record?.moveAway();
    throw error;
  } finally {
    await detector?.dispose();
  }
}

/** Masks one input; counts and reports its failure. */
async function attempt(current: Run, job: Job): Promise<void> {
  const { masking, plan, record, model, tally } = current;
  const { context, flags } = masking;
  const { source, kind, error: known } = job.input;
  try {
    context.signal.throwIfAborted();
    if (current.isStopped) {
      tally.left++;
      return;
    }
    if (known) throw known;
    if (record?.isDone(source, job.output)) {
      tally.before++;
      return;
    }
    if (plan.jobs.length === 1 && record?.isOfOther(source, job.output)) throw otherInput(job);
    if (kind === 'file') await stat(source);
    const done = await (job.video ? maskVideo(masking, job) : maskPicture(masking, job));
    record?.done(source, job.output);
    if (done.isDoneBefore) {
      tally.before++;
      return;
    }
    context.log(doneLine(job, done));
    tally.files++;
    tally.faces += done.faces;
    if (done.frames !== undefined) tally.frames = (tally.frames ?? 0) + done.frames;
    tally.masked += done.masked ?? 0;
  } catch (error) {
    if (context.signal.aborted) throw error;
    if (isFaceDetError(error) && error.code === 'RESUME_MISMATCH') throw usageError(error.message, error.code);
    if (model !== undefined && isFaceDetError(error) && error.code.startsWith('MODEL_')) throw modelError(model, error);
    tally.failures++;
    context.fail(source, withoutName(error, source));
    current.isStopped = flags.onError === 'stop';
  }
}

/** `facedet: film.mp4: 250 frames, 301 faces, 3 tracks (IDs 1–3)`. */
function doneLine({ input }: Job, { faces, frames, trackIds }: Done): string {
  const ids = trackIds && trackIds.length > 0 ? ` (IDs ${idRanges(trackIds)})` : '';
  const parts = [
    ...(frames === undefined ? [] : [counted(frames, 'frame')]),
    counted(faces, 'face'),
    ...(trackIds === undefined ? [] : [`${counted(trackIds.length, 'track')}${ids}`]),
  ];
  return `facedet: ${shown(input.source, 200)}: ${parts.join(', ')}`;
}

/** Processes pictures in parallel: as many as the detector takes, plus one that is read or written meanwhile. */
async function maskPictures(current: Run): Promise<void> {
  const { context, detector } = current.masking;
  const jobs = current.plan.jobs.filter(({ video }) => !video);
  const bar = jobs.length > 1 ? await progress(context, { total: jobs.length, unit: 'images' }) : undefined;
  try {
    const results = inOrder(jobs, (detector?.concurrency ?? 1) + 1, (job) => attempt(current, job));
    for await (const _ of results) bar?.tick();
  } finally {
    bar?.stop();
  }
}

/** Logs the skipped inputs and the counts of a run that came to its end. */
function reportEnd({ masking: { context }, plan, record, tally }: Run): void {
  const { passed, isFolderRun, isResumable } = plan;
  for (const over of passed) if (!over.isReported) context.log(`facedet: ${over.source}: ${passedOverText(over)}`);
  const isComplete = tally.left === 0 && tally.failures === 0;
  const note = isFolderRun && isResumable && !isComplete ? '; --resume tries what is missing again' : '';
  context.log(tallyLine(tally, passed, note));
  // The record stays in the folder while inputs are left to do; a failed input leaves nothing there.
  if (tally.left === 0) record?.moveAway();
}

/** Logs the counts of an interrupted run; its record stays where there is something to continue. */
function reportInterruption({ masking: { context }, plan, record, tally }: Run): void {
  const { jobs, passed, isResumable } = plan;
  const isKept = record?.isEmpty === false || jobs.some(isInProgress);
  if (!isKept) record?.remove();
  context.log(tallyLine(tally, passed, `; interrupted${isKept && isResumable ? ', continue with --resume' : ''}`));
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

/** The record of a run into a folder, or of one picture; a single video is resumed by `processVideo`. */
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
    jsonl: _______,
    gallery: ________,
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
