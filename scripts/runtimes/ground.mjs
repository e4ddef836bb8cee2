// The ground packages' built output at work: a detector on a fake engine, a tracker, a smoother. Plain JavaScript that
// any runtime can load; it throws where a result is not the expected one and prints one line where all are.
import { createDetector } from '../../packages/core/dist/index.js';
import { fakeBackend } from '../../packages/core/dist/testing/index.js';
import { createSmoother } from '../../packages/temporal/dist/index.js';
import { createTracker } from '../../packages/tracker/dist/index.js';

function check(condition, what) {
  if (!condition) throw new Error(`expected ${what}`);
}

const truth = [
  { x: 80, y: 60, width: 64, height: 80 },
  { x: 320, y: 200, width: 48, height: 60 },
];
const image = { width: 640, height: 480, format: 'rgb', data: new Uint8Array(640 * 480 * 3) };
const backend = fakeBackend({ faces: truth.map((box, i) => ({ box, score: 0.9 - i / 10 })), landmarks: false });
const detector = await createDetector({ backend, model: new Uint8Array(), inputSize: { width: 640, height: 640 } });
const faces = await detector.detect(image);
await detector.dispose();
check(faces.length === 2, `two faces, found ${faces.length}`);
faces.forEach(({ box }, i) =>
  check(
    Math.abs(box.x - truth[i].x) < 0.5 && Math.abs(box.height - truth[i].height) < 0.5,
    `a face at ${JSON.stringify(truth[i])}, found ${JSON.stringify(box)}`,
  ),
);

const tracker = createTracker();
const smoother = createSmoother();
for (let frame = 0; frame < 50; frame++) {
  const time = frame / 25;
  const moved = faces.map(({ box, score }, i) => ({ box: { ...box, x: box.x + 2 * frame * (i ? -1 : 1) }, score }));
  const tracks = tracker.update(moved, time);
  const smooth = smoother.smooth(tracks, time);
  check(
    tracks
      .map(({ id }) => id)
      .sort()
      .join() === '1,2',
    `Expected the track IDs 1 and 2 in frame ${frame} but received ${tracks.map(({ id }) => id)}`,
  );
  smooth.forEach(({ box }, i) =>
    check(Math.abs(box.x - tracks[i].box.x) < 20, `a smoothed box near its track in frame ${frame}`),
  );
}
console.log('detector, tracker and smoother work');
