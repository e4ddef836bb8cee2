/** Memory layout of one plane of a picture. */
export interface PlaneLayout {
  /** Bytes per position of the plane (two for interleaved chroma, four for RGBA). */
  readonly bytes: number;
  /** How many times width and height are halved relative to the picture's. */
  readonly shiftX: number;
  readonly shiftY: number;
}

/** Memory layout of a pixel format. */
export interface Layout {
  readonly planes: readonly PlaneLayout[];
  readonly bitDepth: number;
  /** Chroma subsampling of a YUV format; null for RGB and gray. */
  readonly subsampling: '420' | '422' | '444' | null;
}

const SHIFTS: Record<string, [x: number, y: number]> = {
  420: [1, 1],
  422: [1, 0],
  444: [0, 0],
  440: [0, 1],
  411: [2, 0],
  410: [2, 2],
};
const PACKED: Record<string, number> = {
  rgb24: 3,
  bgr24: 3,
  rgba: 4,
  bgra: 4,
  argb: 4,
  abgr: 4,
  rgb0: 4,
  bgr0: 4,
  '0rgb': 4,
  '0bgr': 4,
};

/** The layout of a pixel format by FFmpeg's name; undefined for rare ones (palettes, bits packed across bytes). */
export function layoutOf(name: string): Layout | undefined {
  const packed = PACKED[name];
  if (packed) return { planes: [plane(packed)], bitDepth: 8, subsampling: null };
  const gray = /^gray(?:(\d+)le)?$/.exec(name);
  if (gray) return { planes: [plane(width(gray[1]))], bitDepth: Number(gray[1] ?? 8), subsampling: null };
  const planar = /^yuv(a|j)?(\d{3})p(?:(\d+)le)?$/.exec(name);
  const shifts = planar && SHIFTS[planar[2]!];
  if (planar && shifts) {
    const bytes = width(planar[3]);
    const chroma = plane(bytes, ...shifts);
    const planes = [plane(bytes), chroma, chroma, ...(planar[1] === 'a' ? [plane(bytes)] : [])];
    const named = planar[2]!;
    return {
      planes,
      bitDepth: Number(planar[3] ?? 8),
      subsampling: named === '420' || named === '422' || named === '444' ? named : null,
    };
  }
  if (name === 'nv12') return { planes: [plane(1), plane(2, 1, 1)], bitDepth: 8, subsampling: '420' };
  if (name === 'p010le') return { planes: [plane(2), plane(4, 1, 1)], bitDepth: 16, subsampling: '420' };
  return undefined;
}

function plane(bytes: number, shiftX = 0, shiftY = 0): PlaneLayout {
  return { bytes, shiftX, shiftY };
}

function width(bits: string | undefined): number {
  return bits && Number(bits) > 8 ? 2 : 1;
}
