import { FaceDetError, isFaceDetError, iou, type Detector, type Face } from '@facedet/core';
import {
  anonymizePlanes,
  createTrails,
  drawPlanes,
  type AnonymizeOptions,
  type OverlayOptions,
  type YuvPlanes,
} from '@facedet/draw';
import {
  createVideoDetector,
  videoDetectorOptionNames,
  type FrameResult,
  type VideoDetectorOptions,
  type VideoFace,
  type VideoStatistics,
} from '@facedet/pipeline';
import { openGallery, type Gallery, type GalleryPage } from './gallery.ts';
import { previewPicture, type Preview } from './preview.ts';
import type { VideoMetadata } from '../read/metadata.ts';
import { openVideo, type OpenVideoOptions, type VideoInput } from '../read/open-video.ts';
import { openResumeState, type Lingering } from './resume-state.ts';
import { openRowFiles } from './row-files.ts';
import { rowOf, type Row } from './rows.ts';
import type { VideoSource } from '../read/source.ts';
import type { VideoFrame } from '../read/frame.ts';
import { createVideoWriter, type VideoWriter, type VideoWriterOptions } from '../write/writer.ts';

/** Options of `processVideo`: how faces are found and followed, how the source is read, and what is written. */
export interface ProcessVideoOptions extends VideoDetectorOptions, Omit<OpenVideoOptions, 'after'> {
  /** A detector that a runtime made. */
  detector: Detector;
  /** A video to write: `.mp4`, `.mov`, `.mkv` or `.webm`. */
  output?: string;
  /** How it is written. */
  encoding?: Omit<VideoWriterOptions, 'like' | 'resume'>;
  /** What is drawn into the output; by default boxes and labels, or nothing where faces are hidden. */
  draw?: boolean | (Omit<OverlayOptions, 'trails'> & { readonly trails?: boolean });
  /** Hides faces in the output. A frame whose detection failed is hidden whole. */
  anonymize?: boolean | AnonymizeOptions;
  /** A file with a line for every frame. */
  jsonl?: string;
  /** A file in MOT's text format. */
  mot?: string;
  /** A CSV file. */
  csv?: string;
  /** A folder for the best portrait of each identity and `identities.json`, which says who appears when. It needs a tracker. */
  thumbnails?: string;
  /** Makes `index.html` of that folder; without it there is none. */
  thumbnailsPage?: GalleryPage;
  /** Shows the frames with the faces marked while the run goes on. Not together with `anonymize`, as it shows the faces. */
  show?: Preview;
  /** Goes on from what an interrupted run left in the partial files; the rows end up the same. */
  resume?: boolean;
  /** Called for each frame, before it is written; the frame is open until the promise settles. */
  onFrame?: (result: FrameResult<VideoFrame>, row: Row, metadata: VideoMetadata) => void | Promise<void>;
  /** Called after each frame. */
  onProgress?: (progress: VideoProgress) => void;
}

/** How far a run has come. */
export interface VideoProgress {
  /** Frames done, those of a resumed run among them, and in all (null where that is not known). */
  readonly frames: number;
  readonly totalFrames: number | null;
  /** Seconds done and in all (null where that is not known). */
  readonly seconds: number;
  readonly duration: number | null;
  /** Faces in the last frame. */
  readonly faces: number;
}

/** What a run did. */
export interface VideoSummary extends VideoStatistics {
  readonly metadata: VideoMetadata;
  /** Seconds from the call to the end. */
  readonly seconds: number;
  /** Times a lost stream came back. */
  readonly reconnects: number;
  /** Streams of the source that the output can't hold. */
  readonly leftOut: VideoWriter['leftOut'];
}

/**
 * The whole way of a video: source → detector → tracker → smoother → files. Files grow under partial names (`rows.jsonl.partial`,
 * `film.partial.mp4`) and get their final ones when the source is at its end; whatever ends the run before leaves them readable up to
 * there, and `resume` goes on from them.
 *
 * Throws what `openVideo`, `createVideoWriter` and the detector throw, `DISK_FULL` and `OUTPUT_UNWRITABLE`, and the signal's reason.
 */
