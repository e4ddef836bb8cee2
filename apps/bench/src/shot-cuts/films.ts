// Edited films with known cuts, and long shots without any. All of it follows from a seed.
import { uniform } from '../shared/random.ts';
import type { Picture } from './pictures.ts';
import {
  camera,
  CAMERAS,
  grain,
  HEIGHT,
  held,
  path,
  swing,
  WIDTH,
  withLight,
  withWalkers,
  type Light,
  type Path,
  type Shot,
  type View,
  type Walker,
} from './shots.ts';

export const FPS = 25;
const BYTES = WIDTH * HEIGHT * 3;

export type TransitionKind = 'cut' | 'dissolve' | 'fade';

/**
 * A change of shot: the first frame that shows anything of the new one, and the first that shows nothing else. The same
 * frame for a cut.
 */
export interface Transition {
  readonly kind: TransitionKind;
  readonly from: number;
  readonly to: number;
}

export interface Film {
  readonly name: string;
  /** What kind of editing, or of trap. */
  readonly kind: string;
  readonly length: number;
  readonly transitions: readonly Transition[];
  /** Frame times in seconds are index ÷ 25. */
  frame(index: number): Uint8Array;
}

/** Pictures that a split may use. */
export interface Material {
  readonly pictures: readonly Picture[];
  readonly films: readonly (readonly Picture[])[];
  readonly scenes: readonly (readonly Picture[])[];
}

interface Segment {
  readonly shot: Shot;
  readonly length: number;
  /** How it goes over into the next. */
  readonly into: { readonly kind: TransitionKind; readonly length: number; readonly level?: number };
}

type Random = () => number;
const between = (random: Random, low: number, high: number) => low + (high - low) * random();
const integer = (random: Random, low: number, high: number) => Math.floor(between(random, low, high + 1));
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

/** Puts segments one after the other. */
function edit(
  name: string,
  kind: string,
  segments: readonly Segment[],
  finish: (pixels: Uint8Array, index: number) => void,
): Film {
  const starts: number[] = [];
  let length = 0;
  for (const segment of segments) {
    starts.push(length);
    length += segment.length;
  }
  const transitions = segments.slice(0, -1).map(({ into }, k): Transition => {
    const from = starts[k + 1]!;
    return { kind: into.kind, from, to: into.kind === 'cut' ? from : from + into.length };
  });
  return {
    name,
    kind,
    length,
    transitions,
    frame(index) {
      const k = starts.findLastIndex((start) => start <= index);
      const at = index - starts[k]!;
      const before = segments[k - 1];
      let pixels: Uint8Array;
      if (before && before.into.kind !== 'cut' && at < before.into.length) {
        const { kind: how, length: frames, level = 0 } = before.into;
        const share = (at + 1) / (frames + 1);
        const old = () => before.shot.frame(before.length + at);
        const fresh = () => segments[k]!.shot.frame(at);
        if (how === 'dissolve') pixels = blend(old(), fresh(), share);
        else pixels = share < 0.5 ? blend(old(), level, 2 * share) : blend(fresh(), level, 2 - 2 * share);
      } else {
        pixels = segments[k]!.shot.frame(at);
      }
      finish(pixels, index);
      return pixels;
    },
  };
}

function blend(a: Uint8Array, b: Uint8Array | number, share: number): Uint8Array {
  for (let i = 0; i < BYTES; i++) a[i] = a[i]! + share * ((typeof b === 'number' ? b : b[i]!) - a[i]!) + 0.5;
  return a;
}

/** What lies over a whole film: grain, black bars, a station's logo and a caption. */
function finisher(random: Random, grainy = true): (pixels: Uint8Array, index: number) => void {
  const sigma = random() < 0.4 && grainy ? between(random, 1, 7) : 0;
  const bars = random() < 0.25 ? integer(random, 12, 24) : 0;
  const logo = random() < 0.3;
  const caption = random() < 0.2;
  return (pixels, index) => {
    if (sigma) grain(pixels, sigma, index);
    if (bars) {
      pixels.fill(0, 0, bars * WIDTH * 3);
      pixels.fill(0, (HEIGHT - bars) * WIDTH * 3);
    }
    if (logo) plate(pixels, { left: 262, top: 14, width: 44, height: 20 }, 235);
    if (caption) plate(pixels, { left: 40, top: 146, width: 240, height: 22 }, 20);
  };
}

