import type { PixelBuffer } from '@facedet/core';
import { createEngine, derivedPixels, packError, type DetectionEngine, type PassPixels } from '@facedet/core/engine';
import { webBackend } from './backend.ts';
import { pixelsOf } from './image-source.ts';
import type { WebSession } from './session.ts';
import type { FromWorker, ToWorker, WebPass } from './worker-protocol.ts';

/** What a worker's global scope offers, as far as it is used here. */
export interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}

/** Answers a page's tasks one after another: one session, pixels in, faces out. For a worker script of one's own. */
export function serveDetector(scope: WorkerScope): void {
  let session: WebSession | null = null;
  let engine: DetectionEngine | null = null;
  let last: Promise<void> = Promise.resolve();

  async function answer(message: ToWorker): Promise<FromWorker> {
    const { id } = message;
    if (message.type === 'open') {
      session = await webBackend(message.backend).createSession(message.model);
      engine = createEngine(session, message.settings);
      return { id, type: 'opened', model: engine.model, selection: session.selection };
    }
    if (message.type === 'warmup') {
      await engine!.warmup(message.width, message.height);
      return { id, type: 'warm' };
    }
    const start = performance.now();
    const images = message.images.map(readPasses);
    const ready = performance.now();
    const faces = await engine!.detect(images, { scoreThreshold: message.scoreThreshold, rotate: message.rotate });
    return {
      id,
      type: 'faces',
      faces,
      selection: session!.selection,
      times: { read: ready - start, detect: performance.now() - ready },
    };
  }

  scope.onmessage = ({ data }) => {
    last = last.then(async () => {
      try {
        scope.postMessage(await answer(data));
      } catch (error) {
        scope.postMessage({ id: data.id, type: 'failed', error: packError(error) });
      }
    });
  };
}

function readPasses(items: readonly WebPass[]): PassPixels[] {
  const passes: PassPixels[] = [];
  for (const item of items) {
    if ('pixels' in item) passes.push(item);
    else if (item.bitmap) passes.push({ pass: item.pass, crop: null, pixels: readBitmap(item.bitmap) });
    else passes.push(derivedPixels(item.pass, passes[item.pass.from!]!));
  }
  return passes;
}

function readBitmap(bitmap: ImageBitmap): PixelBuffer {
  try {
    return pixelsOf(bitmap);
  } finally {
    bitmap.close();
  }
}
