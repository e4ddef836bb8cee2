import type { Frame as NativeFrame } from 'node-av/lib';
import type { Decoded } from './decoder.ts';
import { colorTagsOf, neutralTags, setColorTags } from '../ffmpeg/colors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { openGraph, type OpenGraph } from '../ffmpeg/filter-graph.ts';
import { check, failure } from '../ffmpeg/errors.ts';
import type { ColorTags, Fraction } from './metadata.ts';
import { orientationFilters, orientationOf, turnsSideways, type Orientation } from '../ffmpeg/orientation.ts';

/** What pictures are brought to. */
export interface FilterOptions {
  readonly name: string;
  readonly timeBase: Fraction;
  /** The turn the container asks for; a picture's own (EXIF) comes before it. */
  readonly orientation: Orientation;
  /** Whether pictures that say they are interlaced are deinterlaced. */
  readonly deinterlace: boolean;
  /** The size that every picture is fitted into; filled in by the first one. */
  readonly size: { width: number; height: number };
}

/** A picture ready for use: upright, progressive, and as large as the first one. */
export type Upright = Decoded;

interface Graph extends OpenGraph {
  readonly key: string;
  /** Tags of the pictures that go in; they come out with the same ones. */
  readonly tags: ColorTags;
}

/**
 * Turns pictures upright, deinterlaces those that need it, and fits what changes its size in the middle into the first
 * picture's size (scaled, the rest black), by FFmpeg's filters. A picture that needs nothing passes by untouched.
 * Throws `VIDEO_BROKEN`.
 */
export async function* filterFrames(
  ffmpeg: Ffmpeg,
  pictures: AsyncIterable<Decoded>,
  options: FilterOptions,
): AsyncGenerator<Upright, void> {
  const { constants, Frame } = ffmpeg;
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
        ...(width !== size.width || height !== size.height
          ? [
              `scale=${size.width}:${size.height}:force_original_aspect_ratio=decrease:flags=bilinear`,
              `pad=${size.width}:${size.height}:-1:-1`,
              'setsar=1',
            ]
          : []),
      ];
      const key =
        filters.length > 0
          ? [frame.width, frame.height, frame.format, ...Object.values(colorTagsOf(frame)), ...filters].join()
          : '';
      if (current && current.key !== key) {
        await push(current, null);
        yield* drain(current);
        current.graph.free();
        current = undefined;
      }
      if (filters.length === 0) {
        // Woven pictures that are wanted as they are would be scaled field by field.
        frame.clearFlags(constants.AV_FRAME_FLAG_INTERLACED);
        yield { frame, seconds, duration };
        continue;
      }
      try {
        current ??= await build(key, frame, filters);
        await push(current, frame);
      } finally {
        frame.free();
      }
      yield* drain(current);
    }
    if (current) {
      await push(current, null);
      yield* drain(current);
    }
  } finally {
    current?.graph.free();
  }

  async function push({ source }: Graph, frame: NativeFrame | null): Promise<void> {
    // Filters that scale or convert would change samples, or refuse the picture, by its primaries and transfer.
    if (frame) setColorTags(frame, neutralTags(ffmpeg, colorTagsOf(frame)));
    check(
      ffmpeg,
      await source.buffersrcAddFrame(frame),
      'VIDEO_BROKEN',
      `${options.name}: a picture can't be turned or deinterlaced`,
    );
  }

  async function* drain({ sink, tags }: Graph): AsyncGenerator<Upright, void> {
    for (;;) {
      const frame = new Frame();
      frame.alloc();
      const result = await sink.buffersinkGetFrame(frame);
      if (result < 0) {
        frame.free();
        if (result === constants.AVERROR_EAGAIN || result === constants.AVERROR_EOF) return;
        throw failure(ffmpeg, result, 'VIDEO_BROKEN', `${options.name}: a picture can't be turned or deinterlaced`);
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

  async function build(key: string, frame: NativeFrame, filters: string[]): Promise<Graph> {
    const tags = neutralTags(ffmpeg, colorTagsOf(frame));
    const message = `${options.name}: FFmpeg can't turn or deinterlace its pictures`;
    const { timeBase } = options;
    return {
      key,
      tags: colorTagsOf(frame),
      ...(await openGraph(ffmpeg, frame, filters, { timeBase, tags, threads: 1, message })),
    };
  }
}

/**
 * A picture's own orientation (EXIF, or handed down from the container), taken off it so that nobody turns it again.
 */
function takeOrientation({ constants }: Ffmpeg, frame: NativeFrame): Orientation | undefined {
  const matrix = frame.getSideData(constants.AV_FRAME_DATA_DISPLAYMATRIX);
  if (!matrix) return undefined;
  const orientation = orientationOf(matrix);
  frame.removeSideData(constants.AV_FRAME_DATA_DISPLAYMATRIX);
  return orientation;
}
