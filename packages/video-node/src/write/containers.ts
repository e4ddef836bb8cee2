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
  matroska: { holds: /^(?!mov_text|eia_608|dvb_teletext|aac_latm|adpcm_ima_qt|unknown)/, sound: 'opus', text: 'subrip' },
};

/** Codecs of subtitles that are text and can be written in another form. */
export const TEXT_SUBTITLES = /^(subrip|srt|text|ass|ssa|mov_text|webvtt)$/;

export function containerRules(name: string): Container {
  return CONTAINERS[name as ContainerName];
}

/**
 * The file name extension, `mp4`, `mov` or `mkv`, of the container that keeps most of a source: the first in which
 * every sound and subtitle is copied as it is, else the one that leaves out and converts least. A source in QuickTime
 * or Matroska prefers its own.
 */
export function containerFor(metadata: Pick<VideoMetadata, 'container' | 'audioStreams' | 'subtitleStreams' | 'source'>): 'mp4' | 'mov' | 'mkv' {
  const names = { mp4: 'mp4', mov: 'mov', mkv: 'matroska' } as const;
  const cost = (extension: keyof typeof names): number => {
    const { holds } = CONTAINERS[names[extension]];
    const sound = metadata.audioStreams.filter(({ codec }) => !holds.test(codec)).length;
    const texts = metadata.subtitleStreams.filter(({ codec }) => !holds.test(codec));
    const lost = texts.filter(({ codec }) => !TEXT_SUBTITLES.test(codec)).length;
    return 100 * lost + 10 * sound + (texts.length - lost);
  };
  const order: (keyof typeof names)[] = /\.(mov|qt)$/i.test(metadata.source)
    ? ['mov', 'mp4', 'mkv']
    : metadata.container.includes('matroska') && /\.mkv$/i.test(metadata.source)
      ? ['mkv', 'mp4', 'mov']
      : ['mp4', 'mov', 'mkv'];
  return order.reduce((best, next) => (cost(next) < cost(best) ? next : best));
}
