// Shots: a camera that moves over still pictures, films or scenes, people that walk through, and light that changes.
import { uniform } from '../shared/random.ts';
import type { Picture } from './pictures.ts';

export const WIDTH = 320;
export const HEIGHT = 180;
const BYTES = WIDTH * HEIGHT * 3;

/** A run of frames without a cut, 320 × 180, packed RGB; the buffer belongs to the caller. */
export interface Shot {
  readonly name: string;
  frame(index: number): Uint8Array;
}

/** Where a camera points: the center in shares of the picture, and the share of its width that is shown. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly share: number;
}

export type Path = (index: number) => View;

/** What a camera sees of frames (one for a still picture; films run to and fro). */
export function camera(
  frames: readonly Picture[],
  path: Path,
  { start = 0, step = 1, blur = 0 }: { start?: number; step?: number; blur?: number } = {},
): Shot {
  return {
    name: frames[0]!.name,
    frame(index) {
      const picture = frames[bounce(start + Math.floor(index * step), frames.length)]!;
      const pixels = new Uint8Array(BYTES);
      const [before, now] = [path(index - 1), path(index)];
      const moved = Math.hypot(now.x - before.x, now.y - before.y) / now.share;
      if (blur === 0 || moved < 0.02) return project(picture, now, pixels);
      // An exposure as long as `blur` of a frame: the mean of several moments.
      const moments = 6;
      const sum = new Uint16Array(BYTES);
      for (let k = 0; k < moments; k++) {
        const part = project(picture, path(index - (blur * k) / moments), pixels);
        for (let i = 0; i < BYTES; i++) sum[i]! += part[i]!;
      }
      for (let i = 0; i < BYTES; i++) pixels[i] = sum[i]! / moments;
      return pixels;
    },
  };
}

function bounce(index: number, length: number): number {
  if (length === 1) return 0;
  const at = index % (2 * length - 2);
  return at < length ? at : 2 * length - 2 - at;
}

/** The mirrored coordinate inside [0, limit − 1]. */
function mirrored(value: number, limit: number): number {
  const period = 2 * (limit - 1);
  const at = ((value % period) + period) % period;
  return at > limit - 1 ? period - at : at;
}

/** Bilinear; beyond its edges a picture goes on as its mirror image. */
function project({ width, height, data }: Picture, { x, y, share }: View, into: Uint8Array): Uint8Array {
  // As much of the height as the shape of 16:9 asks for, at most all of it.
  const scale = Math.min((share * width) / WIDTH, height / HEIGHT);
  const columns = Array.from({ length: WIDTH }, (_, i) =>
    mirrored(x * width + (i + 0.5 - WIDTH / 2) * scale - 0.5, width),
  );
  const left = Int32Array.from(columns, Math.floor);
  const u = Float32Array.from(columns, (value) => value % 1);
  let to = 0;
  for (let j = 0; j < HEIGHT; j++) {
    const row = mirrored(y * height + (j + 0.5 - HEIGHT / 2) * scale - 0.5, height);
    const top = Math.floor(row);
    const v = row - top;
    const a = 3 * top * width;
    const b = 3 * Math.min(top + 1, height - 1) * width;
    for (let i = 0; i < WIDTH; i++) {
      const l = 3 * left[i]!;
      const r = 3 * Math.min(left[i]! + 1, width - 1);
      const f = u[i]!;
      for (let c = 0; c < 3; c++) {
        const upper = data[a + l + c]! + f * (data[a + r + c]! - data[a + l + c]!);
        const lower = data[b + l + c]! + f * (data[b + r + c]! - data[b + l + c]!);
        into[to++] = upper + v * (lower - upper) + 0.5;
      }
    }
  }
  return into;
}

export const CAMERAS = ['tripod', 'handheld', 'pan', 'zoom', 'drift'] as const;

/**
 * A path that starts near a view: still, shaken, panning, zooming, or all of it; speeds are shares of the view a frame.
 */
export function path(kind: (typeof CAMERAS)[number], from: View, seed: number): Path {
  const random = uniform(seed);
  const angle = 2 * Math.PI * random();
  const speed = kind === 'pan' ? 0.002 + 0.012 * random() : kind === 'drift' ? 0.001 + 0.003 * random() : 0;
  const zoom =
    kind === 'zoom'
      ? (random() < 0.5 ? 1 : -1) * (0.002 + 0.008 * random())
      : kind === 'drift'
        ? 0.003 * (random() - 0.5)
        : 0;
  const shake = kind === 'tripod' ? 0 : kind === 'handheld' ? 0.004 + 0.008 * random() : 0.002 * random();
  const phases = Array.from({ length: 8 }, () => 2 * Math.PI * random());
  const wobble = (t: number, k: number) =>
    Math.sin(0.31 * t + phases[k]!) +
    0.5 * Math.sin(0.83 * t + phases[k + 1]!) +
    0.3 * Math.sin(2.1 * t + phases[k + 2]!);
  return (t) => {
    // Zooms turn back before the picture is a blur or shown whole.
    const share = Math.min(1, from.share * Math.exp(0.35 * Math.sin((zoom * t) / 0.35)));
    const way = speed * t;
    return {
      x: from.x + share * (Math.cos(angle) * way + shake * wobble(t, 0)),
      y: from.y + share * (0.6 * Math.sin(angle) * way + shake * wobble(t, 4)),
      share,
    };
  };
}

