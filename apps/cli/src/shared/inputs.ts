import { statSync, type Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { countPictures, fileKind, HEAD_BYTES, pictureFormatOf, type FileKind } from '@facedet/files';
import { CommandError, describe } from './errors.ts';
import { inOrder } from './in-order.ts';

/** One input of a command, as the user will read of it. */
export interface Input {
  /** The argument, or the path found in a folder or by a glob. */
  readonly source: string;
  readonly kind: 'file' | 'url' | 'stdin';
  /** What a regular file holds by its first bytes; undefined where it can't be read. */
  readonly content?: FileKind;
  /** Why it can't be read, where that is known already. */
  readonly error?: CommandError;
}

/** What a folder or a pattern has besides inputs. */
export interface PassedOver {
  /** The folder or the pattern. */
  readonly source: string;
  /**
   * Numbers of files by what they hold (`text`, `PDF`, …; `special` are pipes, sockets and devices) and of `folder`s.
   */
  readonly counts: Readonly<Record<string, number>>;
  /** Whether the error of its source says it already. */
  readonly isReported?: boolean;
}

/** Options of `expandInputs`. */
export interface ExpandOptions {
  /** Whether films of a folder are inputs, too. Default false. */
  readonly videos?: boolean;
  /** Called for each folder or pattern of which something is passed over. */
  readonly onPassedOver?: (passed: PassedOver) => void;
}

const videos = [
  '.mp4',
  '.m4v',
  '.mov',
  '.mkv',
  '.webm',
  '.avi',
  '.mpg',
  '.mpeg',
  '.ts',
  '.mts',
  '.m2ts',
  '.wmv',
  '.flv',
  '.ogv',
  '.3gp',
];
/** What systems put into folders by themselves. */
const SYSTEM_FILES = ['thumbs.db', 'desktop.ini'];

/** Whether a name looks like a video's. */
export function isVideoName(name: string): boolean {
  return videos.some((extension) => name.toLowerCase().endsWith(extension));
}

/** Whether an argument is a URL (`https:`, `rtsp:`, `file:`, …) and not a path; `C:\` is a path. */
export function isUrl(argument: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(argument);
}

/**
 * Files, folders (their pictures in natural order, told by content), globs, URLs and `-` → inputs in the order given. A
 * file with a picture's name is an input whatever it holds, so that a broken one is reported. What is not there, and a
 * folder or glob without a match, is an input with an error.
 */
export async function expandInputs(args: readonly string[], options: ExpandOptions = {}): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const argument of args) inputs.push(...(await expand(argument, options)));
  return inputs;
}

async function expand(argument: string, options: ExpandOptions): Promise<Input[]> {
  if (argument === '-') return [{ source: '-', kind: 'stdin' }];
  if (isUrl(argument)) return [{ source: argument, kind: 'url' }];
  try {
    if (!(await stat(argument)).isDirectory()) return [await named(argument)];
    const entries = await readdir(argument, { withFileTypes: true });
    const isFolder = (entry: Dirent) =>
      entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolder(join(argument, entry.name)));
    const folders = new Set(entries.filter(isFolder).map(({ name }) => name));
    const names = entries
      .map(({ name }) => name)
      .filter((name) => !folders.has(name))
      .sort(naturalOrder());
    return await select(
      argument,
      names.map((name) => join(argument, name)),
      [...folders],
      options,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && /[*?[\]{}]/.test(argument))
      return expandGlob(argument, options);
    const { code, message } = describe(error);
    return failed(argument, code, message, error);
  }
}

/** Whether a link leads to a folder; one that leads nowhere does not. */
function leadsToFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

async function expandGlob(pattern: string, options: ExpandOptions): Promise<Input[]> {
  const { glob } = await import('tinyglobby');
  const paths = (
    await glob(pattern.replaceAll('\\', '/'), { expandDirectories: false, absolute: isAbsolute(pattern) })
  ).sort(naturalOrder());
  // A glob that names an extension means just those files; one that ends openly (photos/**) means the pictures there.
  if (!namesExtension(pattern)) return select(pattern, paths, [], options);
  if (paths.length === 0) return failed(pattern, 'NO_INPUT', 'no file fits this pattern');
  return Promise.all(paths.map(named));
}

