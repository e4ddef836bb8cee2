import type { Rgb } from './types.ts';

/** The color of a face without a track ID. */
export const NO_TRACK: Rgb = [0, 230, 118];

const GOLDEN = 0.618033988749895;

/**
 * The color of a track: the same in every frame and every run, and far from the colors of neighboring IDs. Each ID
 * advances the hue by the golden ratio, which spreads consecutive IDs around the color circle; lightness alternates, so
 * that near hues still differ.
 */
export function trackColor(id: number | null | undefined): Rgb {
  if (id === null || id === undefined || !Number.isFinite(id)) return NO_TRACK;
  const hue = (((id * GOLDEN) % 1) + 1) % 1;
  const lightness = [0.58, 0.72, 0.5][((Math.trunc(id) % 3) + 3) % 3]!;
  return hsl(hue, 0.92, lightness);
}

/** Black or white, whichever is easier to read on a color. */
export function inkOn([red, green, blue]: Rgb): Rgb {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? [0, 0, 0] : [255, 255, 255];
}

/** `rgb(…)` as a canvas takes it. */
export function cssColor([red, green, blue]: Rgb): string {
  return `rgb(${red},${green},${blue})`;
}

function hsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue * 12) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
