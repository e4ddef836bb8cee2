import type { VideoMetadata } from '../read/metadata.ts';

/** A part of the source that is not in the output. */
export interface LeftOut {
  readonly kind:
    'audio' | 'subtitles' | 'video' | 'cover' | 'attachment' | 'data' | 'timecode' | 'chapters' | 'alpha' | 'hdr';
  /** FFmpeg's name of the codec; for `hdr`, the kind of metadata: `mastering display`, `HDR10+`, … */
  readonly codec: string;
  /** The reason, as part of a sentence: `WebM has no bitmap subtitles`. */
  readonly reason: string;
}

/** The reason for transparency that is left out. */
export const OPAQUE = 'pictures are written without transparency, so content under transparent parts is visible';

/** Lists the streams other than video of a source that can't be opened a second time. */
export function unreadableStreams(
  { audioStreams, subtitleStreams, otherStreams = [], live }: VideoMetadata,
  { audio = true, subtitles = true }: { audio?: boolean; subtitles?: boolean },
): LeftOut[] {
  const reason = live
    ? 'only the pictures of a live source are written'
    : 'a pipe can only be read once, for its pictures; pass a file to keep it';
  return [
    ...(audio ? audioStreams.map(({ codec }) => ({ kind: 'audio' as const, codec, reason })) : []),
    ...(subtitles ? subtitleStreams.map(({ codec }) => ({ kind: 'subtitles' as const, codec, reason })) : []),
    ...otherStreams.map(({ kind, codec }) => ({ kind, codec, reason: kind === 'alpha' ? OPAQUE : reason })),
  ];
}
