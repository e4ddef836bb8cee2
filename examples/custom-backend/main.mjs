// The faces of a picture, found by the engine in wasm-backend.mjs: node main.mjs PICTURE MODEL.onnx
import { createDetector as createInThread } from '@facedet/core';
import { createDetector, readImage } from '@facedet/runtime-node';
import wasmBackend from './wasm-backend.mjs';

const [photo, model] = process.argv.slice(2);
if (!photo || !model) {
  console.error('node main.mjs PICTURE MODEL.onnx');
  process.exit(2);
}
const image = await readImage(photo);

// In this thread: any backend goes straight into core's detector.
const inThread = await createInThread({ backend: wasmBackend(), model });
print('in this thread', await inThread.detect(image));
await inThread.dispose();

// In a pool of threads: a backend can't be sent there, so its module is named.
const pool = await createDetector({ backend: { module: new URL('./wasm-backend.mjs', import.meta.url) }, model, workers: 2 });
print(`in ${pool.concurrency} threads, ${pool.info.backend}`, await pool.detect(image));
await pool.dispose();

function print(where, faces) {
  console.log(`${where}: ${faces.length} faces`);
  for (const { box, score } of faces) console.log(`  ${score.toFixed(2)} at ${Math.round(box.x)},${Math.round(box.y)} ${Math.round(box.width)}×${Math.round(box.height)}`);
}
