import { FaceDetError } from '@facedet/core';
import type { FilterContext, FilterGraph, Frame as NativeFrame } from 'node-av/lib';
import type { ColorTags, Fraction } from '../read/metadata.ts';
import { check } from './errors.ts';
import type { Ffmpeg } from './load.ts';

/** A chain of FFmpeg filters with one input and one output. */
export interface OpenGraph {
  readonly graph: FilterGraph;
  readonly source: FilterContext;
  readonly sink: FilterContext;
}

/** How a filter chain is opened. */
export interface GraphOptions {
  readonly timeBase: Fraction;
  /** Color tags of the input pictures: matrix and range must not change later. */
  readonly tags: Pick<ColorTags, 'space' | 'range'>;
  readonly threads: number;
  /** Start of the error message if FFmpeg rejects the chain. */
  readonly message: string;
}

/**
 * Opens a chain of filters for pictures like `frame`; the caller frees its graph. Throws `VIDEO_BROKEN`, or
 * `DEPENDENCY_BROKEN` if FFmpeg lacks the filters.
 */
export async function openGraph(
  ffmpeg: Ffmpeg,
  frame: NativeFrame,
  filters: readonly string[],
  { timeBase, tags, threads, message }: GraphOptions,
): Promise<OpenGraph> {
  const graph = new ffmpeg.FilterGraph();
  try {
    graph.alloc();
    graph.nbThreads = threads;
    const [buffer, buffersink] = [ffmpeg.Filter.getByName('buffer'), ffmpeg.Filter.getByName('buffersink')];
    const source = buffer && graph.allocFilter(buffer, 'in');
    const sink = buffersink && graph.createFilter(buffersink, 'out', null);
    if (!source || !sink)
      throw new FaceDetError(
        'DEPENDENCY_BROKEN',
        'Expected FFmpeg filters in the package node-av but found none; reinstall it.',
      );
    const parameters = {
      width: frame.width,
      height: frame.height,
      format: frame.format,
      timeBase,
      sampleAspectRatio: frame.sampleAspectRatio,
      colorSpace: tags.space as never,
      colorRange: tags.range as never,
    };
    check(ffmpeg, source.buffersrcParametersSet(parameters), 'VIDEO_BROKEN', message);
    check(ffmpeg, source.init(null), 'VIDEO_BROKEN', message);
    const outputs = ffmpeg.FilterInOut.createList([{ name: 'in', filterCtx: source, padIdx: 0 }]);
    const inputs = ffmpeg.FilterInOut.createList([{ name: 'out', filterCtx: sink, padIdx: 0 }]);
    check(ffmpeg, graph.parsePtr(filters.join(','), inputs, outputs), 'VIDEO_BROKEN', message);
    check(ffmpeg, await graph.config(), 'VIDEO_BROKEN', message);
    return { graph, source, sink };
  } catch (error) {
    graph.free();
    throw error;
  }
}
