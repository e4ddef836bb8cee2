import { existsSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { imageFormatOf } from '@facedet/runtime-node';
import { outputExtension } from '@facedet/video-node';
import { checkOutputs } from '../shared/check-outputs.ts';
import { usageError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import { expandInputs, isFilm, type Input, type PassedOver } from '../shared/inputs.ts';
import { copyName, outputNames, ownName } from '../shared/output-names.ts';
import { isStandardOutput } from '../shared/paths.ts';
import { standardInput, type StandardInput } from '../shared/standard-input.ts';
import { checkVideo, WRITTEN_VIDEOS } from '../shared/video-options.ts';
import type { AnonymizeFlags } from './anonymize.ts';

/** An input, and where it goes. */
export interface Job {
  readonly input: Input;
  readonly output: string;
  readonly video: boolean;
}

/** All that a run does. */
export interface Plan {
  readonly jobs: readonly Job[];
  readonly passed: readonly PassedOver[];
  readonly stdin: StandardInput;
  /** Whether the output is a folder that is filled: a folder, a pattern or several inputs were given. */
  readonly isFolderRun: boolean;
  /** Whether the run can be continued with `--resume`: not where rows are given, or an input comes from a pipe. */
  readonly isResumable: boolean;
}

/**
 * What is written where. Ends the command with exit code 2, before anything is written and before a model is loaded,
 * where an output can't be written or is one of the inputs.
 */
export async function planRun(args: readonly string[], flags: AnonymizeFlags, signal: AbortSignal): Promise<Plan> {
  const { output } = flags;
  const passed: PassedOver[] = [];
  const stdin = standardInput(signal);
  const inputs = await withStdin(
    await expandInputs(args, { videos: true, onPassedOver: (over) => passed.push(over) }),
    stdin,
    flags,
  );
  const several = args.length > 1 || inputs.length > 1 || args.some(namesSeveral);
  const toStdout = isStandardOutput(output);
  if (toStdout && several)
    throw usageError(
      'expected one picture for standard output, received a folder, a pattern or several inputs; name a folder with -o',
    );
  const folder =
    !toStdout && (several || (existsSync(output) && statSync(output).isDirectory()) || /[/\\]$/.test(output));
  if (folder && existsSync(output) && !statSync(output).isDirectory())
    throw usageError(`${output}: expected a folder, as a folder, a pattern or several inputs were given, found a file`);
  const videos = await filmsOf(inputs, flags, folder, stdin);
  const names = folder ? await namesOf(inputs, videos, flags) : undefined;
  const jobs = inputs.map((input): Job => {
    if (input.kind === 'url')
      throw usageError(
        `${input.source}: expected a file, a folder or - for standard input; detect and video take addresses`,
      );
    return { input, video: videos.has(input), output: names ? join(output, names.get(input)!) : output };
  });
  checkJobs(jobs, flags, folder);
  const isResumable = flags.tracks === undefined && jobs.every(({ input }) => input.kind === 'file');
  return { jobs, passed, stdin, isFolderRun: several, isResumable };
}

/** The inputs; standard input with what it holds. */
async function withStdin(inputs: readonly Input[], stdin: StandardInput, { resume }: AnonymizeFlags): Promise<Input[]> {
  const pipes = inputs.filter(({ kind }) => kind === 'stdin');
  if (pipes.length > 1) throw usageError('expected - once, received it several times; standard input is read once');
  if (pipes.length > 0 && resume)
    throw usageError(
      'expected files for --resume, received standard input; what went through a pipe is gone, start again without it',
    );
  const content = pipes.length > 0 ? await stdin.kind() : undefined;
  return inputs.map((input) => (input.kind === 'stdin' ? { ...input, content: content! } : input));
}

/** Whether an argument is a folder or a pattern: what comes of it is a folder, however many files there are in it. */
function namesSeveral(argument: string): boolean {
  return statSync(argument, { throwIfNoEntry: false })?.isDirectory() ?? /[*?[\]{}]/.test(argument);
}

/** The inputs that are written as films. */
async function filmsOf(
  inputs: readonly Input[],
  { output, tracks }: AnonymizeFlags,
  folder: boolean,
  stdin: StandardInput,
): Promise<Set<Input>> {
  const videos = new Set<Input>();
  // What can't be told by its first bytes is read as what is asked for.
  const isFilmAsked = !folder && WRITTEN_VIDEOS.includes(extname(output).toLowerCase());
  const kindOf = async (input: Input) => {
    const bytes = input.kind === 'stdin' && input.content?.type === 'picture' ? await stdin.bytes() : undefined;
    return [input, await isFilm(input, bytes)] as const;
  };
  for await (const [input, film] of inOrder(inputs, 16, kindOf)) {
    // Of a picture that moves the first is taken where a picture is asked for.
    const isFirstAsked = film === 'animation' && !folder && (imageFormatOf(output) || isStandardOutput(output));
    const isUntold = isFilmAsked && !input.error && input.content?.type !== 'picture';
    if (tracks !== undefined || (film && !isFirstAsked) || isUntold) videos.add(input);
  }
  return videos;
}

/** A name for each input: the same in each run with the same inputs, whatever became of earlier ones. */
async function namesOf(
  inputs: readonly Input[],
  videos: ReadonlySet<Input>,
  { codec, audio }: AnonymizeFlags,
): Promise<Map<Input, string>> {
  const choice = { ...(codec && { codec }), ...(audio !== undefined && { audio }) };
  const own = new Map<Input, string>();
  const nameOf = async (input: Input): Promise<[Input, string]> => {
    if (!videos.has(input)) return [input, input.kind === 'stdin' ? `stdin${extensionOf(input)}` : copyName(input)];
    const name = ownName(input);
    const extension = extname(name);
    // Pipes can't be read twice, and a picture that moves (GIF, WebP, PNG) has no sound.
    const isProbed = input.kind === 'file' && input.content !== undefined && input.content.type !== 'picture';
    const isKept = WRITTEN_VIDEOS.includes(extension.toLowerCase()) && input.content?.type !== 'picture';
    const written = isProbed ? await outputExtension(input.source, choice) : isKept ? extension : '.mp4';
    return [input, `${name.slice(0, name.length - extension.length)}${written}`];
  };
  for await (const [input, name] of inOrder(inputs, 4, nameOf)) own.set(input, name);
  return outputNames(inputs, { nameOf: (input) => own.get(input)! });
}

/** The extension of a copy of standard input. */
function extensionOf({ content }: Input): string {
  return content?.type === 'picture' ? extname(copyName({ source: 'stdin.x', kind: 'file', content })) : '';
}

function checkJobs(jobs: readonly Job[], flags: AnonymizeFlags, folder: boolean): void {
  const read = jobs.filter(({ input }) => !input.error);
  for (const { video, output, input } of read) {
    if (video) checkVideo(output, flags);
    else if (!folder && extname(output) !== '' && !imageFormatOf(output)) {
      throw usageError(`${output}: expected a picture's name, like .jpg or .png, as ${input.source} is one picture`);
    }
  }
  const files = read.filter(({ input }) => input.kind === 'file').map(({ input }) => input.source);
  checkOutputs(
    jobs.map(({ output, video }) => ({ path: output, media: video })),
    files,
    'expected another name or folder',
  );
  checkTracks(jobs, flags);
}

/** Rows that exist need no detector, and belong to one film. */
function checkTracks(jobs: readonly Job[], flags: AnonymizeFlags): void {
  if (flags.tracks === undefined) return;
  const unused = {
    lookAhead: '--look-ahead',
    detectEvery: '--detect-every',
    resume: '--resume',
    trackerPreset: '--tracker-preset',
  };
  const idle = Object.entries(unused).filter(([flag]) => flags[flag as keyof typeof unused] !== undefined);
  if (idle.length > 0)
    throw usageError(
      `expected --tracks without ${idle.map(([, name]) => name).join(', ')}: nothing is looked for, the rows ` +
        'are taken as they are',
    );
  if (jobs.length !== 1) throw usageError(`expected one video for --tracks, received ${jobs.length} inputs`);
}
