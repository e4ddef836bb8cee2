import { openVideoWriter, type VideoWriter, type VideoWriterOptions } from '../../write/writer.ts';
import type { Sink } from './sink.ts';

/** A film in progress. */
export interface FilmSink extends Sink {
  readonly writer: VideoWriter;
}

/** Writes the frames, edited, into a video. The caller holds the output's lock. */
export async function openFilmSink(path: string, options: VideoWriterOptions): Promise<FilmSink> {
  const { writer, commit, discard } = await openVideoWriter(path, options);
  const { frames } = writer;
  return {
    writer,
    frames,
    async write({ frame, edit }) {
      if (frame.index >= frames) await writer.write(frame, edit);
    },
    complete: () => writer.complete(),
    commit,
    leave: () => writer.flush().catch(() => {}),
    discard,
  };
}
