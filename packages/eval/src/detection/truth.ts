import { FaceDetError, received } from '@facedet/checks';
import { mismatched } from '../text/malformed.ts';

/** An image and the faces that are labelled in it. */
export interface TruthImage {
  /** What predictions name it by: a path or file name, without its suffix. */
  readonly name: string;
  /** x, y, width, height of each, in pixels. */
  readonly boxes: Float64Array;
  /** Area of each face in square pixels, which decides whether it is small, medium or large; absent: width × height. */
  readonly areas?: Float64Array;
  /**
   * 1 where a face neither counts as missed nor makes a prediction wrong (VOC's `difficult`, WIDER's `invalid`);
   * absent: none.
   */
  readonly ignored?: Uint8Array;
  /**
   * 1 where a box holds a crowd (COCO's `iscrowd`): ignored, and any number of predictions may lie in it; absent: none.
   */
  readonly crowd?: Uint8Array;
  /** Width of the image in pixels, where the labels tell it. */
  readonly width?: number;
  /** Height of the image in pixels, where the labels tell it. */
  readonly height?: number;
}

/** The path of a picture or of its labels without the suffix, with forward slashes. */
export function withoutSuffix(path: string): string {
  return path.replaceAll('\\', '/').replace(/\.(jpe?g|png|webp|bmp|tiff?|gif|avif|txt|xml)$/i, '');
}

/**
 * Finds an image by the path that a prediction gives: the one whose name ends it, however many folders stand before
 * either.
 *
 * @throws FaceDetError `MISMATCHED_FILES` where the end of the path fits several images.
 */
export function imageFinder<T extends { readonly name: string }>(
  images: readonly T[],
): (path: string) => T | undefined {
  const byStem = new Map<string, T[]>();
  const stemOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
  for (const image of images) {
    const stem = stemOf(image.name);
    const others = byStem.get(stem);
    if (others) others.push(image);
    else byStem.set(stem, [image]);
  }
  return (path) => {
    const name = withoutSuffix(path);
    const candidates = byStem.get(stemOf(name)) ?? [];
    if (candidates.length < 2) return candidates[0];
    const common = candidates.map((image) => sharedParts(image.name, name));
    const most = common.reduce((a, b) => Math.max(a, b), 0);
    const fitting = candidates.filter((_, k) => common[k] === most);
    if (fitting.length > 1) {
      const names = fitting
        .slice(0, 3)
        .map((image) => image.name)
        .join(', ');
      throw mismatched(
        path,
        'a path that fits one image of the ground truth',
        `one that fits ${fitting.length} (${names}); give their folders too`,
      );
    }
    return fitting[0];
  };
}

/** How many parts two paths have in common, counted from their ends. */
function sharedParts(a: string, b: string): number {
  const left = a.split('/').reverse();
  const right = b.split('/').reverse();
  let k = 0;
  while (k < left.length && left[k] === right[k]) k++;
  return k;
}

/** Throws `INVALID_ARGUMENT` for an image whose arrays have lengths that contradict each other. */
export function checkTruthImage({ name, boxes, areas, ignored, crowd }: TruthImage): void {
  const faces = boxes.length / 4;
  for (const [field, values] of Object.entries({ areas, ignored, crowd })) {
    if (Number.isInteger(faces) && (values === undefined || values.length === faces)) continue;
    const expected = `four numbers in boxes and one in ${field} for each face of ${received(name)}`;
    const found = `${boxes.length} and ${values?.length ?? 'none'}`;
    throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${found}.`);
  }
}
