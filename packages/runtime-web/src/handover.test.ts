import { describe, expect, it } from 'vitest';
import type { ImageSource, PixelBuffer, RasterSource } from '@facedet/core';
import { createDetector } from './detector.ts';
import type { FromWorker, ToWorker, WebPass } from './worker-protocol.ts';

type Detect = Extract<ToWorker, { type: 'detect' }>;

/** A worker that clones as a browser does and finds nothing; `received` are its tasks. */
function cloningWorker(received: Detect[]): Worker {
  const worker = {
    onmessage: null as ((event: { data: FromWorker }) => void) | null,
    postMessage(message: ToWorker, transfer: Transferable[]) {
      const task = structuredClone(message, { transfer });
      if (task.type === 'detect') received.push(task);
      const selection = { provider: 'wasm', threads: 1, reason: '' } as never;
      const { id } = task;
      const model = { input: 'input.1', width: null, height: null, batch: null };
      const answer: FromWorker =
        task.type === 'open'
          ? { id, type: 'opened', model, selection }
          : task.type === 'warmup'
            ? { id, type: 'warm' }
            : { id, type: 'faces', faces: task.images.map(() => []), selection, times: { read: 0, detect: 0 } };
      queueMicrotask(() => worker.onmessage?.({ data: answer }));
    },
    terminate() {},
  };
  return worker as never;
}

async function sent(images: readonly ImageSource[]): Promise<Detect> {
  const received: Detect[] = [];
  const detector = await createDetector({ model: new Uint8Array(8), worker: () => cloningWorker(received) });
  expect(await detector.detectBatch(images)).toEqual(images.map(() => []));
  await detector.dispose();
  return received[0]!;
}

const pixelsOf = (pass: WebPass): PixelBuffer => (pass as { pixels: PixelBuffer }).pixels;

describe('pixels on their way to the worker', () => {
  const frame = () => ({
    width: 8,
    height: 4,
    format: 'rgb' as const,
    data: Uint8Array.from({ length: 96 }, (_, i) => i),
  });

  it('may be those of a frame with methods, which stays the caller’s', async () => {
    const image = { ...frame(), index: 0, timestamp: 0, close: () => {} };
    const task = await sent([image]);
    expect(pixelsOf(task.images[0]![0]!)).toEqual(frame());
    expect(image.data).toEqual(frame().data);
  });

  it('are no more than their rows, where they are a part of larger memory', async () => {
    const memory = new Uint8Array(1_000_000).fill(7);
    const stride = 100;
    const image: PixelBuffer = { width: 8, height: 4, format: 'rgb', data: memory.subarray(500, 1000), stride };
    const task = await sent([image]);
    const { data } = pixelsOf(task.images[0]![0]!);
    expect(data.buffer.byteLength).toBe(3 * stride + 24);
    expect(memory.byteLength).toBe(1_000_000);
  });

  /** Makes its pixels in memory of the given kind. */
  const source = (memory: (bytes: number) => Uint8Array): RasterSource => ({
    width: 640,
    height: 480,
    rasterize: (width, height) => ({ width, height, format: 'rgb', data: memory(width * height * 3).fill(9) }),
  });

  it.each([
    ['shared memory', (bytes: number) => new Uint8Array(new SharedArrayBuffer(bytes))],
    [
      'an engine’s memory',
      (bytes: number) => new Uint8Array(new WebAssembly.Memory({ initial: 100 }).buffer, 64, bytes),
    ],
    ['memory of its own', (bytes: number) => new Uint8Array(bytes)],
  ])('may be in %s', async (_, memory) => {
    const task = await sent([source(memory), source(memory)]);
    for (const [first, small] of task.images) {
      expect(pixelsOf(first!).data[0]).toBe(9);
      // The small pass is scaled down from the same pixels: they are sent once.
      expect(pixelsOf(small!)).toBe(pixelsOf(first!));
    }
  });

  it('leave the rest of a source’s memory with the source', async () => {
    const pool = new Uint8Array(4_000_000);
    await sent([source((bytes) => pool.subarray(0, bytes))]);
    expect(pool.byteLength).toBe(4_000_000);
  });
});

it('disposes a detector at the end of its `await using`', async () => {
  const detector = await createDetector({ model: new Uint8Array(8), worker: () => cloningWorker([]) });
  await Promise.all([detector[Symbol.asyncDispose](), detector[Symbol.asyncDispose](), detector.dispose()]);
  const image = { width: 8, height: 8, format: 'gray', data: new Uint8Array(64) } as const;
  await expect(detector.detect(image)).rejects.toMatchObject({ code: 'DISPOSED' });
});
