import { basename, extname } from 'node:path';
import { isWritable, partialPathOf, PICTURE_FORMATS, pictureFormatOf } from '@facedet/files';
import type { Input } from './inputs.ts';

/** Options of `outputNames`. */
export interface OutputNameOptions {
  /** The name that an input's output would have alone; default: the input's own. */
  readonly nameOf?: (input: Input) => string;
  /** Whether the faces of each input (`a-1.jpg`, `a-1.aligned.jpg`) are written to the same folder. */
  readonly withFaces?: boolean;
}

/**
 * A file name for each input: the one it would have alone, with a number where that, or what is written beside it,
 * would be another's file, complete or in progress, also where upper and lower case are not told apart. A name without
 * extension may get any.
 */
export function outputNames(
  inputs: readonly Input[],
  { nameOf = ownName, withFaces = false }: OutputNameOptions = {},
): Map<Input, string> {
  const names = new Set<string>();
  const partials = new Set<string>();
  const stems = new Set<string>();
  // Stems of names without extension, and of names whose face a taken name could be.
  const bare = new Set<string>();
  const faces = new Set<string>();
  const isTaken = (name: string) => {
    const stem = stemOf(name);
    if (partials.has(plain(name)) || partialsOf(name).some((partial) => names.has(partial))) return true;
    if (names.has(plain(name)) || bare.has(stem) || (extname(name) === '' && stems.has(stem))) return true;
    return withFaces && (faces.has(stem) || stems.has(faceOf(stem) ?? ''));
  };
  const take = (name: string) => {
    const stem = stemOf(name);
    names.add(plain(name));
    for (const partial of partialsOf(name)) partials.add(partial);
    stems.add(stem);
    if (extname(name) === '') bare.add(stem);
    faces.add(faceOf(stem) ?? '');
  };
  return new Map(
    inputs.map((input) => {
      const own = nameOf(input);
      const extension = extname(own);
      let name = own;
      // `a-2.jpg` could be the second face of `a.jpg`.
      const separator = withFaces ? '_' : '-';
      for (let i = 2; isTaken(name); i++) name = `${basename(own, extension)}${separator}${i}${extension}`;
      take(name);
      return [input, name];
    }),
  );
}

/** The file name of an input; of an address its last part. */
export function ownName({ source, kind }: Input): string {
  if (kind === 'stdin') return 'stdin';
  if (kind === 'file') return basename(source);
  try {
    return decodeURIComponent(basename(new URL(source).pathname)).replaceAll(/[/\\\0]/g, '_') || 'picture';
  } catch {
    return 'picture';
  }
}

/** The file name of a picture's copy: the input's own, with another extension where its format is not written. */
export function copyName(input: Input): string {
  const own = ownName(input);
  const extension = extname(own);
  const ofName = pictureFormatOf(own);
  // Without an extension the copy gets one, or none, when its format is known.
  if (extension === '' || (ofName && isWritable(ofName))) return own;
  const format = input.content?.type === 'picture' ? input.content.format : ofName;
  if (!format) return own;
  return `${ofName ? basename(own, extension) : own}${PICTURE_FORMATS[PICTURE_FORMATS[format].copy].extensions[0]}`;
}

/** Names of a file in progress, a picture's and a film's, and of a film that is resumed. */
function partialsOf(name: string): string[] {
  const extension = extname(name);
  const former = `${basename(name, extension)}.partial-before${extension}`;
  return [partialPathOf(name), partialPathOf(name, { media: true }), former].map(plain);
}

/** As file systems compare names that tell neither cases nor forms of Unicode apart. */
function plain(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

function stemOf(name: string): string {
  return plain(basename(name, extname(name)));
}

/** The stem whose face has this one; undefined where it is no face's. */
function faceOf(stem: string): string | undefined {
  return /^(.*)-\d+(?:\.aligned)?$/s.exec(stem)?.[1];
}