interface PlateArea {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A plate with stripes as letters have. */
function plate(pixels: Uint8Array, { left, top, width, height }: PlateArea, ground: number): void {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      const letter = y > top + 4 && y < top + height - 5 && (x * 7 + ((x >> 3) % 3) * 5) % 11 < 4;
      pixels.fill(letter ? 255 - ground : ground, 3 * (y * WIDTH + x), 3 * (y * WIDTH + x) + 3);
    }
  }
}

const anyView = (random: Random, low = 0.35, high = 0.85): View => ({
  x: between(random, 0.3, 0.7),
  y: between(random, 0.35, 0.65),
  share: between(random, low, high),
});

/** A shot of any material, with a moving camera and at times somebody who walks through. */
function anyShot(material: Material, random: Random): Shot {
  const seed = Math.floor(random() * 1e9);
  const roll = random();
  let shot: Shot;
  if (roll < 0.25 && material.films.length) shot = filmShot(pick(random, material.films), random);
  else if (roll < 0.35 && material.scenes.length)
    shot = camera(
      pick(random, material.scenes),
      path(pick(random, ['tripod', 'tripod', 'handheld', 'pan'] as const), anyView(random, 0.5, 0.95), seed),
      { start: integer(random, 0, 60) },
    );
  else shot = camera([pick(random, material.pictures)], path(pick(random, CAMERAS), anyView(random), seed));
  if (random() < 0.3) shot = withWalkers(shot, [anyWalker(material, random, integer(random, -20, 10), [0.6, 1.1])]);
  return shot;
}

function filmShot(frames: readonly Picture[], random: Random): Shot {
  return camera(
    frames,
    path(random() < 0.7 ? 'tripod' : 'handheld', anyView(random, 0.5, 0.95), Math.floor(random() * 1e9)),
    { start: integer(random, 0, frames.length - 1) },
  );
}

type Range = readonly [low: number, high: number];

function anyWalker(material: Material, random: Random, at: number, [small, large]: Range): Walker {
  return {
    picture: pick(random, material.pictures),
    at,
    speed: (random() < 0.5 ? -1 : 1) * between(random, 2, 12),
    size: between(random, small, large),
  };
}

const cut = { kind: 'cut', length: 0 } as const;

/** Shots of different sources, cut hard. */
function mixed(name: string, material: Material, random: Random, count: number): Film {
  const segments = Array.from({ length: count + 1 }, (): Segment => ({
    shot: anyShot(material, random),
    length: integer(random, 14, 70),
    into: cut,
  }));
  return edit(name, 'different sources', segments, finisher(random));
}

/** Two or three cameras in one room, in turns: parts of one picture or film, in the same light. */
function dialogue(name: string, material: Material, random: Random, count: number): Film {
  const segments: Segment[] = [];
  while (segments.length < count + 1) {
    const source =
      random() < 0.3 && material.films.length ? pick(random, material.films) : [pick(random, material.pictures)];
    const share = between(random, 0.3, 0.48);
    const views = [
      { x: share / 2, y: between(random, 0.35, 0.6), share },
      { x: 1 - share / 2, y: between(random, 0.35, 0.6), share: share * between(random, 0.9, 1.1) },
      { x: 0.5, y: 0.5, share: 0.95 },
    ];
    const paths = views.map((view) => path(random() < 0.6 ? 'tripod' : 'handheld', view, Math.floor(random() * 1e9)));
    const starts = views.map(() => integer(random, 0, source.length - 1));
    for (let turn = 0, who = 0; turn < 6; turn++) {
      // Cameras roll on while the other one is shown.
      const begin = starts[who]! + 40 * turn;
      segments.push({
        shot: camera(source, paths[who]!, { start: begin }),
        length: integer(random, 12, 60),
        into: cut,
      });
      who = random() < 0.15 ? (who + 2) % 3 : who === 0 ? 1 : 0;
    }
  }
  return edit(name, 'dialogue, one light', segments.slice(0, count + 1), finisher(random));
}

