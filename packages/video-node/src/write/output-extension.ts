import { extname } from 'node:path';
import { isFaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { openInput } from '../read/input.ts';
import { readMetadata } from '../read/metadata.ts';
import { EXTENSIONS, extensionFor, type ContainerChoice } from './containers.ts';

/**
 * The file name extension, with its dot, under which a film is written so that as much of its sound and subtitles as
 * possible is kept: its own where that is written (`.mp4`, `.m4v`, `.mov`, `.mkv`, `.webm`) and leaves out nothing,
 * else the one that `containerFor` names. Only the file's beginning is read; the same file always gets the same
 * extension. A file that can't be read gets its own, or `.mp4`: reading it will say why.
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
