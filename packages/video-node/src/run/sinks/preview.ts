import { marksOf, type EditOptions } from '../editor.ts';
import { previewPicture, type Preview } from '../preview.ts';
import type { Sink } from './sink.ts';

/** Shows each frame that the detector or the tracker has seen, with its faces marked. */
export function previewSink(
  preview: Preview,
  options: EditOptions,
  statistics: () => { readonly identities: number },
): Sink {
  const marks = marksOf(options);
  return {
    frames: Infinity,
    async write({ frame, row, result }) {
      if (!result) return;
      const image = () => previewPicture(frame, row.faces, marks);
      await preview.push({
        image,
        faces: row.faces,
        index: row.frame,
        timestamp: row.timestamp,
        statistics: statistics(),
      });
    },
    complete() {},
    commit() {},
    leave() {},
    discard() {},
  };
}
