import { expect, it } from 'vitest';
import { countsLine, skippedIn } from './counts.ts';

it('counts files, faces, failures and what is skipped, one and many', () => {
  expect(countsLine({ files: 1, faces: 1, failures: 1, skipped: 1 })).toBe(
    'facedet: 1 file done, 1 face, 1 failure, 1 skipped',
  );
  expect(countsLine({ files: 0, faces: 0, failures: 0 })).toBe('facedet: 0 files done, 0 faces, 0 failures, 0 skipped');
  const all = {
    files: 2,
    frames: 250,
    faces: 12,
    tracks: 3,
    maskedFrames: 1,
    failedFrames: 2,
    doneBefore: 4,
    left: 5,
    failures: 2,
    skipped: 6,
  };
  expect(countsLine(all, '; more')).toBe(
    'facedet: 2 files done, 250 frames, 12 faces, 3 tracks, 1 frame masked whole, 2 frames without ' +
      'detections, 4 files done before, 5 files not processed, 2 failures, 6 skipped; more',
  );
  expect(countsLine({ files: 1, unit: 'source', failures: 0 })).toBe('facedet: 1 source done, 0 failures, 0 skipped');
  expect(
    skippedIn([
      { source: 'a', counts: { text: 2, folder: 1 } },
      { source: 'b', counts: { PDF: 1 } },
    ]),
  ).toBe(4);
});