/** Whether a pattern ends in an extension without wildcards: `*.jpg`. */
function namesExtension(pattern: string): boolean {
  const last = pattern.split(/[/*?]/).at(-1)!;
  return last.includes('.') && last.indexOf('.') < last.length - 1;
}

/** The files that are inputs; the rest is counted. */
async function select(
  source: string,
  paths: readonly string[],
  folders: readonly string[],
  { videos = false, onPassedOver }: ExpandOptions,
): Promise<Input[]> {
  const inputs: Input[] = [];
  const counts: Record<string, number> = {};
  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);
  const visible = (path: string) =>
    !basename(path).startsWith('.') && !SYSTEM_FILES.includes(basename(path).toLowerCase());
  for await (const input of inOrder(paths, 16, named)) {
    const { type } = input.content ?? { type: isSpecial(input.source) ? 'special' : 'unreadable' };
    const hasName = pictureFormatOf(input.source) !== undefined || (videos && isVideoName(input.source));
    if (type === 'picture' || (hasName && type !== 'special') || (videos && type === 'video')) inputs.push(input);
    else if (visible(input.source)) count(type);
  }
  folders.filter(visible).forEach(() => count('folder'));
  const isPassed = Object.keys(counts).length > 0;
  // Where nothing else is in the folder, its error says what was passed over.
  if (isPassed) onPassedOver?.({ source, counts, ...(inputs.length === 0 && { isReported: true }) });
  if (inputs.length > 0) return inputs;
  const what = videos ? 'pictures or videos' : 'pictures';
  if (paths.length === 0 && /[*?[\]{}]/.test(source)) return failed(source, 'NO_INPUT', 'no file fits this pattern');
  return failed(
    source,
    'NO_INPUT',
    `expected a folder with ${what} but found none in ` +
      `it${isPassed ? ` (${passedOverText({ counts })})` : ''}; name another, or a pattern like photos/**`,
  );
}

/** Whether a path is a pipe, a socket or a device: one in a folder could block the run forever. */
function isSpecial(path: string): boolean {
  try {
    return !statSync(path).isFile();
  } catch {
    return false;
  }
}

/** A file with what it holds. Pipes and devices are not read here: their bytes come once. */
async function named(source: string): Promise<Input> {
  const content = await contentOf(source).catch(() => undefined);
  return { source, kind: 'file', ...(content && { content }) };
}

async function contentOf(path: string): Promise<FileKind | undefined> {
  if (!(await stat(path)).isFile()) return undefined;
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return fileKind(buffer.subarray(0, bytesRead), path);
  } finally {
    await file.close();
  }
}

/**
 * Whether an input is a film: by its content a video or a picture that moves, by its name where the content tells
 * nothing. `bytes` are those of standard input.
 */
export async function isFilm(
  { source, content }: Input,
  bytes?: Uint8Array,
): Promise<'video' | 'animation' | undefined> {
  if (content?.type === 'picture') {
    const pictures = await countPictures(bytes ?? source, content.format, 2).catch(() => 1);
    return pictures > 1 ? 'animation' : undefined;
  }
  return content?.type === 'video' || isVideoName(source) ? 'video' : undefined;
}

/** `3 files passed over: 2 text, 1 PDF`. */
export function passedOverText({ counts }: Pick<PassedOver, 'counts'>): string {
  const { folder = 0, ...kinds } = counts;
  const files = Object.values(kinds).reduce((sum, n) => sum + n, 0);
  const list = Object.entries(kinds)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([kind, n]) => `${n} ${kind}`);
  const parts = files > 0 ? [`${files} ${files === 1 ? 'file' : 'files'} passed over: ${list.join(', ')}`] : [];
  if (folder > 0) parts.push(`${folder} ${folder === 1 ? 'folder' : 'folders'} in it not searched`);
  return parts.join('; ');
}

function failed(source: string, code: string, message: string, cause?: unknown): Input[] {
  return [{ source, kind: 'file', error: new CommandError(code, message, { cause }) }];
}

/** A comparison that puts `frame2` before `frame10`. */
export function naturalOrder(): (a: string, b: string) => number {
  return new Intl.Collator('en', { numeric: true }).compare;
}

/** Bytes of standard input that are kept at most: as of a picture's file. */
const STDIN_LIMIT = 1e9;

/** All bytes of standard input. Rejects with `INPUT_TOO_LARGE` beyond 1 GB, and with the signal's reason. */
export async function readStdin(signal?: AbortSignal): Promise<Uint8Array> {
  return untilAborted(signal, async () => {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > STDIN_LIMIT) {
        const limit = STDIN_LIMIT.toLocaleString('en');
        const message = `expected at most ${limit} bytes of standard input but received more; save it as a file`;
        throw new CommandError('INPUT_TOO_LARGE', message);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  });
}

/** Reads standard input; the signal ends the wait for a program that writes nothing, or without end. */
export async function untilAborted<T>(signal: AbortSignal | undefined, read: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  const stop = () => process.stdin.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await read();
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** What a person should know of a picture that moves or has several pages. */
export function firstOfSeveral(
  source: string,
  { pages, format }: { readonly pages: number; readonly format: string },
  command = 'video',
): string {
  const moves = format === 'gif' || format === 'webp' || format === 'png';
  return (
    `facedet: ${source}: the first of its ${pages} pictures was ` +
    `taken${moves ? `; facedet ${command} takes all` : ''}`
  );
}
