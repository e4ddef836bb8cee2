import type { Frame as NativeFrame } from 'node-av/lib';
import type { Decoded } from './decoder.ts';
import { colorTagsOf, neutralTags, setColorTags } from '../ffmpeg/colors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { openGraph, type OpenGraph } from '../ffmpeg/filter-graph.ts';
import { check, failure } from '../ffmpeg/errors.ts';
import type { ColorTags, Fraction } from './metadata.ts';
import { orientationFilters, orientationOf, turnsSideways, type Orientation } from '../ffmpeg/orientation.ts';

/** How pictures are normalized. */
export interface FilterOptions {
  readonly name: string;
  readonly timeBase: Fraction;
  /** The container's orientation; a picture's own (EXIF) takes precedence. */
  readonly orientation: Orientation;
  /** Whether pictures marked as interlaced are deinterlaced. */
  readonly deinterlace: boolean;
  /** The size that every picture is fitted into; set by the first one. */
  readonly size: { width: number; height: number };
}

/** A picture ready for use: upright, progressive and in the size of the first one. */
export type Upright = Decoded;

interface Graph extends OpenGraph {
  readonly key: string;
  /** Name of the source, for errors. */
  readonly name: string;
  /** Color tags of the input pictures, which the output pictures get too. */
  readonly tags: ColorTags;
}

/**
 * Rotates pictures upright, deinterlaces those that need it, and fits pictures of another size into the first one's
 * (scaled, with black bars), with FFmpeg's filters. Pictures that need none of this pass through unchanged. Throws
 * `VIDEO_BROKEN`.
 */
export async function* filterFrames(
  ffmpeg: Ffmpeg,
  pictures: AsyncIterable<Decoded>,
  options: FilterOptions,
): AsyncGenerator<Upright, void> {
  const { constants } = ffmpeg;
  const { size } = options;
  let interlaced = false;
  let current: Graph | undefined;
  try {
    for await (const { frame, seconds, duration } of pictures) {
      const orientation = takeOrientation(ffmpeg, frame) ?? options.orientation;
      const [width, height] = turnsSideways(orientation) ? [frame.height, frame.width] : [frame.width, frame.height];
      if (size.width === 0) Object.assign(size, { width, height });
      interlaced ||= options.deinterlace && frame.hasFlags(constants.AV_FRAME_FLAG_INTERLACED);
      const filters = [
        ...(interlaced ? ['bwdif=mode=send_frame:parity=auto:deint=interlaced'] : []),
        ...orientationFilters(orientation),
        ...(width !== size.width || height !== size.height ? paddingFilters(size) : []),
      ];
      const key = filters.length > 0 ? keyOf(frame, filters) : '';
      if (current && current.key !== key) {
        await push(ffmpeg, current, null);
        yield* drain(ffmpeg, current);
        current.graph.free();
        current = undefined;
      }
      if (filters.length === 0) {
        // With the flag, pictures that stay interlaced would be scaled field by field.
        frame.clearFlags(constants.AV_FRAME_FLAG_INTERLACED);
        yield { frame, seconds, duration };
        continue;
      }
      try {
        current ??= await build(ffmpeg, options, frame, filters);
        await push(ffmpeg, current, frame);
      } finally {
        frame.free();
      }
      yield* drain(ffmpeg, current);
    }
    if (current) {
      await push(ffmpeg, current, null);
      yield* drain(ffmpeg, current);
    }
  } finally {
    current?.graph.free();
  }
}

/** Scales a picture into a size, and pads it. */
function paddingFilters({ width, height }: { width: number; height: number }): string[] {
  return [
    `scale=${width}:${height}:force_original_aspect_ratio=decrease:flags=bilinear`,
    `pad=${width}:${height}:-1:-1`,
    'setsar=1',
  ];
}

/** Pictures with the same key go through the same graph. */
function keyOf(frame: NativeFrame, filters: readonly string[]): string {
  return [frame.width, frame.height, frame.format, ...Object.values(colorTagsOf(frame)), ...filters].join();
}

/** Sends a picture into a graph; null at the end. */
async function push(ffmpeg: Ffmpeg, { source, name }: Graph, frame: NativeFrame | null): Promise<void> {
  // With primaries and transfer set, filters that scale or convert would change the samples or reject the picture.
  if (frame) setColorTags(frame, neutralTags(ffmpeg, colorTagsOf(frame)));
  check(ffmpeg, await source.buffersrcAddFrame(frame), 'VIDEO_BROKEN', failureText(name));
}

/** Takes the pictures that a graph has ready. */
async function* drain(ffmpeg: Ffmpeg, { sink, tags, name }: Graph): AsyncGenerator<Upright, void> {
  const { constants, Frame } = ffmpeg;
  for (;;) {
    const frame = new Frame();
    frame.alloc();
    const result = await sink.buffersinkGetFrame(frame);
    if (result < 0) {
      frame.free();
      if (result === constants.AVERROR_EAGAIN || result === constants.AVERROR_EOF) return;
      throw failure(ffmpeg, result, 'VIDEO_BROKEN', failureText(name));
    }
    const { num, den } = sink.buffersinkGetTimeBase();
    frame.clearFlags(constants.AV_FRAME_FLAG_INTERLACED);
    setColorTags(frame, tags);
    const known = frame.pts !== constants.AV_NOPTS_VALUE;
    yield {
      frame,
      seconds: known ? (Number(frame.pts) * num) / den : null,
      duration: (Number(frame.duration) * num) / den,
    };
  }
}

async function build(
  ffmpeg: Ffmpeg,
  { name, timeBase }: FilterOptions,
  frame: NativeFrame,
  filters: string[],
): Promise<Graph> {
  const tags = neutralTags(ffmpeg, colorTagsOf(frame));
  const message = `Expected pictures that FFmpeg can rotate or deinterlace but it rejects those of ${name}`;
  return {
    key: keyOf(frame, filters),
    name,
    tags: colorTagsOf(frame),
    ...(await openGraph(ffmpeg, frame, filters, { timeBase, tags, threads: 1, message })),
  };
}

function failureText(name: string): string {
  return `Expected pictures that FFmpeg can rotate or deinterlace but it fails on one of ${name}`;
}

/** A picture's own orientation (EXIF, or passed on from the container), removed so that it is not applied twice. */
function takeOrientation({ constants }: Ffmpeg, frame: NativeFrame): Orientation | undefined {
  const matrix = frame.getSideData(constants.AV_FRAME_DATA_DISPLAYMATRIX);
  if (!matrix) return undefined;
  const orientation = orientationOf(matrix);
  frame.removeSideData(constants.AV_FRAME_DATA_DISPLAYMATRIX);
  return orientation;
}