/** Jumps in time within one film, the camera unmoved or a little closer. */
function jumps(name: string, material: Material, random: Random, count: number): Film {
  const segments: Segment[] = [];
  while (segments.length < count + 1) {
    const frames = pick(random, [...material.films, ...material.scenes]);
    const view = anyView(random, 0.6, 0.8);
    let start = 0;
    for (let k = 0; k < 5; k++) {
      const closer = {
        ...view,
        x: view.x + between(random, -0.06, 0.06),
        y: view.y + between(random, -0.04, 0.04),
        share: view.share * (k % 2 === 1 ? between(random, 0.62, 0.8) : 1),
      };
      const length = integer(random, 14, 45);
      segments.push({
        shot: camera(frames, path(random() < 0.7 ? 'tripod' : 'handheld', closer, Math.floor(random() * 1e9)), {
          start,
        }),
        length,
        into: cut,
      });
      start += length + integer(random, 25, 80);
    }
  }
  return edit(name, 'jump cuts', segments.slice(0, count + 1), finisher(random));
}

/** A stage under changing light, many cameras, short shots, flashes. */
function concert(name: string, material: Material, random: Random, count: number): Film {
  const segments: Segment[] = [];
  while (segments.length < count + 1) {
    const picture = pick(random, material.pictures);
    for (let k = 0; k < 8; k++) {
      const seed = Math.floor(random() * 1e9);
      const shot = camera(
        [picture],
        path(
          pick(random, ['handheld', 'pan', 'zoom', 'drift'] as const),
          { x: between(random, 0.15, 0.85), y: between(random, 0.25, 0.75), share: between(random, 0.2, 0.5) },
          seed,
        ),
      );
      segments.push({ shot: withLight(shot, stageLight(random)), length: integer(random, 10, 35), into: cut });
    }
  }
  return edit(name, 'concert', segments.slice(0, count + 1), finisher(random));
}

/** Light that pulses, and now and then a flash. */
function stageLight(random: Random): Light {
  const [rate, depth] = [between(random, 0.1, 0.6), between(random, 0.05, 0.35)];
  const flash = random() < 0.25 ? integer(random, 3, 20) : -9;
  return (t) => (t === flash || t === flash + 1 ? [1.6, 50] : [0.75 + depth * Math.sin(rate * t), 0]);
}

/** Dissolves of 8 to 40 frames. */
function dissolves(name: string, material: Material, random: Random, count: number): Film {
  const segments = Array.from({ length: count + 1 }, (): Segment => ({
    shot: anyShot(material, random),
    length: integer(random, 60, 110),
    into: { kind: 'dissolve', length: integer(random, 8, 40) },
  }));
  return edit(name, 'dissolves', segments, finisher(random));
}

/** Fades through black or white of 10 to 40 frames. */
function fades(name: string, material: Material, random: Random, count: number): Film {
  const segments = Array.from({ length: count + 1 }, (): Segment => ({
    shot: anyShot(material, random),
    length: integer(random, 50, 100),
    into: { kind: 'fade', length: integer(random, 10, 40), level: random() < 0.75 ? 0 : 255 },
  }));
  return edit(name, 'fades', segments, finisher(random));
}

