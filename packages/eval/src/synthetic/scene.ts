import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import type { Box, Landmarks, PixelBuffer } from '@facedet/core';
import { createAppearance } from './appearance.ts';
import { paintBackground } from './background.ts';
import { applyConditions, type Conditions } from './conditions.ts';
import { createHead, type Head } from './head.ts';
import { createMotion, type Motion } from './motion.ts';
import { smoothstep } from './math.ts';
import { paintBody } from './paint-body.ts';
import { paintHead } from './paint-head.ts';
import { createRandom, randomAt } from './random.ts';
import { createRaster, type Raster } from './raster.ts';
import { truthOf } from './visibility.ts';

/** What can happen in a scene. */
export type SceneEventKind = 'crossing' | 'absence' | 'scale' | 'pillar' | 'blur' | 'dark' | 'noise' | 'compression';

/** Something that happens in a scene: from when to when, in seconds, and to whom (empty: to the whole picture). */
export interface SceneEvent {
  readonly kind: SceneEventKind;
  readonly from: number;
  readonly to: number;
  readonly ids: readonly number[];
}

/** What is true of one face of a frame. */
export interface SceneFace {
  /** From 1; the same person has the same identity before and after an absence. */
  readonly id: number;
  /** From forehead to chin, in pixels; also over the picture's edges and where the face is hidden. */
  readonly box: Box;
  readonly landmarks: Landmarks;
  /** Share of the face that is in the picture and not hidden, 0 to 1. */
  readonly visibility: number;
  /** Share of the face that somebody or something in front hides, 0 to 1. */
  readonly occlusion: number;
  /** Whether `occlusion` is at least a tenth. */
  readonly occluded: boolean;
}

/** A frame with its truth. */
export interface SceneFrame {
  readonly index: number;
  /** Seconds from the start. */
  readonly timestamp: number;
  /** RGB; the caller owns it. */
  readonly image: PixelBuffer;
  readonly truth: SceneFace[];
}

/** How a scene is made. */
export interface SceneOptions {
  /** An integer; the same seed and options give the same bytes on every machine. Default 1. */
  readonly seed?: number;
  /** Pixels, at least 64; default 640. */
  readonly width?: number;
  /** Pixels, at least 64; default 360. */
  readonly height?: number;
  /** Frames a second; default 25. */
  readonly fps?: number;
  /** Seconds; default 10. */
  readonly duration?: number;
  /** Number of frames, instead of `duration`. */
  readonly frames?: number;
  /** People, from 1 to 40; default 4. */
  readonly faces?: number;
  /** What may happen; default everything. An empty list: people who keep their places, in a good picture. */
  readonly events?: readonly SceneEventKind[];
}

/** A procedural video with exact truth. Any frame can be asked for at any time. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Number of frames. */
  readonly length: number;
  /** Seconds. */
  readonly duration: number;
  /** What happens when, by rising `from`. */
  readonly events: readonly SceneEvent[];
  /** Paints a frame; throws `INVALID_ARGUMENT` for an index that isn't an integer from 0 to `length` − 1. */
  frame(index: number): SceneFrame;
  /** The truth alone, without painting. Faces wholly out of the picture are missing. */
  truth(index: number): SceneFace[];
}

const ALL: readonly SceneEventKind[] = [
  'crossing',
  'absence',
  'scale',
  'pillar',
  'blur',
  'dark',
  'noise',
  'compression',
];
const SPOILS = ['blur', 'dark', 'noise', 'compression'] as const;

/**
 * A seeded scene of procedural people who move, cross and hide each other, leave and come back, come nearer, in a
 * picture that at times blurs, darkens, grows noisy and is compressed hard.
 * @throws FaceDetError `INVALID_ARGUMENT` for unknown options and options out of range.
 */
