// Detects the faces of an image with the backend in wasm-backend.mjs: node main.mjs IMAGE MODEL.onnx
import { createDetector as createInThread } from '@facedet/core';
import { createDetector, readImage } from '@facedet/runtime-node';
import wasmBackend from './wasm-backend.mjs';

const [file, model] = process.argv.slice(2);
if (!file || !model) {
  console.error('node main.mjs IMAGE MODEL.onnx');
  process.exit(2);
}
const image = await readImage(file);

// In this thread: core's detector takes any backend.
const inThread = await createInThread({ backend: wasmBackend(), model });
print('in this thread', await inThread.detect(image));
await inThread.dispose();

// In a pool of threads: a backend can't be sent to a thread, so pass its module's URL.
const pool = await createDetector({
  backend: { module: new URL('./wasm-backend.mjs', import.meta.url) },
  model,
  workers: 2,
});
print(`in ${pool.concurrency} threads, ${pool.info.backend}`, await pool.detect(image));
await pool.dispose();

function print(where, faces) {
  console.log(`${where}: ${faces.length} faces`);
  for (const { box, score } of faces) {
    const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(Math.round);
    console.log(`  ${score.toFixed(2)} at ${x},${y} ${width}×${height}`);
  }
}
