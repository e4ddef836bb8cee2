import { FaceDetError, type Detector, type Rotate } from '@facedet/core';
import { anonymizeCanvas, type CanvasAnonymizeOptions } from '@facedet/draw';
import { createVideoDetector } from '@facedet/pipeline';
import { imageSource, openVideoFile } from '@facedet/runtime-web';
import {
  ALL_FORMATS,
  BlobSource,
  BufferTarget,
  CanvasSource,
  EncodedAudioPacketSource,
  EncodedPacketSink,
  getFirstEncodableVideoCodec,
  Input,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
} from 'mediabunny';
import { isVideo } from './sources.ts';

/** How far a job is, in [0, 1], and what it has done. */
export type Progress = (done: number, text: string) => void;

/** Faces below the usual threshold are masked too: a face left visible can't be taken back. */
const LOW_SCORE = 0.3;

/** How a job masks faces. */
export interface AnonymizeJob {
  readonly effect: NonNullable<CanvasAnonymizeOptions['effect']>;
  /** Orientations in which the detector runs. */
  readonly rotate: Rotate;
  readonly onProgress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Masks every face of a picture or video from the viewer's disk. Its metadata is left out. Rejects where a frame can't
 * be analyzed.
 */
export async function anonymizeFile(
  file: File,
  detector: Detector,
  job: AnonymizeJob,
): Promise<{ blob: Blob; name: string }> {
  const base = file.name.replace(/\.[^.]*$/, '');
  if (isVideo(file)) return { blob: await video(file, detector, job), name: `${base}-anonymous.mp4` };
  return {
    blob: await picture(file, detector, job),
    name: `${base}-anonymous.${file.type === 'image/png' ? 'png' : 'jpg'}`,
  };
}

async function picture(file: File, detector: Detector, { effect, rotate }: AnonymizeJob): Promise<Blob> {
  const source = await imageSource(file);
  try {
    const faces = await detector.detect(source, { scoreThreshold: LOW_SCORE, rotate });
    const canvas = new OffscreenCanvas(source.width, source.height);
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    const bitmap = await source.bitmap(source.width, source.height);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    anonymizeCanvas(context, faces, { effect });
    return await canvas.convertToBlob({ type: file.type === 'image/png' ? 'image/png' : 'image/jpeg', quality: 0.92 });
  } finally {
    source.close?.();
  }
}

async function video(
  file: File,
  detector: Detector,
  { effect, rotate, onProgress, signal }: AnonymizeJob,
): Promise<Blob> {
  const opened = await openVideoFile(file);
  const format = new Mp4OutputFormat({ fastStart: 'in-memory' });
  const codec = await getFirstEncodableVideoCodec(format.getSupportedVideoCodecs(), {
    width: opened.width,
    height: opened.height,
  });
  if (!codec) {
    opened.close();
    throw new FaceDetError(
      'VIDEO_UNSUPPORTED',
      'This browser encodes no video: use the facedet command, or another browser.',
    );
  }
  const canvas = new OffscreenCanvas(opened.width, opened.height);
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false })!;
  const target = new BufferTarget();
  const output = new Output({ format, target });
  const picture = new CanvasSource(canvas, { codec, bitrate: QUALITY_HIGH });
  output.addVideoTrack(picture);
  const copySound = await soundOf(file, output);
  await output.start();
  const sound = copySound?.();
  // A failed copy is reported below; until then it must not be an unhandled rejection.
  sound?.catch(() => {});
  const tracked = createVideoDetector({ detector, lookAhead: 1, rotate, tracker: { highScoreThreshold: LOW_SCORE } });
  try {
    for await (const { frame, timestamp, faces, unassigned } of tracked.run(opened.frames({ signal }), { signal })) {
      context.drawImage(frame.image, 0, 0, canvas.width, canvas.height);
      // Faces without a track ID are masked too.
      anonymizeCanvas(context, [...faces, ...unassigned.filter((f) => f.score >= LOW_SCORE)], { effect });
      await picture.add(timestamp, 1 / 25);
      onProgress(
        opened.duration ? Math.min(timestamp / opened.duration, 1) : 0,
        `${timestamp.toFixed(1)} of ${opened.duration.toFixed(1)} s, ${tracked.statistics.avgFps.toFixed(1)} fps`,
      );
    }
    await sound;
    await output.finalize();
    return new Blob([target.buffer!], { type: 'video/mp4' });
  } catch (error) {
    await output.cancel();
    throw error;
  } finally {
    opened.close();
  }
}

/**
 * Prepares to copy the sound as it is, where the file has some that MP4 can hold; call the result once the output has
 * started.
 */
async function soundOf(file: File, output: Output): Promise<(() => Promise<void>) | null> {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  const track = await input.getPrimaryAudioTrack();
  const codec = track?.codec;
  const config = await track?.getDecoderConfig();
  if (!track || !codec || !config || !output.format.getSupportedAudioCodecs().includes(codec)) {
    input.dispose();
    return null;
  }
  const source = new EncodedAudioPacketSource(codec);
  output.addAudioTrack(source);
  return async () => {
    let first = true;
    for await (const packet of new EncodedPacketSink(track).packets()) {
      await source.add(packet, first ? { decoderConfig: config } : undefined);
      first = false;
    }
    source.close();
    input.dispose();
  };
}