export async function processVideo(source: VideoSource, options: ProcessVideoOptions): Promise<VideoSummary> {
  const begun = performance.now();
  const { output, thumbnails, show, resume = false, signal, onFrame, onProgress } = options;
  if (thumbnails !== undefined && options.tracker === false) throw new FaceDetError('INVALID_ARGUMENT', 'Expected a tracker for thumbnails, received tracker: false; a portrait belongs to an identity.');
  if (show && options.anonymize) throw new FaceDetError('INVALID_ARGUMENT', 'Expected show without anonymize: the page would show the faces that the output hides.');
  const editor = createEditor(options);
  const paths = { jsonl: options.jsonl, mot: options.mot, csv: options.csv };
  const outputs = [paths.jsonl, paths.mot, paths.csv, output, thumbnails].filter((path) => path !== undefined);
  if (new Set(outputs).size < outputs.length) throw new FaceDetError('INVALID_ARGUMENT', `Expected a path of its own for each output, received ${outputs.join(', ')}.`);

  let video: VideoInput = await openVideo(source, options);
  const { metadata } = video;
  let writer: VideoWriter | undefined;
  let files: ReturnType<typeof openRowFiles> | undefined;
  let gallery: Gallery | undefined;
  let keepLast = () => {};
  try {
    const pipeline = createVideoDetector(pipelineOptions(options, metadata.fps));
    const rows = (files = openRowFiles(paths, resume));
    const inRows = paths.jsonl || paths.mot || paths.csv ? rows.frames : Infinity;
    if (output !== undefined) writer = await createVideoWriter(output, { ...options.encoding, like: metadata, resume });
    const inVideo = writer?.frames ?? Infinity;
    if (thumbnails !== undefined) gallery = await openGallery(thumbnails, { source: metadata.source, resume: resume && !metadata.live, ...(options.thumbnailsPage && { page: options.thumbnailsPage }) });
    const keep = openResumeState(metadata.source, outputs, settingsOf(options), resume && !metadata.live);

    // Frames that only the video lacks are drawn from their rows, which are all there is to draw; who hides faces must see them again.
    const drawable = paths.jsonl !== undefined && !options.anonymize && rows.rows.length === rows.frames;
    const needed = Math.min(drawable ? inRows : Math.min(inRows, inVideo), gallery?.frames ?? Infinity);
    const point = Number.isFinite(needed) ? keep.before(needed) : undefined;
    if (point) pipeline.restore(point.snapshot);
    else gallery?.restart();
    editor?.restore(point?.lingering ?? []);
    const detectFrom = point ? point.index + 1 : 0;
    const start = drawable ? Math.min(detectFrom, inVideo) : detectFrom;
    const total = { frames: 0, faces: 0, ids: new Set<number>() };
    const count = ({ faces }: Row) => {
      total.frames++;
      total.faces += faces.length;
      for (const { id } of faces) if (id !== null) total.ids.add(id);
    };
    rows.rows.forEach(count);
    const counted = rows.rows.length;

    if (start > 0) {
      await video.close();
      const timestamp = point && start === detectFrom ? point.timestamp : rows.rows[start - 1]!.timestamp;
      video = await openVideo(source, { ...options, after: { index: start - 1, timestamp } }).catch((error: unknown) => {
        // The last frame was done when the run was interrupted: only its files were not given their names.
        if (isFaceDetError(error) && error.code === 'VIDEO_FINISHED') return atItsEnd(video);
        throw error;
      });
    }
    const frames = video[Symbol.asyncIterator]();
    // Rows are there, the video lacks the frames.
    for (let index = start; index < detectFrom; index++) {
      const { value: frame, done } = await frames.next();
      if (done) break;
      try {
        const row = rows.rows[frame.index]!;
        const edit = editor?.next(row, undefined);
        if (writer && frame.index >= inVideo) await writer.write(frame, edit);
      } finally {
        frame.close();
      }
    }

    const reached = { frames: Math.max(counted, detectFrom), seconds: 0 };
    for await (const result of pipeline.run({ [Symbol.asyncIterator]: () => frames }, signal ? { signal } : {})) {
      const row = rowOf(result);
      if (onFrame) await onFrame(result, row, metadata);
      if (show) await show.push({ image: () => previewPicture(result.frame, row.faces, marksOf(options)), faces: row.faces, index: result.index, timestamp: result.timestamp, statistics: pipeline.statistics });
      await gallery?.add(result.frame, row, result.timestamp + (result.frame.duration || 1 / (metadata.fps ?? 25)));
      const edit = editor?.next(row, result);
      if (writer && result.index >= inVideo) await writer.write(result.frame, edit);
      if (result.index >= inRows || inRows === Infinity) rows.write(row);
      if (result.index >= counted) count(row);
      const { index, timestamp } = result;
      const pointHere = () => ({ index, timestamp, snapshot: pipeline.snapshot(), lingering: editor?.lingering() ?? [] });
      keep.offer(pointHere);
      keepLast = () => {
        if (pipeline.snapshot().lastIndex === index) keep.offer(pointHere, true);
      };
      reached.frames = Math.max(reached.frames, result.index + 1);
      reached.seconds = result.timestamp;
      onProgress?.({ ...reached, totalFrames: metadata.frameCount, duration: metadata.duration, faces: row.faces.length });
    }
    await writer?.finish();
    await gallery?.finish();
    rows.commit();
    keep.forget();
    const { statistics } = pipeline;
    return {
      ...statistics,
      totalFrames: total.frames,
      avgFacesPerFrame: total.frames ? total.faces / total.frames : 0,
      identities: total.ids.size,
      droppedFrames: statistics.droppedFrames + video.statistics.dropped,
      metadata,
      seconds: (performance.now() - begun) / 1000,
      reconnects: video.statistics.reconnects,
      leftOut: writer?.leftOut ?? [],
    };
  } catch (error) {
    // What is there stays, playable and readable; why it ended is the error that counts.
    keepLast();
    files?.leave();
    await writer?.flush().catch(() => {});
    await gallery?.leave().catch(() => {});
    throw error;
  } finally {
    await video.close();
  }
}

