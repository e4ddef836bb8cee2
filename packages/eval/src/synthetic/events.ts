import { smoothstep } from './math.ts';
import type { Degradation } from './degradation.ts';
import type { Motion } from './motion.ts';
import { createRandom } from './random.ts';

/** What can happen in a scene. */
export type SceneEventKind = 'crossing' | 'absence' | 'scale' | 'occluder' | 'blur' | 'dark' | 'noise' | 'compression';

/** All kinds of events that a scene can have. */
export const sceneEventKinds: readonly SceneEventKind[] = [
  'crossing',
  'absence',
  'scale',
  'occluder',
  'blur',
  'dark',
  'noise',
  'compression',
];

/** The kinds that degrade the picture. */
export const DEGRADATIONS = ['blur', 'dark', 'noise', 'compression'] as const;

/** An event of a scene. */
export interface SceneEvent {
  readonly kind: SceneEventKind;
  /** Start in seconds. */
  readonly from: number;
  /** End in seconds. */
  readonly to: number;
  /** IDs of the people concerned; empty for the whole picture. */
  readonly ids: readonly number[];
}

/** A time in which the picture is degraded. */
export interface DegradedInterval {
  readonly kind: (typeof DEGRADATIONS)[number];
  /** Start in seconds. */
  readonly from: number;
  /** End in seconds. */
  readonly to: number;
  /** 0 to 1. */
  readonly strength: number;
}

/** Intervals of one kind: about one in twelve seconds, and at least one in a scene of four seconds. */
export function degradedIntervals(kind: DegradedInterval['kind'], seed: number, duration: number): DegradedInterval[] {
  const random = createRandom(seed * 17 + kind.length);
  const intervals: DegradedInterval[] = [];
  const period = Math.min(12, Math.max(4, duration));
  for (let start = 0; start + 4 <= duration + 1e-9; start += period) {
    const from = start + random() * (period - 2.4);
    intervals.push({ kind, from, to: from + 1.2 + 1.2 * random(), strength: 0.6 + 0.4 * random() });
  }
  return intervals;
}

/** The degradation at a time in seconds, for a picture of `height` pixels. It fades in and out. */
export function degradationAt(intervals: readonly DegradedInterval[], time: number, height: number): Degradation {
  const amount = { blur: 0, dark: 0, noise: 0, compression: 0 };
  for (const { kind, from, to, strength } of intervals) {
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

/** The events of a scene by ascending start. */
export function eventsOf(
  { absences, crossings }: Motion,
  intervals: readonly DegradedInterval[],
  { hasOccluder, duration }: { hasOccluder: boolean; duration: number },
): SceneEvent[] {
  const all: SceneEvent[] = [
    ...crossings.map(({ persons, from, to }) => ({
      kind: 'crossing' as const,
      from,
      to,
      ids: persons.map((person) => person + 1),
    })),
    ...absences.map(({ person, from, to }) => ({ kind: 'absence' as const, from, to, ids: [person + 1] })),
    ...intervals.map(({ kind, from, to }) => ({ kind, from, to, ids: [] })),
    ...(hasOccluder ? [{ kind: 'occluder' as const, from: 0, to: duration, ids: [] }] : []),
  ];
  return all.filter(({ from }) => from < duration).sort((a, b) => a.from - b.from);
}
