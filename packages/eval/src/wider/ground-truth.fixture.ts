import { type Writable, writeMatlab } from './write-matlab.fixture.ts';

/** The event and the images of all four `.mat` files: `e/a` with two faces, `e/b` with one. */
export const imageLists: Record<string, Writable> = {
  event_list: { cells: ['e'] },
  file_list: { cells: [{ cells: ['a', 'b'] }] },
};

const labels: Writable = { cells: [{ cells: [[0, 1], [0]] }] };
const secondBoxes: Writable = [[9, 9, 9, 9]];
const firstBoxes: Writable = [
  [1, 2, 3, 4],
  [5, 6, 7, 8],
];

/** `wider_face_val.mat` for these images: boxes, and attributes, all 1 for the second face of `e/a` and else 0. */
export function faceFile(): Uint8Array {
  const attributes = ['blur', 'expression', 'illumination', 'invalid', 'occlusion', 'pose'];
  return writeMatlab({
    ...imageLists,
    face_bbx_list: { cells: [{ cells: [firstBoxes, secondBoxes] }] },
    ...Object.fromEntries(attributes.map((name) => [`${name}_label_list`, labels])),
  });
}

/** The file of a subset: per image, the indices of its faces, from 1. `over` replaces variables. */
export function subsetFile(indices: number[][], over: Record<string, Writable> = {}): Uint8Array {
  return writeMatlab({ ...imageLists, gt_list: { cells: [{ cells: indices }] }, ...over });
}
