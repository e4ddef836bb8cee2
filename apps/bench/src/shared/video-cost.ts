// What a frame of a video costs at least: decoding it, FFmpeg's scaling, one run of the model, each alone and on one
// thread.
import { letterbox, type InputSize } from '@facedet/core';
import { onnxBackend } from '@facedet/runtime-node';
import { openVideo, type VideoFrame } from '@facedet/video-node';
import { cpuTime, median } from './measure.ts';

/** Milliseconds of CPU time per frame. */
export interface FrameCost {
  readonly decode: number;
  readonly scale: number;
  readonly run: number;
}

/**
 * Decodes a video, with scaling to the model's canvas and without, and runs a bare session on it: medians of `rounds`
 * passes over up to `frames` frames.
 */
export async function frameCost(
  path: string,
  model: string,
  inputSize: InputSize,
  { rounds = 3, frames = 100, run = bareRun } = {},
): Promise<FrameCost> {
  const decodes: number[] = [];
  const scales: number[] = [];
  let input = { inputWidth: 0, inputHeight: 0 };
  for (let round = 0; round < rounds; round++) {
    const decode = await decoding(path, frames);
    const both = await decoding(path, frames, async (frame) => {
      const box = letterbox(frame, inputSize, 'paper');
      input = box;
      await frame.rasterize(box.width, box.height);
    });
    decodes.push(decode);
    scales.push(both - decode);
  }
  return { decode: median(decodes), scale: median(scales), run: await run(model, input.inputWidth, input.inputHeight) };
}

/** CPU time per frame, without the opening and the first frames. */
async function decoding(path: string, frames: number, use?: (frame: VideoFrame) => Promise<void>): Promise<number> {
  const video = await openVideo(path, { threads: 1 });
  const ignored = 10;
  let [begin, count] = [0, 0];
  for await (const frame of video) {
    if (count === ignored) begin = cpuTime();
    if (use) await use(frame);
    frame.close();
    if (++count === frames + ignored) break;
  }
  const spent = cpuTime() - begin;
  await video.close();
  return spent / (count - ignored);
}

/** Milliseconds of CPU time of one `session.run` with one thread on a canvas, median. */
export async function bareRun(model: string, width: number, height: number): Promise<number> {
  const session = await onnxBackend({ threads: 1 }).createSession(model);
  const feeds = {
    [session.inputs[0]!.name]: {
      type: 'float32',
      data: new Float32Array(3 * width * height).fill(0.1),
      dims: [1, 3, height, width],
    },
  };
  const times: number[] = [];
  for (let i = 0; i < 45; i++) {
    const begin = cpuTime();
    await session.run(feeds);
    if (i >= 5) times.push(cpuTime() - begin);
  }
  await session.dispose();
  return median(times);
}
