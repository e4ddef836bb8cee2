import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { CommandError, describe } from './errors.ts';

/** One input of a command, as the user will read of it. */
export interface Input {
  /** The argument, or the path found in a folder or by a glob. */
  readonly source: string;
  readonly kind: 'file' | 'url' | 'stdin';
  /** Why it can't be read, where that is known already. */
  readonly error?: CommandError;
}

const pictures = ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff'];
const videos = ['.mp4', '.m4v', '.mov', '.mkv', '.webm', '.avi', '.mpg', '.mpeg', '.ts', '.mts', '.m2ts', '.wmv', '.flv', '.ogv', '.3gp', '.gif'];

/** Whether a name looks like a picture's. */
export function isPictureName(name: string): boolean {
  return pictures.some((extension) => name.toLowerCase().endsWith(extension));
}

/** Whether a name looks like a video's. */
export function isVideoName(name: string): boolean {
  return videos.some((extension) => name.toLowerCase().endsWith(extension));
}

/** Whether an argument is a URL (`https:`, `rtsp:`, `file:`, …) and not a path; `C:\` is a path. */
export function isUrl(argument: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(argument);
}

/**
 * Files, folders (their pictures in natural order), globs, URLs and `-` → inputs in the order given. What is not there, and a
 * folder or glob without a match, is an input with an error. `accept` says which files of a folder count.
 */
export async function expandInputs(args: readonly string[], accept: (name: string) => boolean = isPictureName): Promise<Input[]> {
  const lists = await Promise.all(args.map((argument) => expand(argument, accept)));
  return lists.flat();
}

async function expand(argument: string, accept: (name: string) => boolean): Promise<Input[]> {
  if (argument === '-') return [{ source: '-', kind: 'stdin' }];
  if (isUrl(argument)) return [{ source: argument, kind: 'url' }];
  try {
    if (!(await stat(argument)).isDirectory()) return [{ source: argument, kind: 'file' }];
    const entries = await readdir(argument, { withFileTypes: true });
    const names = entries.filter((entry) => !entry.isDirectory() && accept(entry.name)).map((entry) => entry.name).sort(naturalOrder());
    if (names.length === 0) return failed(argument, 'NO_INPUT', 'expected a folder with pictures, found none in it');
    return names.map((name) => ({ source: join(argument, name), kind: 'file' }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && /[*?[\]{}]/.test(argument)) return expandGlob(argument, accept);
    const { code, message } = describe(error);
    return failed(argument, code, message, error);
  }
}

async function expandGlob(pattern: string, accept: (name: string) => boolean): Promise<Input[]> {
  const { glob } = await import('tinyglobby');
  const paths = (await glob(pattern.replaceAll('\\', '/'), { expandDirectories: false, absolute: isAbsolute(pattern) })).sort(naturalOrder());
  // A glob that names an extension means just those files; one that ends openly (photos/**) means the pictures there.
  const wanted = /\.[^/*?]+$/.test(pattern) ? paths : paths.filter(accept);
  if (wanted.length === 0) return failed(pattern, 'NO_INPUT', 'no file fits this pattern');
  return wanted.map((source) => ({ source, kind: 'file' }));
}

function failed(source: string, code: string, message: string, cause?: unknown): Input[] {
  return [{ source, kind: 'file', error: new CommandError(code, message, { cause }) }];
}

/** A comparison that puts `frame2` before `frame10`. */
export function naturalOrder(): (a: string, b: string) => number {
  return new Intl.Collator('en', { numeric: true }).compare;
}

/** All bytes of standard input. */
export async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What a person should know of a picture that moves or has several pages. */
export function firstOfSeveral(source: string, { pages, format }: { readonly pages: number; readonly format: string }, command = 'video'): string {
  return `facedet: ${source}: the first of its ${pages} pictures was taken${format === 'gif' ? `; facedet ${command} takes all` : ''}`;
}