/** Films with some `count` changes of shot in each class; together about 5.5 times as many. */
export function editedFilms(material: Material, seed: number, count: number): Film[] {
  const makers = { mixed, dialogue, jumps, concert, dissolves, fades };
  const sizes = { mixed: 1.2, dialogue: 1.2, jumps: 0.8, concert: 1, dissolves: 0.6, fades: 0.4 };
  return Object.entries(makers).flatMap(([name, make], k) => {
    const total = Math.round(count * sizes[name as keyof typeof makers]);
    const parts = Math.max(1, Math.round(total / 40));
    return Array.from({ length: parts }, (_, part) =>
      make(`${name}-${part + 1}`, material, uniform(seed * 1000 + 17 * k + part), Math.round(total / parts)),
    );
  });
}

/** One shot of `length` frames without any cut, full of what cut detectors take for one. */
export function uncutFilm(
  name: string,
  kind: string,
  material: Material,
  { seed, length }: { seed: number; length: number },
): Film {
  const random = uniform(seed);
  const shot = TRAPS[kind]!(material, random, length);
  // A stream that freezes repeats its frame as it is.
  const finish = finisher(random, kind !== 'stutter');
  const noisy = kind === 'grain' ? between(random, 5, 14) : 0;
  return {
    name,
    kind,
    length,
    transitions: [],
    frame(index) {
      const pixels = shot.frame(index);
      finish(pixels, index);
      if (noisy) grain(pixels, noisy, index);
      return pixels;
    },
  };
}

/** Starts of events with some seconds between them. */
function moments(random: Random, length: number, shortest: number, longest: number): number[] {
  const at: number[] = [];
  for (let t = integer(random, 10, 60); t < length - 40; t += integer(random, shortest, longest)) at.push(t);
  return at;
}

/** A camera that looks from one place of a picture to the next, slowly or fast, with rests between. */
function roaming(random: Random, length: number, [fastest, slowest]: Range): Path {
  const base = path(random() < 0.5 ? 'handheld' : 'tripod', { x: 0, y: 0, share: 1 }, Math.floor(random() * 1e9));
  const times = moments(random, length, 60, 200);
  const views = times.map(() => anyView(random, 0.3, 0.7));
  const first = anyView(random, 0.3, 0.7);
  const lengths = times.map(() => integer(random, fastest, slowest));
  return (t) => {
    const k = times.findLastIndex((at) => at <= t);
    const from = (k > 0 ? views[k - 1] : undefined) ?? first;
    const shake = base(t);
    const view = k < 0 ? first : swing(() => from, views[k]!, times[k]!, lengths[k]!)(t);
    return { x: view.x + shake.x * view.share, y: view.y + shake.y * view.share, share: view.share };
  };
}

const long = (material: Material, random: Random, length: number): Shot => {
  if (random() < 0.35 && material.films.length) return filmShot(pick(random, material.films), random);
  return camera([pick(random, material.pictures)], roaming(random, length, [40, 90]));
};

type Trap = (material: Material, random: Random, length: number) => Shot;

