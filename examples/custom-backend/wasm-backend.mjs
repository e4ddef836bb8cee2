// A custom inference backend: an object with `createSession`, whose session lists its inputs and outputs and runs.
// The engine here is onnxruntime-web's WebAssembly, in Node: no native binary, one thread, any platform.
import { FaceDetError } from '@facedet/core';
import * as ort from 'onnxruntime-web';

/** @returns {import('@facedet/core').InferenceBackend} */
export default function wasmBackend({ logLevel = 'fatal' } = {}) {
  ort.env.logLevel = logLevel;
  ort.env.wasm.numThreads = 1;
  return {
    name: 'onnxruntime-web/wasm',

    async createSession(model, { signal } = {}) {
      signal?.throwIfAborted();
      let session;
      try {
        const bytes = model instanceof Uint8Array ? model : await readModel(model);
        session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
      } catch (cause) {
        // One code for every model that can't be loaded, so that callers need not know this engine's messages.
        throw new FaceDetError(
          'MODEL_UNUSABLE',
          `Expected an ONNX model but received an error: ${cause.message ?? cause}; check the file.`,
          { cause },
        );
      }
      let disposed;

      return {
        inputs: session.inputMetadata.map(({ name, type, shape }) => ({ name, type, shape })),
        outputs: session.outputMetadata.map(({ name, type, shape }) => ({ name, type, shape })),

        async run(feeds, { signal } = {}) {
          if (disposed)
            throw new FaceDetError('DISPOSED', 'Expected a session in use but it was disposed; create a new one.');
          signal?.throwIfAborted();
          const inputs = Object.fromEntries(
            Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
          );
          const outputs = await session.run(inputs);
          signal?.throwIfAborted();
          return Object.fromEntries(
            Object.entries(outputs).map(([name, { type, data, dims }]) => [name, { type, data, dims }]),
          );
        },

        dispose() {
          return (disposed ??= session.release());
        },
      };
    },
  };
}

async function readModel(model) {
  const { readFile } = await import('node:fs/promises');
  const remote = /^https?:/.test(String(model));
  return remote ? new Uint8Array(await (await fetch(model)).arrayBuffer()) : new Uint8Array(await readFile(model));
}
