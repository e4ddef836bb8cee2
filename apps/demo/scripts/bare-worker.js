/* global self */
import * as ort from './ort.wasm.min.mjs';

// Bare onnxruntime-web in a worker: the same picture again and again, nothing else. Answers with frames per second.

let session;
let feeds;

self.onmessage = async ({ data: { model, threads, dims, seconds } }) => {
  if (model) {
    ort.env.wasm.wasmPaths = new URL('../ort/', self.location.href).href;
    ort.env.wasm.numThreads = threads;
    session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ['wasm'] });
    feeds = {
      [session.inputNames[0]]: new ort.Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)), dims),
    };
    await session.run(feeds);
    self.postMessage(0);
    return;
  }
  const start = performance.now();
  let frames = 0;
  let spent = 0;
  for (; spent < 1000 * seconds; frames++) {
    await session.run(feeds);
    spent = performance.now() - start;
  }
  self.postMessage((1000 * frames) / spent);
};
