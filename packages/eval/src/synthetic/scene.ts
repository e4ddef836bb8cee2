import { checkOptionNames, received } from '@facedet/checks';
import type { Box, PixelBuffer } from '@facedet/core';
import { type Appearance, createAppearance } from './appearance.ts';
import { paintBackground } from './background.ts';
import { check, checkPictureOptions } from './check-options.ts';
import { degradePicture } from './degradation.ts';
import {
  DEGRADATIONS,
  type DegradedInterval,
  degradationAt,
  degradedIntervals,
  sceneEventKinds,
  eventsOf,
  type SceneEvent,
  type SceneEventKind,
} from './events.ts';
import { groundTruthOf, type SceneFace } from './ground-truth.ts';
import { createHead, type Head } from './head.ts';
import { createMotion, type Motion } from './motion.ts';
import { paintBody } from './paint-body.ts';
import { paintHead } from './paint-head.ts';
import { randomAt } from './random.ts';
import { createRaster, type Raster } from './raster.ts';

/** A frame with its ground truth. */
export interface SceneFrame {
  readonly index: number;
  /** Seconds from the start. */
  readonly timestamp: number;
  /** RGB pixels, owned by the caller. */
  readonly image: PixelBuffer;
  readonly truth: SceneFace[];
}

/** Options of `createScene`. */
export interface SceneOptions {
  /** An integer; the same seed and options give the same bytes on every machine. Default 1. */
  readonly seed?: number;
  /** Pixels, at least 64; default 640. */
  readonly width?: number;
  /** Pixels, at least 64; default 360. Higher enlarges the faces too. */
  readonly height?: number;
  /** Frames per second; default 25. Higher moves people less from frame to frame. */
  readonly fps?: number;
  /** Seconds; default 10. */
  readonly duration?: number;
  /** Number of frames, instead of `duration`. */
  readonly frames?: number;
  /** People, from 1 to 40; default 4. Higher makes them smaller where the picture is not wide enough. */
  readonly faces?: number;
  /** What may happen; default all kinds. With an empty list people keep their places, in an undegraded picture. */
  readonly events?: readonly (SceneEventKind | OldEventKind)[];
}

/** @deprecated The name of `occluder` in earlier versions. */
type OldEventKind = 'pillar';

/** A synthetic video with ground truth. Frames can be requested in any order. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly fps: number;
  /** Number of frames. */
  readonly length: number;
  /** Seconds. */
  readonly duration: number;
  /** Events by ascending `from`. */
  readonly events: readonly SceneEvent[];
  /** Renders a frame; throws `INVALID_ARGUMENT` for an index that is not an integer from 0 to `length` − 1. */
  frame(index: number): SceneFrame;
  /** The ground truth without rendering. Faces that are completely outside the picture are missing. */
  truth(index: number): SceneFace[];
}

/**
 * Creates a synthetic video of people who move, cross and occlude each other, leave and return, and come nearer, in a
 * picture that at times becomes blurred, dark, noisy and compressed.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for unknown options and options out of range.
 */
export function createScene(options: SceneOptions = {}): Scene {
  return new SyntheticScene(checkOptions(options));
}

type CheckedOptions = Required<Omit<SceneOptions, 'duration' | 'frames' | 'events'>> & {
  readonly length: number;
  readonly events: readonly SceneEventKind[];
};

function checkOptions(options: SceneOptions): CheckedOptions {
  checkOptionNames(options, ['seed', 'width', 'height', 'fps', 'duration', 'frames', 'faces', 'events']);
  const { seed = 1, width = 640, height = 360, fps = 25, faces = 4, events = sceneEventKinds } = options;
  const length = options.frames ?? Math.round((options.duration ?? 10) * fps);
  checkPictureOptions({ seed, width, height, faces }, 64, 40);
  check(fps > 0 && fps <= 1000, `fps above 0 and up to 1000 but received ${received(fps)}`);
  const given =
    options.frames === undefined ? `duration ${received(options.duration)}` : `frames ${received(options.frames)}`;
  check(Number.isInteger(length) && length >= 1, `at least one frame but received ${given}`);
  const names = sceneEventKinds.join(', ');
  check(Array.isArray(events), `events as a list of ${names} but received ${received(events)}`);
  const kinds = events.map((kind) => (kind === 'pillar' ? 'occluder' : kind));
  for (const kind of kinds) check(sceneEventKinds.includes(kind), `events of ${names} but received ${received(kind)}`);
  return { seed, width, height, fps, length, faces, events: kinds };
}

