import { extname } from 'node:path';
import { isFaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { openInput } from '../read/input.ts';
import { readMetadata } from '../read/metadata.ts';
import { EXTENSIONS, extensionFor, type ContainerChoice } from './containers.ts';

/**
 * The file name extension, with its dot, that keeps as much of a video's audio and subtitles as possible: the source's
 * own if it is supported (`.mp4`, `.m4v`, `.mov`, `.mkv`, `.webm`) and leaves out nothing, otherwise that of
 * `containerFor`. Reads only the beginning of the file; the same file always gets the same extension. A file that can't
 * be read gets its own extension, or `.mp4`: opening it reports the error.
 */
export async function outputExtension(path: string, choice: ContainerChoice = {}): Promise<string> {
  try {
    const ffmpeg = await loadFfmpeg();
    const { format, stream, close } = await openInput(ffmpeg, { kind: 'file', name: printable(path), path });
    try {
      const metadata = readMetadata(ffmpeg, format, stream, { source: path, path, kind: 'file', live: false });
      return extensionFor(metadata, choice);
    } finally {
      await close();
    }
  } catch (error) {
    if (isFaceDetError(error) && error.code === 'DEPENDENCY_MISSING') throw error;
    const own = extname(path);
    return EXTENSIONS[own.toLowerCase()] ? own : '.mp4';
  }
}
