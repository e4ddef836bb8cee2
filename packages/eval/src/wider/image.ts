/** The attributes of a face in WIDER FACE, in the order of its annotation files. */
export const widerAttributes = ['blur', 'expression', 'illumination', 'invalid', 'occlusion', 'pose'] as const;

/** One of the six attributes of a face. */
export type WiderAttribute = (typeof widerAttributes)[number];

/** The official subsets of WIDER FACE by difficulty; each contains the one before. */
export const widerSubsets = ['easy', 'medium', 'hard'] as const;

/** One of the official subsets. */
export type WiderSubset = (typeof widerSubsets)[number];

/** An image of WIDER FACE and its labeled faces. */
export interface WiderImage {
  /** `EVENT/NAME`, without an extension: `0--Parade/0_Parade_marchingband_1_849`. */
  readonly name: string;
  /** x, y, width, height of each face, in pixels. */
  readonly boxes: Float64Array;
  /**
   * Six values per face in the order of `widerAttributes`: blur 0–2, expression 0–1, illumination 0–1, invalid 0–1,
   * occlusion 0–2, pose 0–1.
   */
  readonly attributes: Uint8Array;
  /**
   * For each official subset, 1 for each face that it contains and 0 for each that it ignores; absent without the
   * official `.mat` files.
   */
  readonly counted?: Readonly<Record<WiderSubset, Uint8Array>>;
  /** The image's line in its annotation file, from 1; absent for images of `.mat` files. */
  readonly line?: number;
}

/** Whether a face has an attribute, as its number. */
export function attributeOf({ attributes }: WiderImage, face: number, attribute: WiderAttribute): number {
  return attributes[widerAttributes.length * face + widerAttributes.indexOf(attribute)]!;
}

/** 1 for each face that is not marked invalid (too blurred or small for the annotators to be sure). */
export function validFaces(image: WiderImage): Uint8Array {
  return Uint8Array.from({ length: image.boxes.length / 4 }, (_, face) =>
    attributeOf(image, face, 'invalid') ? 0 : 1,
  );
}

const imageExtension = /\.(jpe?g|png|webp|bmp)$/i;

/**
 * Whether a line of a list can be the path of an image: printable, and its last two parts name a file below the folder
 * to which others join them.
 */
export function isImagePath(path: string): boolean {
  return (
    path.length <= 4096 &&
    imageExtension.test(path) &&
    !/\p{Cc}/u.test(path) &&
    !path.split(/[/\\]/).slice(-2).includes('..')
  );
}

/** `EVENT/NAME` of a path to an image or a predictions file, without the folders before and the extension after. */
export function widerName(path: string): string {
  const parts = path.split(/[/\\]/).slice(-2);
  return parts.join('/').replace(/\.(jpe?g|png|webp|bmp|txt)$/i, '');
}
