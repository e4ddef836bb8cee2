import { extname } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import type { VideoMetadata } from '../read/metadata.ts';

/** FFmpeg's names of the supported output containers. */
export type ContainerName = 'mp4' | 'mov' | 'matroska' | 'webm';

/** How a container treats streams other than video. */
interface Container {
  /** Audio and subtitle codecs that are copied unchanged. */
  readonly holds: RegExp;
  /** The codec that other audio is converted to. */
  readonly sound: 'aac' | 'opus';
  /** The codec that other text subtitles are converted to. */
  readonly text: 'mov_text' | 'subrip' | 'webvtt';
}

// Only codecs that players support: FFmpeg would also write PCM or Vorbis into an MP4, which few players can play.
const CONTAINERS: Record<ContainerName, Container> = {
  mp4: {
    holds: /^(aac|mp3|mp2|ac3|eac3|opus|flac|alac|dts|truehd|mov_text|dvd_subtitle)$/,
    sound: 'aac',
    text: 'mov_text',
  },
  mov: {
    holds: /^(aac|mp3|mp2|ac3|eac3|alac|mov_text|eia_608|amr_nb|amr_wb|adpcm_ima_qt|pcm_(?!.*planar|bluray|dvd).*)$/,
    sound: 'aac',
    text: 'mov_text',
  },
  webm: { holds: /^(opus|vorbis|webvtt)$/, sound: 'opus', text: 'webvtt' },
  matroska: {
    holds: /^(?!mov_text|eia_608|dvb_teletext|aac_latm|adpcm_ima_qt|unknown)/,
    sound: 'opus',
    text: 'subrip',
  },
};

/** Containers by file name extension. */
export const EXTENSIONS: Readonly<Record<string, ContainerName>> = {
  '.mp4': 'mp4',
  '.m4v': 'mp4',
  '.mov': 'mov',
  '.mkv': 'matroska',
  '.webm': 'webm',
};

/** Text subtitle codecs, which can be converted into each other. */
export const TEXT_SUBTITLES = /^(subrip|srt|text|ass|ssa|mov_text|webvtt)$/;

export function containerRules(name: string): Container {
  return CONTAINERS[name as ContainerName];
}

/** Video codecs that a container supports; a container that is not listed supports all of ours. */
const PICTURES: Partial<Record<ContainerName, readonly string[]>> = { mov: ['h264', 'hevc'], webm: ['vp9', 'av1'] };

/** Throws `INVALID_ARGUMENT` if the container does not support a video codec. */
export function requirePictures(path: string, container: string, codec: string): void {
  const held = PICTURES[container as ContainerName];
  if (!held || held.includes(codec)) return;
  const name = container === 'mov' ? 'a QuickTime file' : 'a WebM';
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `${printable(path, 200)}: Expected ${held.join(' or ')} in ${name} but received ${codec}; name the file ` +
      '.mp4 or .mkv.',
  );
}

/** What the output has to hold. */
export interface ContainerChoice {
  /** The video codec. Default: any that the container supports. */
  readonly codec?: string;
  /** Whether audio is written. Default true. */
  readonly audio?: boolean;
}

type Source = Pick<VideoMetadata, 'container' | 'audioStreams' | 'subtitleStreams' | 'source'>;

/** How many streams a container would leave out, and how many audio and text streams it would convert. */
function changesIn(
  name: ContainerName,
  { audioStreams, subtitleStreams }: Source,
  { codec, audio = true }: ContainerChoice,
): { lost: number; sound: number; texts: number } {
  const { holds } = CONTAINERS[name];
  const others = subtitleStreams.filter((stream) => !holds.test(stream.codec));
  const lost = others.filter((stream) => !TEXT_SUBTITLES.test(stream.codec)).length;
  const cannot = codec !== undefined && PICTURES[name] !== undefined && !PICTURES[name].includes(codec);
  return {
    lost: cannot ? Infinity : lost,
    sound: audio ? audioStreams.filter((stream) => !holds.test(stream.codec)).length : 0,
    texts: others.length - lost,
  };
}

/**
 * The file name extension (`mp4`, `mov` or `mkv`) of the container that keeps most of a source: the first one that
 * takes every audio and subtitle stream unchanged, otherwise the one that leaves out and converts the fewest. For a
 * QuickTime or Matroska source, its own container is tried first.
 */
export function containerFor(metadata: Source, choice: ContainerChoice = {}): 'mp4' | 'mov' | 'mkv' {
  const names = { mp4: 'mp4', mov: 'mov', mkv: 'matroska' } as const;
  const cost = (extension: keyof typeof names): number => {
    const { lost, sound, texts } = changesIn(names[extension], metadata, choice);
    return 100 * lost + 10 * sound + texts;
  };
  const order: (keyof typeof names)[] = /\.(mov|qt)$/i.test(metadata.source)
    ? ['mov', 'mp4', 'mkv']
    : metadata.container.includes('matroska') && /\.mkv$/i.test(metadata.source)
      ? ['mkv', 'mp4', 'mov']
      : ['mp4', 'mov', 'mkv'];
  return order.reduce((best, next) => (cost(next) < cost(best) ? next : best));
}

/**
 * The best file name extension for a video's output, with its dot: the source's own if that container is supported and
 * leaves out nothing, otherwise that of `containerFor`. The same file always gets the same extension.
 */
export function extensionFor(metadata: Source, choice: ContainerChoice = {}): string {
  const own = extname(metadata.source);
  const container = EXTENSIONS[own.toLowerCase()];
  if (container && changesIn(container, metadata, choice).lost === 0) return own;
  return `.${containerFor(metadata, choice)}`;
}

/** Whether a muxer writes ISO base media: MP4 or QuickTime. */
export function isIsoContainer(container: string): boolean {
  return container === 'mp4' || container === 'mov';
}