export function createScene(options: SceneOptions = {}): Scene {
  checkOptionNames(options, ['seed', 'width', 'height', 'fps', 'duration', 'frames', 'faces', 'events']);
  const { seed = 1, width = 640, height = 360, fps = 25, faces = 4, events: kinds = ALL } = options;
  const length = options.frames ?? Math.round((options.duration ?? 10) * fps);
  check(Number.isInteger(seed), `seed as an integer but received ${received(seed)}`);
  for (const side of [width, height])
    check(
      Number.isInteger(side) && side >= 64 && side <= 8192,
      `width and height as integers from 64 to 8192 but received ${received(width)} × ${received(height)}`,
    );
  check(fps > 0 && fps <= 1000, `fps above 0 and up to 1000 but received ${received(fps)}`);
  const stated =
    options.frames === undefined ? `duration ${received(options.duration)}` : `frames ${received(options.frames)}`;
  check(Number.isInteger(length) && length >= 1, `at least one frame but received ${stated}`);
  check(
    Number.isInteger(faces) && faces >= 1 && faces <= 40,
    `faces as an integer from 1 to 40 but received ${received(faces)}`,
  );
  check(Array.isArray(kinds), `events as a list of ${ALL.join(', ')} but received ${received(kinds)}`);
  for (const kind of kinds) check(ALL.includes(kind), `events of ${ALL.join(', ')} but received ${received(kind)}`);

  const duration = length / fps;
  const has = (kind: SceneEventKind) => kinds.includes(kind);
  const motion = createMotion({
    seed,
    width,
    height,
    duration,
    faces,
    crossing: has('crossing'),
    absence: has('absence'),
    scale: has('scale'),
  });
  const people = Array.from({ length: faces }, (_, i) => createAppearance(Math.floor(randomAt(seed, 40, i) * 2 ** 31)));
  const spells = SPOILS.filter(has).flatMap((kind, i) => spellsOf(kind, seed + i, duration));
  const pillar: Box | undefined = has('pillar')
    ? {
        x: Math.round(width * (0.3 + 0.4 * randomAt(seed, 50))),
        y: 0,
        width: Math.max(4, Math.round(height * 0.06)),
        height,
      }
    : undefined;
  const background = paintBackground(width, height, seed, 1);
  const events = eventsOf(motion, spells, pillar, duration);

  /** Everybody at a moment, the farthest first. */
  const headsAt = (index: number): { id: number; head: Head }[] =>
    people
      .map((appearance, i) => ({ id: i + 1, head: createHead(appearance, motion.pose(i, index / fps)) }))
      .sort((a, b) => a.head.pose.size - b.head.pose.size || a.id - b.id);

  const truthAt = (heads: readonly { id: number; head: Head }[]): SceneFace[] => {
    const order = heads.map(({ head }) => head);
    const all = heads.map(({ id, head }, i) =>
      truthOf(id, head, order.slice(i + 1), pillar ? [pillar] : [], width, height),
    );
    return all
      .filter(({ box }) => box.x < width && box.y < height && box.x + box.width > 0 && box.y + box.height > 0)
      .sort((a, b) => a.id - b.id);
  };

  const checkIndex = (index: number) =>
    check(
      Number.isInteger(index) && index >= 0 && index < length,
      `a frame's index from 0 to ${length - 1} but received ${received(index)}`,
    );

  return {
    width,
    height,
    fps,
    length,
    duration,
    events,
    truth(index) {
      checkIndex(index);
      return truthAt(headsAt(index));
    },
    frame(index) {
      checkIndex(index);
      const heads = headsAt(index);
      const raster = createRaster(width, height);
      raster.data.set(background.data);
      for (const { head } of heads) {
        paintBody(raster, head);
        paintHead(raster, head);
      }
      if (pillar) paintPillar(raster, pillar);
      applyConditions(raster, conditionsAt(spells, index / fps, height), seed * 7919 + index);
      return {
        index,
        timestamp: index / fps,
        image: { data: raster.data, width, height, format: 'rgb' },
        truth: truthAt(heads),
      };
    },
  };
}

interface Spell {
  readonly kind: (typeof SPOILS)[number];
  readonly from: number;
  readonly to: number;
  readonly strength: number;
}

/** Times when the picture is bad: one in every twelve seconds or so, at least one in a scene of four seconds. */
function spellsOf(kind: Spell['kind'], seed: number, duration: number): Spell[] {
  const random = createRandom(seed * 17 + kind.length);
  const spells: Spell[] = [];
  const period = Math.min(12, Math.max(4, duration));
  for (let start = 0; start + 4 <= duration + 1e-9; start += period) {
    const from = start + random() * (period - 2.4);
    spells.push({ kind, from, to: from + 1.2 + 1.2 * random(), strength: 0.6 + 0.4 * random() });
  }
  return spells;
}

function conditionsAt(spells: readonly Spell[], time: number, height: number): Conditions {
  const amount = { blur: 0, dark: 0, noise: 0, compression: 0 };
  for (const { kind, from, to, strength } of spells) {
    if (time < from || time > to) continue;
    const middle = (from + to) / 2;
    amount[kind] = Math.max(
      amount[kind],
      strength *
        smoothstep(from, from + 0.4 * (middle - from), time) *
        (1 - smoothstep(to - 0.4 * (to - middle), to, time)),
    );
  }
  return {
    blur: (amount.blur * 2.4 * height) / 360,
    dark: amount.dark,
    noise: 14 * amount.noise,
    compression: 9 * amount.compression,
  };
}

function eventsOf(
  { absences, crossings }: Motion,
  spells: readonly Spell[],
  pillar: Box | undefined,
  duration: number,
): SceneEvent[] {
  const all: SceneEvent[] = [
    ...crossings.map(({ persons, from, to }) => ({
      kind: 'crossing' as const,
      from,
      to,
      ids: persons.map((p) => p + 1),
    })),
    ...absences.map(({ person, from, to }) => ({ kind: 'absence' as const, from, to, ids: [person + 1] })),
    ...spells.map(({ kind, from, to }) => ({ kind, from, to, ids: [] })),
    ...(pillar ? [{ kind: 'pillar' as const, from: 0, to: duration, ids: [] }] : []),
  ];
  return all.filter(({ from }) => from < duration).sort((a, b) => a.from - b.from);
}

/** A pillar in front of everybody. */
function paintPillar({ data, width }: Raster, { x, width: wide, height }: Box): void {
  for (let py = 0; py < height; py++) {
    for (let px = Math.max(0, x); px < Math.min(width, x + wide); px++) {
      const u = (px + 0.5 - x) / wide;
      const light = 0.55 + 0.5 * Math.sqrt(Math.max(0, 1 - (2 * u - 0.7) * (2 * u - 0.7))) * 0.8;
      const at = (py * width + px) * 3;
      data[at] = 126 * light;
      data[at + 1] = 122 * light;
      data[at + 2] = 118 * light;
    }
  }
}

function check(ok: boolean, expected: string): asserts ok {
  if (!ok) throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected}.`);
}