class SyntheticScene implements Scene {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly length: number;
  readonly duration: number;
  readonly events: readonly SceneEvent[];
  readonly #seed: number;
  readonly #motion: Motion;
  readonly #people: readonly Appearance[];
  readonly #intervals: readonly DegradedInterval[];
  /** A vertical post in front of all people. */
  readonly #occluder: Box | undefined;
  /** Painted for the first frame: ground truth does not need it. */
  #background: Raster | undefined;

  constructor({ seed, width, height, fps, length, faces, events }: CheckedOptions) {
    this.width = width;
    this.height = height;
    this.fps = fps;
    this.length = length;
    this.duration = length / fps;
    this.#seed = seed;
    const has = (kind: SceneEventKind): boolean => events.includes(kind);
    this.#motion = createMotion({
      seed,
      width,
      height,
      duration: this.duration,
      faces,
      crossing: has('crossing'),
      absence: has('absence'),
      scale: has('scale'),
    });
    this.#people = Array.from({ length: faces }, (_, i) =>
      createAppearance(Math.floor(randomAt(seed, 40, i) * 2 ** 31)),
    );
    this.#intervals = DEGRADATIONS.filter(has).flatMap((kind, i) => degradedIntervals(kind, seed + i, this.duration));
    this.#occluder = has('occluder') ? occluderOf(seed, width, height) : undefined;
    const hasOccluder = this.#occluder !== undefined;
    this.events = eventsOf(this.#motion, this.#intervals, { hasOccluder, duration: this.duration });
  }

  truth(index: number): SceneFace[] {
    this.#checkIndex(index);
    return this.#truthOf(this.#headsAt(index));
  }

  frame(index: number): SceneFrame {
    this.#checkIndex(index);
    const { width, height } = this;
    const timestamp = index / this.fps;
    const people = this.#headsAt(index);
    const raster = createRaster(width, height);
    this.#background ??= paintBackground(width, height, this.#seed, 1);
    raster.data.set(this.#background.data);
    for (const { head } of people) {
      paintBody(raster, head);
      paintHead(raster, head);
    }
    if (this.#occluder) paintOccluder(raster, this.#occluder);
    degradePicture(raster, degradationAt(this.#intervals, timestamp, height), this.#seed * 7919 + index);
    return {
      index,
      timestamp,
      image: { data: raster.data, width, height, format: 'rgb' },
      truth: this.#truthOf(people),
    };
  }

  /** All people at a frame, the farthest first. */
  #headsAt(index: number): { id: number; head: Head }[] {
    return this.#people
      .map((appearance, i) => ({ id: i + 1, head: createHead(appearance, this.#motion.pose(i, index / this.fps)) }))
      .sort((a, b) => a.head.pose.halfWidth - b.head.pose.halfWidth || a.id - b.id);
  }

  #truthOf(people: readonly { id: number; head: Head }[]): SceneFace[] {
    const { width, height } = this;
    return groundTruthOf(people, { width, height, occluder: this.#occluder })
      .filter(({ box }) => box.x < width && box.y < height && box.x + box.width > 0 && box.y + box.height > 0)
      .sort((a, b) => a.id - b.id);
  }

  #checkIndex(index: number): void {
    check(
      Number.isInteger(index) && index >= 0 && index < this.length,
      `a frame's index from 0 to ${this.length - 1} but received ${received(index)}`,
    );
  }
}

function occluderOf(seed: number, width: number, height: number): Box {
  return {
    x: Math.round(width * (0.3 + 0.4 * randomAt(seed, 50))),
    y: 0,
    width: Math.max(4, Math.round(height * 0.06)),
    height,
  };
}

function paintOccluder({ data, width }: Raster, occluder: Box): void {
  for (let py = 0; py < occluder.height; py++) {
    for (let px = Math.max(0, occluder.x); px < Math.min(width, occluder.x + occluder.width); px++) {
      const u = (px + 0.5 - occluder.x) / occluder.width;
      const light = 0.55 + 0.5 * Math.sqrt(Math.max(0, 1 - (2 * u - 0.7) * (2 * u - 0.7))) * 0.8;
      const at = (py * width + px) * 3;
      data[at] = 126 * light;
      data[at + 1] = 122 * light;
      data[at + 2] = 118 * light;
    }
  }
}
