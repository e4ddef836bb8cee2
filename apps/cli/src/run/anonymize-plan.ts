import { existsSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { imageFormatOf } from '@facedet/runtime-node';
import { outputExtension, type RowsFile } from '@facedet/video-node';
import { checkOutputs } from '../shared/check-outputs.ts';
import { usageError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import { expandInputs, isFilm, type Input, type PassedOver } from '../shared/inputs.ts';
import { copyName, outputNames, ownName } from '../shared/output-names.ts';
import { isStandardOutput } from '../shared/paths.ts';
import { standardInput, type StandardInput } from '../shared/standard-input.ts';
import { checkVideo, WRITTEN_VIDEOS } from '../shared/video-options.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import type { Job } from './anonymize-job.ts';
import { checkedRows } from './anonymize-rows.ts';

/** The inputs and outputs of a run. */
export interface Plan {
  readonly jobs: readonly Job[];
  readonly passed: readonly PassedOver[];
  readonly stdin: StandardInput;
  /** The rows of `--tracks`. */
  readonly rows?: RowsFile;
  /** Whether the output is a folder: the input is a folder, a pattern or several files. */
  readonly isFolderRun: boolean;
  /** Whether the run can be continued with `--resume`: not with `--tracks`, or where an input comes from a pipe. */
  readonly isResumable: boolean;
}

/**
 * Plans the outputs of a run. Throws a usage error (exit code 2) where an output can't be written or would overwrite an
 * input, before a model is loaded or anything is written.
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
    throw usageError('expected one picture for standard output but received several inputs; name a folder with -o');
  const folder =
    !toStdout && (several || (existsSync(output) && statSync(output).isDirectory()) || /[/\\]$/.test(output));
  if (folder && existsSync(output) && !statSync(output).isDirectory())
    throw usageError(`${output}: expected a folder for several inputs but found a file`);
  const videos = await filmsOf(inputs, flags, folder, stdin);
  const names = folder ? await namesOf(inputs, videos, flags) : undefined;
  const jobs = inputs.map((input): Job => {
    if (input.kind === 'url')
      throw usageError(
        `${input.source}: expected a file, a folder or - but received a URL; only detect and video accept URLs`,
      );
    return { input, video: videos.has(input), output: names ? join(output, names.get(input)!) : output };
  });
  checkJobs(jobs, flags, folder);
  const rows = await checkedRows(jobs, flags, several);
  const isResumable = flags.tracks === undefined && jobs.every(({ input }) => input.kind === 'file');
  return { jobs, passed, stdin, ...(rows && { rows }), isFolderRun: several, isResumable };
}

/** The inputs, with the detected content of standard input. */
async function withStdin(inputs: readonly Input[], stdin: StandardInput, { resume }: AnonymizeFlags): Promise<Input[]> {
  const pipes = inputs.filter(({ kind }) => kind === 'stdin');
  if (pipes.length > 1)
    throw usageError('expected - once but received it several times; standard input can be read only once');
  if (pipes.length > 0 && resume)
    throw usageError('expected files for --resume but received standard input; leave out --resume');
  const content = pipes.length > 0 ? await stdin.kind() : undefined;
  return inputs.map((input) => (input.kind === 'stdin' ? { ...input, content: content! } : input));
}

/** Whether an argument is a folder or a pattern, whose output is a folder however many files it has. */
function namesSeveral(argument: string): boolean {
  return statSync(argument, { throwIfNoEntry: false })?.isDirectory() ?? /[*?[\]{}]/.test(argument);
}

/** The inputs that are written as videos. */
async function filmsOf(
  inputs: readonly Input[],
  { output }: AnonymizeFlags,
  folder: boolean,
  stdin: StandardInput,
): Promise<Set<Input>> {
  const videos = new Set<Input>();
  // The requested output decides for inputs whose first bytes name no format.
  const isVideoRequested = !folder && WRITTEN_VIDEOS.includes(extname(output).toLowerCase());
  const kindOf = async (input: Input) => {
    const bytes = input.kind === 'stdin' && input.content?.type === 'picture' ? await stdin.bytes() : undefined;
    return [input, await isFilm(input, bytes)] as const;
  };
  for await (const [input, film] of inOrder(inputs, 16, kindOf)) {
    // Only the first frame of an animated picture is used where the output is a picture.
    const isFirstFrameRequested =
      film === 'animation' && !folder && (imageFormatOf(output) || isStandardOutput(output));
    const isUnknown = isVideoRequested && !input.error && input.content?.type !== 'picture';
    if ((film && !isFirstFrameRequested) || isUnknown) videos.add(input);
  }
  return videos;
}

/** The output name of each input. It depends on the inputs only, not on the outcome of earlier runs. */
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
    // Pipes can't be read twice, and animated pictures (GIF, WebP, PNG) have no audio.
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
      throw usageError(`${output}: expected the name of a picture, like .jpg or .png, as ${input.source} is a picture`);
    }
  }
  const files = read.filter(({ input }) => input.kind === 'file').map(({ input }) => input.source);
  if (flags.tracks !== undefined) files.push(flags.tracks);
  checkOutputs(
    [
      ...jobs.map(({ output, video }) => ({ path: output, media: video })),
      ...(flags.jsonl === undefined ? [] : [{ path: flags.jsonl }]),
      ...(flags.gallery === undefined ? [] : [{ path: flags.gallery, isFolder: true }]),
    ],
    files,
    'choose another name or folder',
  );
}
