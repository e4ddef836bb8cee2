import { FaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import type { Frame as NativeFrame } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { filterFrames } from './filters.ts';
import { blackFrame } from './picture-frame.ts';
import type { ReaderOptions } from './reader-options.ts';
import type { Placed, Session } from './session.ts';
import { needsStillDecoder } from './still-image.ts';

/** Reads the pictures of a folder at a constant rate. */
export async function* readFolder(
  ffmpeg: Ffmpeg,
  session: Session,
  paths: readonly string[],
  { after, pictureRate, onPictureError, signal }: ReaderOptions,
): AsyncGenerator<Placed, void> {
  const { size } = session;
  const place = (index: number) => ({ index, timestamp: index / pictureRate, duration: 1 / pictureRate });
  // Black frames before the first readable picture wait for its size.
  const waiting: { readonly index: number; readonly error: FaceDetError }[] = [];
  for (let index = after ? after.index + 1 : 0; index < paths.length; index++) {
    const path = paths[index]!;
    try {
      const frame = await readPicture(ffmpeg, session, path);
      const black = () => blackFrame(ffmpeg, size.width, size.height);
      for (const { index: earlier, error } of waiting.splice(0)) yield { frame: black(), ...place(earlier), error };
      yield { frame, ...place(index) };
    } catch (error) {
      signal.throwIfAborted();
      if (onPictureError === 'stop' || !(error instanceof FaceDetError)) throw error;
      if (size.width > 0) yield { frame: blackFrame(ffmpeg, size.width, size.height), ...place(index), error };
      else if (waiting.push({ index, error }) === paths.length) throw error;
    }
  }
  if (waiting.length > 0) throw waiting[0]!.error;
}

/** One picture, upright and in the size of the first one. */
async function readPicture(ffmpeg: Ffmpeg, session: Session, path: string): Promise<NativeFrame> {
  const name = printable(path);
  try {
    if (await needsStillDecoder(path)) {
      for await (const { frame } of filterFrames(ffmpeg, session.stillPicture(path), {
        name,
        timeBase: { num: 1, den: 1000 },
        orientation: { rotation: 0, mirrored: false },
        deinterlace: false,
        size: session.size,
      }))
        return frame;
    }
    const opened = await session.open({ kind: 'file', name, path, picture: true });
    for await (const { frame } of session.pictures(opened)) return frame;
    throw new FaceDetError(
      'VIDEO_BROKEN',
      `Expected a picture but ${name} can't be decoded; replace it, or pass onPictureError: 'skip'.`,
    );
  } finally {
    await session.close();
  }
}
