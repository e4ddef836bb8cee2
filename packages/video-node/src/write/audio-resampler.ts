import { FaceDetError } from '@facedet/core';
import type { FilterContext, FilterGraph, Frame } from 'node-av/lib';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { MICROSECONDS, type AudioCodecs } from './audio-codecs.ts';

/** Filters that convert decoded audio to the encoder's sample format, rate, layout and frame size. */
export interface AudioResampler {
  /** The format of the audio that it accepts. */
  readonly key: string;
  readonly graph: FilterGraph;
  readonly source: FilterContext;
  readonly sink: FilterContext;
}

/** The format of decoded audio, which decides its resampler. */
export function formatKeyOf(frame: Frame): string {
  return [frame.format, frame.sampleRate, frame.channelLayout.nbChannels, frame.channelLayout.mask].join();
}

/** Opens a resampler for audio in the format of `frame`. */
export async function openAudioResampler(
  ffmpeg: Ffmpeg,
  frame: Frame,
  { encoder, refused }: AudioCodecs,
): Promise<AudioResampler> {
  const { format, sampleRate: inRate } = frame;
  const inLayout = frame.channelLayout.mask
    ? frame.channelLayout
    : ffmpeg.avChannelLayoutDefault(frame.channels || frame.channelLayout.nbChannels);
  const graph = new ffmpeg.FilterGraph();
  graph.alloc();
  graph.nbThreads = 1;
  const [buffer, buffersink] = [ffmpeg.Filter.getByName('abuffer')!, ffmpeg.Filter.getByName('abuffersink')!];
  const args =
    `time_base=1/${MICROSECONDS}:sample_rate=${inRate}:sample_fmt=${ffmpeg.avGetSampleFmtName(format as never)}:` +
    `channel_layout=${ffmpeg.avChannelLayoutDescribe(inLayout)}`;
  const [source, sink] = [graph.createFilter(buffer, 'in', args), graph.createFilter(buffersink, 'out', null)];
  if (!source || !sink) {
    graph.free();
    throw new FaceDetError(
      'AUDIO_UNSUPPORTED',
      `${refused}: Expected audio that FFmpeg can resample but received ${args}; choose another container.`,
    );
  }
  const outputs = ffmpeg.FilterInOut.createList([{ name: 'in', filterCtx: source, padIdx: 0 }]);
  const inputs = ffmpeg.FilterInOut.createList([{ name: 'out', filterCtx: sink, padIdx: 0 }]);
  const { sampleRate: rate, sampleFormat, channelLayout } = encoder;
  const filters =
    `aresample=${rate},aformat=sample_fmts=${ffmpeg.avGetSampleFmtName(sampleFormat)}:sample_rates=${rate}:` +
    `channel_layouts=${ffmpeg.avChannelLayoutDescribe(channelLayout)},asetnsamples=n=${encoder.frameSize || 1024}:p=0`;
  check(ffmpeg, graph.parsePtr(filters, inputs, outputs), 'AUDIO_UNSUPPORTED', refused);
  check(ffmpeg, await graph.config(), 'AUDIO_UNSUPPORTED', refused);
  return { key: formatKeyOf(frame), graph, source, sink };
}
