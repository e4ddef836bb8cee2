import type { Pose } from './head.ts';
import { clamp, cosine, mix, sine, smoothstep } from './math.ts';
import { createRandom, randomAt } from './random.ts';

/** Seconds between two waypoints of a person. */
const WAYPOINT_SECONDS = 2.5;

/** How the people of a scene move. */
export interface Motion {
  /** Pose of person `person` (from 0) at `time` seconds. */
  pose(person: number, time: number): Pose;
  /** Who is out of the picture, and the start and end in seconds. */
  readonly absences: readonly Absence[];
  /** Which two change places, and the start and end in seconds. */
  readonly crossings: readonly Crossing[];
}

interface Absence {
  readonly person: number;
  readonly from: number;
  readonly to: number;
}

interface Crossing {
  readonly persons: readonly [number, number];
  readonly from: number;
  readonly to: number;
}

/** Options of `createMotion`. */
export interface MotionOptions {
  readonly seed: number;
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** Seconds. */
  readonly duration: number;
  readonly faces: number;
  /** Whether people change places. */
  readonly crossing: boolean;
  /** Whether people leave and return. */
  readonly absence: boolean;
  /** Whether people come nearer and move away. */
  readonly scale: boolean;
}

/** Where a head is, in pixels, and half its width. */
interface Waypoint {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
}

/**
 * Creates the motion of a scene. People have places side by side. At every waypoint some neighbors change places (they
 * cross, the larger one in front), and at times the person at an edge leaves the picture and returns two waypoints
 * later. The paths between waypoints are smooth curves.
 */
export function createMotion(options: MotionOptions): Motion {
  const { seed, width, duration, faces } = options;
  const random = createRandom(seed * 31 + 5);
  const count = Math.ceil(duration / WAYPOINT_SECONDS) + 3;
  /** The person at each place. */
  const places = Array.from({ length: faces }, (_, i) => i);
  /** People outside the picture, and the waypoint at which they return. */
  const away = new Map<number, number>();
  const paths: Waypoint[][] = Array.from({ length: faces }, () => []);
  const absences: Absence[] = [];
  const crossings: Crossing[] = [];
  const heights = Array.from({ length: faces }, () => 0.36 + 0.16 * random());
  for (let k = 0; k < count; k++) {
    if (options.crossing && k > 0) crossings.push(...changePlaces(places, away, k, random));
    if (options.absence && k > 0 && faces > 1 && away.size === 0 && (k === 2 || random() < 0.3)) {
      const person = places[random() < 0.5 ? 0 : faces - 1]!;
      away.set(person, k + 2);
      absences.push({ person, from: k * WAYPOINT_SECONDS, to: (k + 1) * WAYPOINT_SECONDS });
    }
    places.forEach((person, place) => {
      if (away.get(person) === k) away.delete(person);
      const waypoint = waypointAt(place, heights[person]!, options, random);
      const outside = place < faces / 2 ? -1.6 * waypoint.halfWidth : width + 1.6 * waypoint.halfWidth;
      paths[person]!.push(away.has(person) ? { ...waypoint, x: outside } : waypoint);
    });
  }
  return { pose: (person, time) => poseAt(paths[person]!, seed * 101 + person, time, width), absences, crossings };
}

/** A waypoint near a place; `relativeHeight` is the person's y over the picture's height. */
function waypointAt(place: number, relativeHeight: number, options: MotionOptions, random: () => number): Waypoint {
  const { width, height, faces, scale } = options;
  const base = Math.min(height * 0.105, (width / faces) * 0.3);
  const halfWidth = base * (scale ? 0.72 + 0.6 * random() : 0.9 + 0.2 * random());
  const x = ((place + 0.5 + 0.24 * (random() - 0.5)) / faces) * width;
  const y = relativeHeight * height + (random() - 0.5) * height * 0.08;
  return { x, y, halfWidth };
}

/** Swaps some neighbors in `places` on the way to a waypoint. */
function changePlaces(
  places: number[],
  away: ReadonlyMap<number, number>,
  waypoint: number,
  random: () => number,
): Crossing[] {
  const crossings: Crossing[] = [];
  for (let place = 0; place + 1 < places.length; place++) {
    const [a, b] = [places[place]!, places[place + 1]!];
    if (away.has(a) || away.has(b)) continue;
    // On the way to the first waypoint somebody always crosses, so that the shortest scene has a crossing.
    const mustCross = waypoint === 1 && crossings.length === 0 && place === places.length - 2;
    if (!(random() < 0.4 || mustCross)) continue;
    places[place] = b;
    places[place + 1] = a;
    crossings.push({ persons: [a, b], from: (waypoint - 1) * WAYPOINT_SECONDS, to: waypoint * WAYPOINT_SECONDS });
    place++; // a person passes at most one other on the way
  }
  return crossings;
}

/** @param seed of the person. */
function poseAt(path: readonly Waypoint[], seed: number, time: number, width: number): Pose {
  const at = clamp(time / WAYPOINT_SECONDS, 0, path.length - 1.001);
  const k = Math.floor(at);
  const [from, to] = [path[k]!, path[k + 1]!];
  const window = { before: path[Math.max(0, k - 1)]!, from, to, after: path[Math.min(path.length - 1, k + 2)]! };
  const t = at - k;
  const phase = randomAt(seed, 1);
  const halfWidth = interpolate(window, 'halfWidth', t);
  const speed = (to.x - from.x) / width;
  const step = Math.min(1, Math.abs(speed) * 12) * 4 * t * (1 - t); // walking heads bob, others sway
  const x = mix(from.x, to.x, smoothstep(0, 1, t)) + halfWidth * 0.06 * sine(time * (0.31 + 0.13 * phase) + phase);
  const y =
    interpolate(window, 'y', t) +
    halfWidth * (0.05 * sine(time * (0.23 + 0.1 * phase) + 2 * phase) + 0.07 * step * sine(time * 1.8 + phase));
  const turn = clamp(speed * 0.35, -0.07, 0.07) * 4 * t * (1 - t);
  const talk = randomAt(seed, 3) < 0.6 ? smoothstep(0.1, 0.6, sine(time * 0.11 + phase * 3)) : 0;
  const blinkAt = time * 0.29 + phase * 7;
  return {
    x,
    y,
    halfWidth,
    roll: 0.018 * sine(time * 0.21 + phase * 5) + 0.012 * sine(time * 0.57 + phase * 11),
    yaw: turn + 0.035 * sine(time * 0.17 + phase * 9) + 0.02 * sine(time * 0.41 + phase),
    pitch: 0.012 * sine(time * 0.19 + phase * 4),
    mouth: talk * (0.3 + 0.3 * sine(time * 2.3 + phase) + 0.2 * cosine(time * 3.7)) + 0.05,
    blink: smoothstep(0.96, 1, cosine(blinkAt - Math.floor(blinkAt))),
  };
}

/** Four consecutive waypoints; a person is between the middle two. */
interface PathWindow {
  readonly before: Waypoint;
  readonly from: Waypoint;
  readonly to: Waypoint;
  readonly after: Waypoint;
}

/** The cubic through `from` (t = 0) and `to` (t = 1) with the slopes of a Catmull–Rom spline. */
function interpolate({ before, from, to, after }: PathWindow, key: 'y' | 'halfWidth', t: number): number {
  const [a, b, c, d] = [before[key], from[key], to[key], after[key]];
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}
