import { readFile } from 'node:fs/promises';
import { FaceDetError } from '@facedet/core';
import { anonymizePlanes, drawPlanes, type AnonymizeOptions, type OverlayOptions } from '@facedet/draw';
import { openVideo, type OpenVideoOptions } from '../read/open-video.ts';
import type { VideoMetadata } from '../read/metadata.ts';
import { damageOf, type DamageSummary } from './damage.ts';
import type { VideoProgress } from './process-video.ts';
import { Counter } from './totals.ts';
import { parseRow, type Row } from './rows.ts';
import type { VideoSource } from '../read/source.ts';
import { createVideoWriter, type VideoWriter, type VideoWriterOptions } from '../write/writer.ts';

/** Options of `renderVideo`. */
export interface RenderVideoOptions extends Omit<OpenVideoOptions, 'after'> {
  /** The video to write. */
  output: string;
  /** Rows of the same video as `processVideo` writes them, perhaps corrected by hand: the JSONL file's path. */
  tracks: string;
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
  readonly metadata: VideoMetadata;
}

/**
 * Writes a video from rows that exist: nothing is detected. Throws what `openVideo` and `createVideoWriter` throw,
 * `MALFORMED_FILE` for rows that can't be read, `TRACKS_INCOMPLETE` at a frame that has no row, as nobody knows whether
 * there is a face in it, and `TRACKS_MISMATCH` at the end of a video that has fewer frames than there are rows: they
 * are those of another.
 */
export async function renderVideo(source: VideoSource, options: RenderVideoOptions): Promise<RenderSummary> {
  const { output, tracks, draw, anonymize, onProgress } = options;
  const rows = await readRows(tracks);
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
            `${tracks}: expected a row for every frame, there is none for frame ${frame.index} ` +
              `(${frame.timestamp.toFixed(2)} s). Add it, with "faces": [] where nobody is.`,
          );
        await writer.write(frame, (planes) => {
          if (anonymize) anonymizePlanes(planes, row.faces, anonymize);
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
        `${tracks}: expected rows of this video, which has ${frames} frames, found one for frame ${more}. ` +
          'Give the rows that were written for it.',
      );
    await writer.finish();
    const { leftOut, sideStreams } = writer;
    return {
      totalFrames: frames,
      totalFaces: counter.faces,
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

async function readRows(path: string): Promise<Map<number, Row>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new FaceDetError(
      'NOT_FOUND',
      `${path}: expected a file of rows that can be read: ${(cause as Error).message}`,
      { cause },
    );
  });
  const rows = new Map<number, Row>();
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    const row = usable(line);
    if (!row)
      throw new FaceDetError(
        'MALFORMED_FILE',
        `${path}: line ${i + 1}: expected { "frame", "timestamp", "faces": [{ "id", "box": { "x", "y", ` +
          `"width", "height" } }] } with sides above 0, found ${line.slice(0, 200)}`,
      );
    if (rows.has(row.frame))
      throw new FaceDetError(
        'MALFORMED_FILE',
        `${path}: line ${i + 1}: expected one row for each frame, found a second one for frame ${row.frame}. ` +
          'Put the faces of both into one.',
      );
    rows.set(row.frame, row);
  });
  return rows;
}

/** A line's row; undefined where it is none, or has a face that nobody could hide. */
function usable(line: string): Row | undefined {
  try {
    const { frame, faces, ...rest } = parseRow(line);
    const whole =
      Number.isInteger(frame) &&
      frame >= 0 &&
      faces.every(
        ({ box: { x, y, width, height } }) => [x, y, width, height].every(Number.isFinite) && width > 0 && height > 0,
      );
    return whole ? { frame, faces, ...rest } : undefined;
  } catch {
    return undefined;
  }
}
