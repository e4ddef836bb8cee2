import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createScene } from '@facedet/eval/synthetic';
import { encodeImage } from '@facedet/runtime-node';
import { writeMedia, type MediaOptions } from '@facedet/video-node/testing';

/** A whole media file that is damaged afterwards. */
export interface Clip {
  readonly name: string;
  readonly extension: string;
  readonly isPicture: boolean;
  readonly bytes: Buffer;
}

const FRAGMENTED = { movflags: 'frag_keyframe+empty_moov+default_base_moof' };
const FILMS: Readonly<Record<string, MediaOptions>> = {
  'h264-aac.mp4': { video: { encoder: 'libx264' }, sound: 'aac', subtitles: 'mov_text' },
  'h264-fragments.mp4': { video: { encoder: 'libx264' }, sound: 'aac', muxerOptions: FRAGMENTED },
  'hevc-opus.mp4': { video: { encoder: 'libx265' }, sound: 'libopus' },
  'hevc-ten-bits.mov': { video: { encoder: 'libx265', pixelFormat: 'yuv420p10le' }, sound: 'pcm_s16le' },
  'av1.mp4': { video: { encoder: 'libsvtav1' } },
  'mpeg4-mp3.mp4': { video: { encoder: 'mpeg4' }, sound: 'libmp3lame' },
  'prores-pcm.mov': { video: { encoder: 'prores', pixelFormat: 'yuv422p10le', frames: 10 }, sound: 'pcm_s16le' },
  'mjpeg-adpcm.mov': { video: { encoder: 'mjpeg', pixelFormat: 'yuvj420p' }, sound: 'adpcm_ima_wav' },
  'h264-ac3-subrip.mkv': { video: { encoder: 'libx264' }, sound: 'ac3', subtitles: 'subrip' },
  'vp9-flac-ass.mkv': { video: { encoder: 'libvpx-vp9' }, sound: 'flac', subtitles: 'ass' },
  'hevc-truehd.mkv': { video: { encoder: 'libx265' }, sound: 'truehd' },
  'ffv1.mkv': { video: { encoder: 'ffv1', frames: 10 } },
  'vp8-vorbis.webm': { video: { encoder: 'libvpx' }, sound: 'libvorbis', subtitles: 'webvtt' },
  'vp9-opus.webm': { video: { encoder: 'libvpx-vp9' }, sound: 'libopus' },
  'h264-aac.ts': { video: { encoder: 'libx264' }, sound: 'aac' },
  'mpeg2-mp2.ts': { video: { encoder: 'mpeg2video' }, sound: 'mp2' },
  'hevc-ac3.ts': { video: { encoder: 'libx265' }, sound: 'ac3' },
  'mpeg4-mp3.avi': { video: { encoder: 'mpeg4' }, sound: 'libmp3lame' },
  'mjpeg-pcm.avi': { video: { encoder: 'mjpeg', pixelFormat: 'yuvj420p' }, sound: 'pcm_s16le' },
  'h264-aac.flv': { video: { encoder: 'libx264' }, sound: 'aac' },
  'flv1-mp3.flv': { video: { encoder: 'flv' }, sound: 'libmp3lame' },
  'theora-vorbis.ogv': { video: { encoder: 'libtheora' }, sound: 'libvorbis' },
  'mpeg2-mp2.mpg': { video: { encoder: 'mpeg2video' }, sound: 'mp2' },
  'wmv2-mp3.wmv': { video: { encoder: 'wmv2' }, sound: 'libmp3lame' },
  'h263-aac.3gp': { video: { encoder: 'h263', size: [176, 144] }, sound: 'aac' },
  'animated.gif': { video: { encoder: 'gif', pixelFormat: 'rgb8', frames: 8 } },
  'animated.apng': { video: { encoder: 'apng', pixelFormat: 'rgb24', frames: 6 } },
  'ffv1.nut': { video: { encoder: 'ffv1', frames: 10 } },
};

/** Small films of mixed containers and codecs, made in `folder`. */
export async function filmClips(folder: string): Promise<Clip[]> {
  const clips: Clip[] = [];
  for (const [name, options] of Object.entries(FILMS)) {
    const bytes = readFileSync(await writeMedia(join(folder, name), options));
    clips.push({ name, extension: name.slice(name.lastIndexOf('.') + 1), isPicture: false, bytes });
  }
  return clips;
}

/** Small pictures; `further` are pictures that the caller has made. */
export async function pictureClips(further: Readonly<Record<string, Buffer>>): Promise<Clip[]> {
  const { image } = createScene({ seed: 2, width: 160, height: 120, frames: 1, faces: 1, events: [] }).frame(0);
  const made: Record<string, Buffer> = { ...further };
  for (const format of ['jpeg', 'png', 'webp', 'avif', 'tiff'] as const) {
    made[`picture.${format}`] = Buffer.from(await encodeImage(image, { format }));
  }
  return Object.entries(made).map(([name, bytes]) => ({
    name,
    extension: name.slice(name.lastIndexOf('.') + 1),
    isPicture: true,
    bytes,
  }));
}