/**
 * A camera that jumps to a second view within `length` frames from `at` on, as fast as a hand can turn it, or zooms
 * there.
 */
export function swing(first: Path, second: View, at: number, length: number): Path {
  return (t) => {
    const view = first(Math.min(t, at));
    const k = Math.min(1, Math.max(0, (t - at) / length));
    const eased = k * k * (3 - 2 * k);
    const after = t > at + length ? first(t - length) : view;
    const from = t > at + length ? { x: after.x - view.x, y: after.y - view.y } : { x: 0, y: 0 };
    return {
      x: view.x + (second.x - view.x) * eased + from.x,
      y: view.y + (second.y - view.y) * eased + from.y,
      share: view.share * (second.share / view.share) ** eased,
    };
  };
}

/**
 * Somebody in front of the camera: an upright soft-edged figure cut out of a picture, as tall as `size` of the frame's
 * height.
 */
export interface Walker {
  readonly picture: Picture;
  /** Frame in which it enters. */
  readonly at: number;
  /** Pixels of 320 a frame, negative from the right. */
  readonly speed: number;
  readonly size: number;
}

export function withWalkers(shot: Shot, walkers: readonly Walker[]): Shot {
  return {
    name: shot.name,
    frame(index) {
      const pixels = shot.frame(index);
      for (const walker of walkers) drawWalker(pixels, walker, index);
      return pixels;
    },
  };
}

function drawWalker(pixels: Uint8Array, { picture, at, speed, size }: Walker, index: number): void {
  const tall = size * HEIGHT;
  const wide = 0.55 * tall;
  const time = index - at;
  const middle = speed > 0 ? -wide / 2 + speed * time : WIDTH + wide / 2 + speed * time;
  const top = HEIGHT - 0.92 * tall + 0.015 * tall * Math.sin(time / 2.5);
  if (time < 0 || middle < -wide || middle > WIDTH + wide) return;
  for (let y = Math.max(0, Math.floor(top)); y < HEIGHT; y++) {
    const v = (y - top) / tall;
    // A head above shoulders.
    const half =
      v < 0.3 ? 0.21 * Math.sqrt(Math.max(0, 1 - ((v - 0.16) / 0.16) ** 2)) : Math.min(0.5, 0.3 + 1.2 * (v - 0.3));
    const reach = half * wide;
    for (let x = Math.max(0, Math.floor(middle - reach)); x < Math.min(WIDTH, middle + reach); x++) {
      const u = (x - middle) / wide;
      const opacity = Math.min(1, (reach - Math.abs(x - middle)) / 2 + 0.2);
      if (opacity <= 0) continue;
      const px = Math.min(picture.width - 1, Math.max(0, Math.floor((0.5 + 0.8 * u) * picture.width)));
      const py = Math.min(picture.height - 1, Math.max(0, Math.floor(v * 0.9 * picture.height)));
      const from = 3 * (py * picture.width + px);
      const to = 3 * (y * WIDTH + x);
      for (let c = 0; c < 3; c++)
        pixels[to + c] = pixels[to + c]! + opacity * (picture.data[from + c]! - pixels[to + c]!);
    }
  }
}

/** Gain and offset of the light in a frame; 1 and 0 change nothing. */
export type Light = (index: number) => readonly [gain: number, offset: number];

export function withLight(shot: Shot, light: Light): Shot {
  return {
    name: shot.name,
    frame(index) {
      const pixels = shot.frame(index);
      const [gain, offset] = light(index);
      if (gain === 1 && offset === 0) return pixels;
      const curve = Uint8Array.from({ length: 256 }, (_, value) =>
        Math.min(255, Math.max(0, Math.round(value * gain + offset))),
      );
      for (let i = 0; i < BYTES; i++) pixels[i] = curve[pixels[i]!]!;
      return pixels;
    },
  };
}

/** A shot whose frames stay for a while at the moments given: a stream that stutters, or animation on twos. */
export function held(shot: Shot, stops: (index: number) => number): Shot {
  return { name: shot.name, frame: (index) => shot.frame(stops(index)) };
}

const grainTile = (() => {
  const random = uniform(77);
  return Float32Array.from({ length: 1 << 16 }, () => random() + random() + random() + random() - 2);
})();

/** Noise of a sensor or of film, with a standard deviation of about `sigma` of 255; other in each frame. */
export function grain(pixels: Uint8Array, sigma: number, index: number): void {
  let at = (Math.imul(index + 1, 0x9e3779b1) >>> 16) & 0xffff;
  const scale = sigma * 1.73;
  for (let i = 0; i < BYTES; i += 3) {
    at = (at + 1) & 0xffff;
    const noise = Math.round(scale * grainTile[at]!);
    for (let c = i; c < i + 3; c++) pixels[c] = Math.min(255, Math.max(0, pixels[c]! + noise));
    if ((i & 0xfff) === 0) at = (at + 7919) & 0xffff;
  }
}
