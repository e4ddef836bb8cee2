import { checkOptionNames, FaceDetError, received } from '@facedet/checks';

/** An image and its labeled faces. */
export interface LabeledImage {
  /** The name that predictions use: a path or file name, without its extension. */
  readonly name: string;
  /** x, y, width, height of each face, in pixels. */
  readonly boxes: Float64Array;
  /**
   * Area of each face in square pixels, which decides whether it is small, medium or large; default width × height.
   */
  readonly areas?: Float64Array;
  /**
   * 1 for each face that counts neither as missed nor, where a prediction matches it, as a false positive (VOC's
   * `difficult`, WIDER's `invalid`); default none.
   */
  readonly ignored?: Uint8Array;
  /** 1 for each box of a crowd (COCO's `iscrowd`): ignored, and matched by any number of predictions; default none. */
  readonly crowd?: Uint8Array;
  /** Width of the image in pixels, where the labels state it. */
  readonly width?: number;
  /** Height of the image in pixels, where the labels state it. */
  readonly height?: number;
}

/** Which objects of a file are faces. */
export interface LabelOptions {
  /** Only objects of this class (its name; in YOLO labels its number); default all. */
  readonly label?: string;
}

/** Returns the class of the options; throws `INVALID_ARGUMENT`. */
export function checkLabel(options: LabelOptions): string | undefined {
  checkOptionNames(options, ['label']);
  const { label } = options;
  if (label === undefined || typeof label === 'string') return label;
  throw new FaceDetError('INVALID_ARGUMENT', `Expected the name of a class for label but received ${received(label)}.`);
}

/** Throws `INVALID_ARGUMENT` for an image whose arrays have inconsistent lengths. */
export function checkImage({ name, boxes, areas, ignored, crowd }: LabeledImage): void {
  const faces = boxes.length / 4;
  for (const [field, values] of Object.entries({ areas, ignored, crowd })) {
    if (Number.isInteger(faces) && (values === undefined || values.length === faces)) continue;
    const expected = `four numbers in boxes and one in ${field} for each face of ${received(name)}`;
    const found = `${boxes.length} and ${values?.length ?? 'none'}`;
    throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${found}.`);
  }
}
