import { parentPort, workerData } from 'node:worker_threads';
import type { InferenceBackend, InferenceSession } from '@facedet/core';
import { createEngine, packError } from '@facedet/core/engine';
import { importBackend } from './backend-module.ts';
import { onnxBackend, type OnnxSession } from './backend.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.ts';

// One session in a thread of its own: pixels in, faces out. The pool sends the next task when the last is answered.

const port = parentPort!;
const send = (message: FromWorker, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, [...transfer]);

async function serve({ backend: choice, model, settings }: WorkerSetup): Promise<void> {
  const backend: InferenceBackend =
    choice.kind === 'onnx' ? onnxBackend(choice.options) : await importBackend(choice.module, choice.options);
  const session: InferenceSession = await backend.createSession(
    'text' in model ? (model.url ? new URL(model.text) : model.text) : model,
  );
  const engine = await Promise.resolve()
    .then(() => createEngine(session, settings))
    .catch(async (error: unknown) => {
      await session.dispose();
      throw error;
    });

  const answer = async (task: ToWorker): Promise<void> => {
    if (task.type === 'end') {
      await session.dispose();
      return send({ type: 'ended' });
    }
    const reuse = task.type === 'detect' ? task.reuse : [];
    try {
      const faces =
        task.type === 'detect'
          ? (await engine.detect([task.passes], { scoreThreshold: task.scoreThreshold, rotate: task.rotate }))[0]!
          : (await engine.warmup(task.width, task.height), []);
      send({ type: 'done', faces, reuse }, reuse);
    } catch (error) {
      send({ type: 'failed', error: packError(error), reuse }, reuse);
    }
  };
  // One task at a time, also where `end` comes during a run: a session's run starts late and reads its input then.
  let last = Promise.resolve();
  port.on('message', (task: ToWorker) => {
    last = last.then(() => answer(task));
  });
  const { provider, fallbacks = [] } = session as Partial<OnnxSession>;
  send({ type: 'ready', info: { backend: backend.name, model: engine.model, provider, fallbacks } });
}

serve(workerData as WorkerSetup).catch((error: unknown) => send({ type: 'refused', error: packError(error) }));
