import type { Pose } from './head.ts';
import { clamp, cosine, mix, sine, smoothstep } from './math.ts';
import { createRandom, randomAt } from './random.ts';

/** Seconds from one station of everybody's way to the next. */
export const STATION_SECONDS = 2.5;

/** Where everybody stands at each station, as a random walk of neighbours changing places. */
export interface Motion {
  /** Pose of person `person` (from 0) at `time` seconds. */
  pose(person: number, time: number): Pose;
  /** Who is out of the picture, from when to when. */
  readonly absences: readonly { person: number; from: number; to: number }[];
  /** Which two change places, from when to when. */
  readonly crossings: readonly { persons: [number, number]; from: number; to: number }[];
}

/** What the people of a scene may do. */
export interface MotionOptions {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly duration: number;
  readonly faces: number;
  readonly crossing: boolean;
  readonly absence: boolean;
  readonly scale: boolean;
}

interface Station {
  x: number;
  y: number;
  size: number;
}

/**
 * The people stand in places side by side. At every station some neighbours change places (they cross: the larger one
 * in front), and
 * at times the one at an edge walks out of the picture and is back two stations later. Ways between are smooth curves.
 */
export function createMotion(options: MotionOptions): Motion {
  const { seed, width, height, duration, faces } = options;
  const random = createRandom(seed * 31 + 5);
  const count = Math.ceil(duration / STATION_SECONDS) + 3;
  const base = Math.min(height * 0.105, (width / faces) * 0.3);
  const places = Array.from({ length: faces }, (_, i) => i); // places[p] is who stands at place p
  const away = new Map<number, number>(); // who is out, until which station
  const stations: Station[][] = Array.from({ length: faces }, () => []);
  const absences: { person: number; from: number; to: number }[] = [];
  const crossings: { persons: [number, number]; from: number; to: number }[] = [];
  const row = Array.from({ length: faces }, () => 0.36 + 0.16 * random());
  for (let k = 0; k < count; k++) {
    if (options.crossing && k > 0) crossings.push(...changePlaces(places, away, k, random));
    if (options.absence && k > 0 && faces > 1 && away.size === 0 && (k === 2 || random() < 0.3)) {
      const place = random() < 0.5 ? 0 : faces - 1;
      away.set(places[place]!, k + 2);
      absences.push({ person: places[place]!, from: k * STATION_SECONDS, to: (k + 1) * STATION_SECONDS });
    }
    for (let place = 0; place < faces; place++) {
      const person = places[place]!;
      if (away.get(person) === k) away.delete(person);
      const size = base * (options.scale ? 0.72 + 0.6 * random() : 0.9 + 0.2 * random());
      const x = ((place + 0.5 + 0.24 * (random() - 0.5)) / faces) * width;
      const y = row[person]! * height + (random() - 0.5) * height * 0.08;
      const side = place < faces / 2 ? -1.6 * size : width + 1.6 * size;
      stations[person]!.push({ x: away.has(person) ? side : x, y, size });
    }
  }
  return { pose: (person, time) => poseAt(stations[person]!, seed * 101 + person, time, width), absences, crossings };
}

function changePlaces(places: number[], away: ReadonlyMap<number, number>, station: number, random: () => number) {
  const crossings: { persons: [number, number]; from: number; to: number }[] = [];
  for (let place = 0; place + 1 < places.length; place++) {
    const [a, b] = [places[place]!, places[place + 1]!];
    // Somebody always crosses in the first stretch: the shortest scene has a crossing.
    if (
      away.has(a) ||
      away.has(b) ||
      !(random() < 0.4 || (station === 1 && crossings.length === 0 && place === places.length - 2))
    )
      continue;
    places[place] = b;
    places[place + 1] = a;
    crossings.push({ persons: [a, b], from: (station - 1) * STATION_SECONDS, to: station * STATION_SECONDS });
    place++; // nobody passes two in one stretch
  }
  return crossings;
}

function poseAt(stations: readonly Station[], seed: number, time: number, width: number): Pose {
  const at = clamp(time / STATION_SECONDS, 0, stations.length - 1.001);
  const k = Math.floor(at);
  const [before, from, to, after] = [
    stations[Math.max(0, k - 1)]!,
    stations[k]!,
    stations[k + 1]!,
    stations[Math.min(stations.length - 1, k + 2)]!,
  ];
  const t = at - k;
  const phase = randomAt(seed, 1);
  const size = hermite(before.size, from.size, to.size, after.size, t);
  const moving = (to.x - from.x) / width;
  const step = Math.min(1, Math.abs(moving) * 12) * 4 * t * (1 - t); // walking heads bob, standing ones sway
  const x = mix(from.x, to.x, smoothstep(0, 1, t)) + size * 0.06 * sine(time * (0.31 + 0.13 * phase) + phase);
  const y =
    hermite(before.y, from.y, to.y, after.y, t) +
    size * (0.05 * sine(time * (0.23 + 0.1 * phase) + 2 * phase) + 0.07 * step * sine(time * 1.8 + phase));
  const towards = clamp(moving * 0.35, -0.07, 0.07) * 4 * t * (1 - t);
  const talk = randomAt(seed, 3) < 0.6 ? smoothstep(0.1, 0.6, sine(time * 0.11 + phase * 3)) : 0;
  const blinkAt = time * 0.29 + phase * 7;
  return {
    x,
    y,
    size,
    roll: 0.018 * sine(time * 0.21 + phase * 5) + 0.012 * sine(time * 0.57 + phase * 11),
    yaw: towards + 0.035 * sine(time * 0.17 + phase * 9) + 0.02 * sine(time * 0.41 + phase),
    pitch: 0.012 * sine(time * 0.19 + phase * 4),
    mouth: talk * (0.3 + 0.3 * sine(time * 2.3 + phase) + 0.2 * cosine(time * 3.7)) + 0.05,
    blink: smoothstep(0.96, 1, cosine(blinkAt - Math.floor(blinkAt))),
  };
}

/** The cubic through `b` (t = 0) and `c` (t = 1) whose slopes are those of the neighbours (Catmull–Rom). */
function hermite(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}
