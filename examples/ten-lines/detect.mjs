// The faces of a picture in ten lines: node detect.mjs PICTURE [MODEL]
import { resolveModel } from '@facedet/models/node';
import { createDetector, readImage } from '@facedet/runtime-node';

const [photo, model] = process.argv.slice(2);
const detector = await createDetector({ model: (await resolveModel(model)).path, workers: 1 });
for (const { box, score } of await detector.detect(await readImage(photo))) {
  const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(Math.round);
  console.log(`${score.toFixed(2)} at ${x},${y}, ${width} × ${height} pixels`);
}
await detector.dispose();
