import { extname } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import type { VideoMetadata } from '../read/metadata.ts';

/** FFmpeg's names of the containers that are written. */
export type ContainerName = 'mp4' | 'mov' | 'matroska' | 'webm';

/** What a container does with streams beside the pictures. */
interface Container {
  /** Codecs of sound and subtitles that are copied as they are. */
  readonly holds: RegExp;
  /** What other sound becomes. */
  readonly sound: 'aac' | 'opus';
  /** What other text subtitles become. */
  readonly text: 'mov_text' | 'subrip' | 'webvtt';
}

// Only what players know is copied: FFmpeg would also write PCM or Vorbis into an MP4, which few of them play.
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

/** The containers by the extension of a file's name. */
export const EXTENSIONS: Readonly<Record<string, ContainerName>> = {
  '.mp4': 'mp4',
  '.m4v': 'mp4',
  '.mov': 'mov',
  '.mkv': 'matroska',
  '.webm': 'webm',
};

/** Codecs of subtitles that are text and can be written in another form. */
export const TEXT_SUBTITLES = /^(subrip|srt|text|ass|ssa|mov_text|webvtt)$/;

export function containerRules(name: string): Container {
  return CONTAINERS[name as ContainerName];
}

/** Codecs of pictures that a container holds; all that are written where it is not named. */
const PICTURES: Partial<Record<ContainerName, readonly string[]>> = { mov: ['h264', 'hevc'], webm: ['vp9', 'av1'] };

/** Throws `INVALID_ARGUMENT` for pictures of a codec that the container does not hold. */
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

/** What is written beside the pictures, and how these are encoded. */
export interface ContainerChoice {
  /** The codec of the pictures. Default: any that the container holds. */
  readonly codec?: string;
  /** Whether sound is written. Default true. */
  readonly audio?: boolean;
}

type Source = Pick<VideoMetadata, 'container' | 'audioStreams' | 'subtitleStreams' | 'source'>;

/** How many streams a container would leave out, convert with a loss, and convert. */
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
 * The file name extension, `mp4`, `mov` or `mkv`, of the container that keeps most of a source: the first in which
 * every sound and subtitle is copied as it is, else the one that leaves out and converts least. A source in QuickTime
 * or Matroska prefers its own.
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
 * The file name extension, with its dot, under which a film is written best: its own where that is written and leaves
 * out nothing, else that of `containerFor`. The same file always gets the same.
 */
export function extensionFor(metadata: Source, choice: ContainerChoice = {}): string {
  const own = extname(metadata.source);
  const container = EXTENSIONS[own.toLowerCase()];
  if (container && changesIn(container, metadata, choice).lost === 0) return own;
  return `.${containerFor(metadata, choice)}`;
}
