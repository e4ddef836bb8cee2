import { mismatched } from '../text/file-errors.ts';

/** The path of an image or of its labels without the extension, with forward slashes. */
export function withoutExtension(path: string): string {
  return path.replaceAll('\\', '/').replace(/\.(jpe?g|png|webp|bmp|tiff?|gif|avif|txt|xml)$/i, '');
}

/**
 * Creates a function that finds an image by the path in a prediction: the image that shares the most trailing parts of
 * the path, whatever folders precede either.
 *
 * @throws FaceDetError the created function: `MISMATCHED_FILES` where several images share as many.
 */
export function createImageFinder<T extends { readonly name: string }>(
  images: readonly T[],
): (path: string) => T | undefined {
  const byBaseName = new Map<string, T[]>();
  for (const image of images) {
    const baseName = baseNameOf(image.name);
    const others = byBaseName.get(baseName);
    if (others) others.push(image);
    else byBaseName.set(baseName, [image]);
  }
  return (path) => {
    const name = withoutExtension(path);
    const candidates = byBaseName.get(baseNameOf(name)) ?? [];
    if (candidates.length < 2) return candidates[0];
    const shared = candidates.map((image) => sharedParts(image.name, name));
    const most = shared.reduce((a, b) => Math.max(a, b), 0);
    const best = candidates.filter((_, k) => shared[k] === most);
    if (best.length === 1) return best[0];
    const names = best.slice(0, 3).map((image) => image.name);
    throw mismatched(
      path,
      'a path that fits one image of the ground truth',
      `one that fits ${best.length} (${names.join(', ')}); add their folders`,
    );
  };
}

function baseNameOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** How many trailing parts two paths have in common. */
function sharedParts(a: string, b: string): number {
  const left = a.split('/').reverse();
  const right = b.split('/').reverse();
  let k = 0;
  while (k < left.length && left[k] === right[k]) k++;
  return k;
}
