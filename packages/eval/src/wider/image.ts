/** The attributes of a face in WIDER FACE, in the order of its annotation files. */
export const widerAttributes = ['blur', 'expression', 'illumination', 'invalid', 'occlusion', 'pose'] as const;

/** One of the six attributes that WIDER FACE labels. */
export type WiderAttribute = (typeof widerAttributes)[number];

/** The official subsets of WIDER FACE, from easy to all but the worst faces. */
export const widerSettings = ['easy', 'medium', 'hard'] as const;

/** One of the official subsets. */
export type WiderSetting = (typeof widerSettings)[number];

/** An image of WIDER FACE and its labelled faces. */
export interface WiderImage {
  /** `EVENT/NAME`, without a suffix: `0--Parade/0_Parade_marchingband_1_849`. */
  readonly name: string;
  /** x, y, width, height of each face, in pixels. */
  readonly boxes: Float64Array;
  /**
   * Six values a face in the order of `widerAttributes`: blur 0–2, expression 0–1, illumination 0–1, invalid 0–1,
   * occlusion 0–2, pose 0–1.
   */
  readonly attributes: Uint8Array;
  /**
   * For each official subset, 1 where a face counts and 0 where it is ignored; absent without the official `.mat`
   * files.
   */
  readonly counted?: Readonly<Record<WiderSetting, Uint8Array>>;
  /** Where the image stands in its annotation file, from 1; absent where it comes from `.mat` files. */
  readonly line?: number;
}

const picture = /\.(jpe?g|png|webp|bmp)$/i;

/**
 * Whether a line of a list can be the path of a picture: printable, and its last two parts name a file below the root
 * that others join.
 */
export function isPicturePath(path: string): boolean {
  return (
    path.length <= 4096 && picture.test(path) && !/\p{Cc}/u.test(path) && !path.split(/[/\\]/).slice(-2).includes('..')
  );
}

/**
 * `EVENT/NAME` of a path to a picture or a predictions file, whatever folders stand before and whatever suffix after.
 */
export function widerName(path: string): string {
  const parts = path.split(/[/\\]/).slice(-2);
  return parts.join('/').replace(/\.(jpe?g|png|webp|bmp|txt)$/i, '');
}
