import type { VideoSummary } from '@facedet/video-node';
import { counted } from '../shared/counts.ts';

const NAMES: Record<VideoSummary['leftOut'][number]['kind'], string> = {
  audio: 'sound',
  subtitles: 'subtitles',
  video: 'a further video track',
  cover: 'the cover picture',
  attachment: 'an attached file',
  data: 'a data track',
  timecode: 'the timecode',
  chapters: 'the chapters',
  alpha: 'transparency',
  hdr: 'HDR metadata',
};

/** One line for each thing of the source that is not in a film as it was. */
export function streamLines(
  output: string,
  { leftOut, sideStreams }: Pick<VideoSummary, 'leftOut' | 'sideStreams'>,
): string[] {
  const line = (text: string) => `facedet: ${output}: ${text}`;
  return [
    ...leftOut.map(({ kind, codec, reason }) =>
      line(
        `${NAMES[kind]}${codec === 'none' ? '' : ` (${codec})`} ` +
          `${kind === 'subtitles' || kind === 'chapters' ? 'are' : 'is'} left out: ${reason}`,
      ),
    ),
    ...sideStreams
      .filter(({ from, to }) => from !== to)
      .map(({ kind, from, to }) => line(`${NAMES[kind]} converted from ${from} to ${to}`)),
    ...sideStreams
      .filter(({ repaired, dropped }) => repaired + dropped > 0)
      .map(({ kind, packets, repaired, dropped }) =>
        line(
          `${NAMES[kind]}: of ${packets + dropped} packets ${repaired} had bad times that were repaired, ` +
            `${dropped} were dropped`,
        ),
      ),
  ];
}

/** One line where frames of the source are damaged. */
export function damageLines(
  source: string,
  { damagedFrames, firstDamage = 0, totalFrames }: Pick<VideoSummary, 'damagedFrames' | 'firstDamage' | 'totalFrames'>,
): string[] {
  if (!damagedFrames) return [];
  const are = damagedFrames === 1 ? 'is' : 'are';
  return [
    `facedet: ${source}: ${damagedFrames} of ${counted(totalFrames, 'frame')} ${are} damaged in the source, ` +
      `the first at ${firstDamage.toFixed(2)} s; the decoder filled in what is missing, faces there may not be found`,
  ];
}

/** One line where look-ahead was shorter than asked for. */
export function earlyLines(source: string, { earlyResults }: Pick<VideoSummary, 'earlyResults'>): string[] {
  if (!earlyResults) return [];
  const frames = `${earlyResults} ${earlyResults === 1 ? 'frame' : 'frames'}`;
  return [
    `facedet: ${source}: look-ahead was shorter than asked for in ${frames}: the source can't be read again, ` +
      'and its frames fill the memory kept for them; save it as a file, or give a smaller --look-ahead',
  ];
}
