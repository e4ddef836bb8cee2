/** Red, green and blue bytes, row by row: what everything is painted into. */
export interface Raster {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export function createRaster(width: number, height: number): Raster {
  return { data: new Uint8Array(width * height * 3), width, height };
}
