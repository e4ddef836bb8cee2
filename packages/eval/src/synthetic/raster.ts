/** A picture to paint into: red, green and blue bytes, row by row. */
export interface Raster {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A black picture. */
export function createRaster(width: number, height: number): Raster {
  return { data: new Uint8Array(width * height * 3), width, height };
}