export const TRAPS: Record<string, Trap> = {
  calm: long,
  films: (material, random) => filmShot(pick(random, material.films), random),
  scenes: (material, random) =>
    camera(
      pick(random, material.scenes),
      path(random() < 0.5 ? 'tripod' : 'handheld', anyView(random, 0.6, 0.95), Math.floor(random() * 1e9)),
    ),
  'fast pans and zooms': (material, random, length) =>
    camera([pick(random, material.pictures)], roaming(random, length, [14, 40]), { blur: 0.5 }),
  'whip pans': (material, random, length) =>
    camera([pick(random, material.pictures)], roaming(random, length, [7, 12]), { blur: 0.7 }),
  flashes(material, random, length) {
    const flashes = new Map<number, readonly [number, number]>();
    for (const at of moments(random, length, 20, 110)) {
      const strength = [between(random, 1.3, 4), between(random, 0, 150)] as const;
      const frames = integer(random, 1, 3);
      for (let k = 0; k < frames; k++)
        flashes.set(at + k, random() < 0.25 ? [0, 255] : [1 + (strength[0] - 1) / (k + 1), strength[1] / (k + 1)]);
    }
    return withLight(long(material, random, length), (t) => flashes.get(t) ?? [1, 0]);
  },
  strobe(material, random, length) {
    const bursts = moments(random, length, 80, 160).map((at) => ({
      at,
      period: integer(random, 2, 6),
      dark: between(random, 0.08, 0.5),
      frames: integer(random, 25, 75),
    }));
    return withLight(long(material, random, length), (t) => {
      const burst = bursts.find(({ at, frames }) => t >= at && t < at + frames);
      return burst && (t - burst.at) % burst.period < burst.period / 2 ? [burst.dark, 0] : [1, 0];
    });
  },
  'exposure changes'(material, random, length) {
    const steps = moments(random, length, 30, 90).map((at) => ({
      at,
      gain: between(random, 0.3, 1.5),
      offset: between(random, -10, 30),
      frames: random() < 0.4 ? 1 : integer(random, 3, 30),
    }));
    return withLight(long(material, random, length), (t) => {
      const k = steps.findLastIndex(({ at }) => at <= t);
      if (k < 0) return [1, 0];
      const [now, before] = [steps[k]!, steps[k - 1] ?? { gain: 1, offset: 0 }];
      const share = Math.min(1, (t - now.at + 1) / now.frames);
      return [before.gain + share * (now.gain - before.gain), before.offset + share * (now.offset - before.offset)];
    });
  },
  'walk-bys': (material, random, length) =>
    withWalkers(
      long(material, random, length),
      moments(random, length, 15, 70).map((at) => ({
        ...anyWalker(material, random, at, [1.1, 2.6]),
        speed: (random() < 0.5 ? -1 : 1) * between(random, 5, 30),
      })),
    ),
  crowds: (material, random, length) =>
    withWalkers(
      long(material, random, length),
      moments(random, length, 4, 20).map((at) => anyWalker(material, random, at, [0.5, 1.2])),
    ),
  shake(material, random, length) {
    const base = roaming(random, length, [40, 90]);
    const strong = moments(random, length, 100, 200);
    const noise = uniform(Math.floor(random() * 1e9));
    const kicks = Float32Array.from({ length: 2 * length + 4 }, () => noise() - 0.5);
    return camera(
      [pick(random, material.pictures)],
      (t) => {
        const view = base(t);
        const k = Math.max(0, Math.min(length, Math.floor(t)));
        const part = Math.max(0, t - k);
        const size = strong.some((at) => t >= at && t < at + 30) ? 0.16 : 0.03;
        const kick = (axis: number) =>
          size * view.share * (kicks[2 * k + axis]! * (1 - part) + kicks[2 * k + 2 + axis]! * part);
        return { x: view.x + kick(0), y: view.y + kick(1), share: view.share };
      },
      { blur: 0.5 },
    );
  },
  stutter(material, random, length) {
    const shot = camera([pick(random, material.pictures)], roaming(random, length, [30, 60]));
    const stops = moments(random, length, 40, 120).map((at) => ({ at, frames: integer(random, 3, 20) }));
    const twos = random() < 0.4;
    return held(shot, (t) => {
      const stop = stops.find(({ at, frames }) => t >= at && t < at + frames);
      return stop ? stop.at : twos ? t - (t % 2) : t;
    });
  },
  grain: long,
  'hard compression': (material, random, length) =>
    withWalkers(
      camera([pick(random, material.pictures)], roaming(random, length, [30, 60])),
      moments(random, length, 40, 100).map((at) => anyWalker(material, random, at, [0.7, 1.3])),
    ),
};

/** `hours` without cuts, in films of 90 seconds. */
export function uncutFilms(material: Material, seed: number, hours: number): Film[] {
  const kinds = Object.keys(TRAPS).filter(
    (kind) => (kind !== 'films' || material.films.length) && (kind !== 'scenes' || material.scenes.length),
  );
  const length = 90 * FPS;
  return Array.from({ length: Math.round((hours * 3600) / 90) }, (_, k) =>
    uncutFilm(`uncut-${k + 1}`, kinds[k % kinds.length]!, material, { seed: seed * 1000 + k, length }),
  );
}
