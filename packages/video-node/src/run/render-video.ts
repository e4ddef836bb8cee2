import { FaceDetError } from '@facedet/core';
import { drawPlanes, type AnonymizeOptions, type OverlayOptions } from '@facedet/draw';
import { idRanges } from '@facedet/files';
import { openVideo, type OpenVideoOptions } from '../read/open-video.ts';
import type { VideoMetadata } from '../read/metadata.ts';
import { maskRow } from './editor.ts';
import { damageOf, type DamageSummary } from './damage.ts';
import type { VideoProgress } from './process-video-options.ts';
import { Counter } from './totals.ts';
import { isMadeFrom } from './analysis.ts';
import { readRows, type RowsFile } from './rows-file.ts';
import type { VideoSource } from '../read/source.ts';
import { createVideoWriter, type VideoWriter, type VideoWriterOptions } from '../write/writer.ts';

/** Options of `renderVideo`. */
export interface RenderVideoOptions extends Omit<OpenVideoOptions, 'after'> {
  /** The video to write. */
  output: string;
  /**
   * Rows of the same video as `processVideo` writes them, perhaps corrected by hand: the JSONL file's path, or what
   * `readRows` returned for it.
   */
  tracks: string | RowsFile;
  /** How it is written. */
  encoding?: Omit<VideoWriterOptions, 'like' | 'resume'>;
  draw?: OverlayOptions;
  anonymize?: AnonymizeOptions;
  onProgress?: (progress: VideoProgress) => void;
}

/** What `renderVideo` did. */
export interface RenderSummary extends Pick<VideoWriter, 'leftOut' | 'sideStreams'>, DamageSummary {
  readonly totalFrames: number;
  /** Faces in all frames: someone in ten frames counts ten times. */
  readonly totalFaces: number;
  /** IDs of the tracks in the rows, in ascending order. */
  readonly trackIds: readonly number[];
  readonly metadata: VideoMetadata;
}

/**
 * Writes a video from rows that exist: nothing is detected. Throws what `openVideo` and `createVideoWriter` throw,
 * `MALFORMED_FILE` for rows that can't be read, `TRACKS_INCOMPLETE` at a frame that has no row, `INVALID_ARGUMENT`
 * where `anonymize.keepIds` names an ID that no row has, and `TRACKS_MISMATCH` where the rows say that they were made
 * from another source, or the video ends before the rows do.
 */
export async function renderVideo(source: VideoSource, options: RenderVideoOptions): Promise<RenderSummary> {
  const { output, tracks, draw, anonymize, onProgress } = options;
  const file = typeof tracks === 'string' ? await readRows(tracks) : tracks;
  const { path, rows } = file;
  checkIds(file, anonymize);
  await checkSource(file, source, [...(anonymize?.keepIds ?? [])].length > 0);
  const video = await openVideo(source, options);
  const { metadata } = video;
  let writer: VideoWriter | undefined;
  const counter = new Counter();
  try {
    writer = await createVideoWriter(output, { ...options.encoding, like: metadata });
    for await (const frame of video) {
      try {
        const row = rows.get(frame.index);
        if (!row)
          throw new FaceDetError(
            'TRACKS_INCOMPLETE',
            `${path}: expected a row for every frame but frame ${frame.index} has none ` +
              `(${frame.timestamp.toFixed(2)} s). Add it, with "faces": [] if it has no faces.`,
          );
        await writer.write(frame, (planes) => {
          if (anonymize) maskRow(planes, row, anonymize);
          if (draw) drawPlanes(planes, row.faces, draw);
        });
        counter.count(row);
        if (frame.isDamaged) counter.countDamage(frame.timestamp);
        onProgress?.({
          frames: frame.index + 1,
          totalFrames: metadata.frameCount,
          seconds: frame.timestamp,
          duration: metadata.duration,
          faces: row.faces.length,
        });
      } finally {
        frame.close();
      }
    }
    const { frames } = writer;
    const more = [...rows.keys()].find((frame) => frame >= frames);
    if (more !== undefined)
      throw new FaceDetError(
        'TRACKS_MISMATCH',
        `${path}: expected rows of this video, which has ${frames} frames, found one for frame ${more}. ` +
          'Give the rows that were written for it.',
      );
    await writer.finish();
    const { leftOut, sideStreams } = writer;
    return {
      totalFrames: frames,
      totalFaces: counter.faces,
      trackIds: counter.trackIds,
      ...damageOf(counter.damage),
      leftOut,
      sideStreams,
      metadata,
    };
  } catch (error) {
    await writer?.flush().catch(() => {});
    throw error;
  } finally {
    await video.close();
  }
}

/** Rows of another source mask the wrong places. Faces are only uncovered where the source is known to be the same. */
async function checkSource({ path, analysis }: RowsFile, source: VideoSource, keepsFaces: boolean): Promise<void> {
  const isSame = analysis && (await isMadeFrom(analysis, source));
  if (isSame === false)
    throw new FaceDetError(
      'TRACKS_MISMATCH',
      `${path}: expected rows of this video but received those of another file, or of this one before it changed. ` +
        'Give the rows that were written for it.',
    );
  if (keepsFaces && !isSame)
    throw new FaceDetError(
      'TRACKS_MISMATCH',
      `${path}: expected rows that name this video as their source, as keepIds uncovers faces, but received ` +
        `${analysis ? 'rows of a pipe or a stream, or such a source' : 'rows without their analysis'}. Write rows of ` +
        'the file, and keep their first line as it is.',
    );
}

/** A wrong ID would uncover another person, or no one: both are mistakes. */
function checkIds({ path, ids }: RowsFile, anonymize: AnonymizeOptions | undefined): void {
  const unknown = [...(anonymize?.keepIds ?? [])].filter((id) => !ids.includes(id));
  if (unknown.length === 0) return;
  const known = ids.length > 0 ? `they have ${idRanges(ids)}` : 'they have no IDs';
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `${path}: expected keepIds of these rows (${known}) but received ${unknown.join(', ')}.`,
  );
}