// Dots on the eyes and the mouth hide what a person wants to see, and what another detector looks for.
const DRAWN: Exclude<ProcessVideoOptions['draw'], boolean | undefined> = { landmarks: false };

/** Those of the options that the pipeline knows. */
function pipelineOptions(options: ProcessVideoOptions, fps: number | null): VideoDetectorOptions {
  const known: readonly string[] = videoDetectorOptionNames;
  const given = Object.fromEntries(
    Object.entries(options).filter(([name]) => known.includes(name)),
  ) as unknown as VideoDetectorOptions;
  const { tracker, detectEvery = 1 } = given;
  if (!fps || tracker === false || (tracker && 'update' in tracker)) return given;
  // A track of the last key frame must reach the next one, also where a film shows one picture every few seconds.
  return {
    ...given,
    tracker: {
      ...tracker,
      frameRate: tracker?.frameRate ?? fps / (detectEvery === 'auto' ? LONGEST_AUTO : detectEvery),
    },
  };
}

/** Frames from one key frame to the next at most, with `detectEvery: 'auto'`. */
const LONGEST_AUTO = 10;

/** A video of which every frame was seen. */
function atItsEnd(video: VideoInput): VideoInput {
  return { metadata: video.metadata, statistics: video.statistics, async *[Symbol.asyncIterator]() {}, async close() {} };
}

/** What is done to the pictures of the output. */
interface Editor {
  /** What is done to the next picture. It has to be asked for every frame, written or not: trails and what lingers come from those before. */
  next(row: Row, result: FrameResult | undefined): (planes: YuvPlanes) => void;
  /** What has to be known of the frames so far, and taking it up again in a resumed run. */
  lingering(): readonly Lingering[];
  restore(lingering: readonly Lingering[]): void;
}

/** An editor; undefined where the pictures stay as they are. */
function createEditor({ draw, anonymize, output }: ProcessVideoOptions): Editor | undefined {
  if (output === undefined) return undefined;
  const hiding = anonymize === true ? {} : anonymize || undefined;
  const overlay = draw === undefined ? (hiding ? undefined : DRAWN) : draw === true ? DRAWN : draw || undefined;
  const { trails: wanted = false, ...marks } = overlay ?? {};
  const trails = wanted ? createTrails() : undefined;
  if (!hiding && !overlay) return undefined;
  const lingering = createLingering();
  return {
    next(row, result) {
      const gone = hiding ? lingering.next(row) : [];
      const drawn = trails ? { ...marks, trails: trails.update(row.faces, row.timestamp) } : marks;
      return (planes) => {
        if (hiding) {
          if (!result || result.error) anonymizePlanes(planes, [{ box: { x: 0, y: 0, width: planes.width, height: planes.height } }], { ...hiding, shape: 'box', clear: [] });
          else anonymizePlanes(planes, hidden([...row.faces, ...gone], result.others), hiding);
        }
        if (overlay) drawPlanes(planes, row.faces, drawn);
      };
    },
    lingering: lingering.all,
    restore: lingering.restore,
  };
}

/** What a preview draws. */
function marksOf({ draw = true }: ProcessVideoOptions): OverlayOptions | undefined {
  if (!draw) return undefined;
  const { trails: _, ...marks } = draw === true ? DRAWN : draw;
  return marks;
}

/** The faces shown, and the detections of no identity; one that lies on a shown face is that face, which may be left clear. */
function hidden(faces: readonly VideoFace[], others: readonly Face[]): (VideoFace | Face)[] {
  return [...faces, ...others.filter(({ box }) => faces.every((face) => iou(face.box, box) < 0.3))];
}

// Seconds for which a face that is no longer found stays hidden where it was: it may only have turned away.
const LINGER = 0.25;

/** Remembers where faces were last. `next` gives those of the last quarter of a second that a row no longer shows. */
function createLingering() {
  const last = new Map<number, Lingering>();
  return {
    next({ faces, timestamp }: Row): VideoFace[] {
      const shown = new Set(faces.map(({ id }) => id));
      for (const face of faces) if (face.id !== null) last.set(face.id, { face, seen: timestamp });
      for (const [id, { seen }] of last) if (timestamp - seen > LINGER) last.delete(id);
      return [...last.values()].filter(({ face }) => !shown.has(face.id)).map(({ face }) => face);
    },
    all: (): Lingering[] => [...last.values()],
    restore(lingering: readonly Lingering[]): void {
      for (const { face, seen } of lingering) if (face.id !== null) last.set(face.id, { face, seen });
    },
  };
}

/** What decides about rows: another run with the same may go on from its state. */
function settingsOf({
  detectEvery,
  refine,
  lookAhead,
  shotCuts,
  scoreThreshold,
  rotate,
  tracker,
  smoother,
  fps,
  deinterlace,
}: ProcessVideoOptions): unknown {
  const plain = (value: unknown) =>
    value && typeof value === 'object' && ('update' in value || 'smooth' in value) ? 'own' : value;
  return {
    detectEvery,
    refine,
    lookAhead,
    shotCuts,
    scoreThreshold,
    rotate,
    tracker: plain(tracker),
    smoother: plain(smoother),
    fps,
    deinterlace,
  };
}
