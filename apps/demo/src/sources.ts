import { FaceDetError, type Frame } from '@facedet/core';
import { imageSource, streamFrames, videoFrames, type WebFrame } from '@facedet/runtime-web';

/** Frames for the demo: the scene, a camera, a video or a picture. */
export interface Source {
  readonly kind: 'scene' | 'camera' | 'video' | 'picture';
  readonly name: string;
  frames(signal: AbortSignal): AsyncIterable<WebFrame>;
  pause(paused: boolean): void;
  close(): void;
}

async function frameOf(image: ImageBitmap, index: number, timestamp: number): Promise<WebFrame> {
  const source = await imageSource(image);
  return { ...source, image, index, timestamp, close: () => image.close() } satisfies Frame & { image: ImageBitmap };
}

/** A gate that frames wait at while the viewer pauses. */
function gate() {
  let open = Promise.resolve();
  let release = () => {};
  return {
    wait: () => open,
    set(paused: boolean) {
      release();
      open = paused ? new Promise<void>((done) => (release = done)) : Promise.resolve();
    },
  };
}

/** The most seconds by which the scene advances from one frame to the next, so that a pause causes no jump. */
const LONGEST_STEP = 0.2;

/**
 * The built-in scene: it needs neither camera nor network. Only frames that the detector asks for are rendered, each
 * for the time at which it is asked for.
 */
export function sceneSource(): Source {
  const worker = new Worker(new URL('./scene-worker.ts', import.meta.url), { type: 'module', name: 'scene' });
  const paused = gate();
  let give = (_: null) => {};
  const ask = (index: number) =>
    new Promise<{ bitmap: ImageBitmap; index: number; fps: number } | null>((resolve, reject) => {
      give = resolve;
      worker.onmessage = ({ data }) => resolve(data as { bitmap: ImageBitmap; index: number; fps: number });
      worker.onerror = (event) =>
        reject(new FaceDetError('WORKER_FAILED', `Expected the scene's painter to run but it ended: ${event.message}`));
      worker.postMessage(index);
    });
  // The first frame is rendered while the model is loaded.
  let first: ReturnType<typeof ask> | null = ask(0);
  first.catch(() => {});
  return {
    kind: 'scene',
    name: 'scene',
    async *frames(signal) {
      signal.addEventListener('abort', () => give(null), { once: true });
      let next = first ?? ask(0);
      first = null;
      let last = performance.now();
      for (let index = 0; !signal.aborted; index++) {
        const painted = await next;
        if (!painted) return;
        await paused.wait();
        const step = 1000 / painted.fps;
        await new Promise((done) => setTimeout(done, Math.max(last + step - performance.now(), 0)));
        if (signal.aborted) {
          painted.bitmap.close();
          return;
        }
        // The next frame is rendered while the detector runs on this one.
        const now = performance.now();
        const frames = Math.max(Math.round(Math.min(now - last, 1000 * LONGEST_STEP) / step), 1);
        last = Math.max(last + frames * step, now - step);
        next = ask(painted.index + frames);
        yield await frameOf(painted.bitmap, index, painted.index / painted.fps);
      }
    },
    pause: paused.set,
    close: () => worker.terminate(),
  };
}

/**
 * The viewer's camera. Rejects as `getUserMedia`, with `CAMERA_UNAVAILABLE` where the browser offers none to this page.
 */
export async function cameraSource(): Promise<Source> {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices?.getUserMedia)
    throw new FaceDetError(
      'CAMERA_UNAVAILABLE',
      'This browser gives no camera to this page: open it by HTTPS or from localhost, or watch the scene instead.',
    );
  const stream = await devices.getUserMedia({
    video: { width: { ideal: 1280 }, height: { ideal: 720 } },
    audio: false,
  });
  const paused = gate();
  return {
    kind: 'camera',
    name: 'camera',
    async *frames(signal) {
      for await (const frame of streamFrames(stream, { signal })) {
        await paused.wait();
        yield frame;
      }
    },
    pause: paused.set,
    close: () => stream.getTracks().forEach((track) => track.stop()),
  };
}

/** Whether a file is a video rather than a picture, by its type, or by its name where the browser knows no type. */
export const isVideo = ({ type, name }: File): boolean =>
  type.startsWith('video/') || /\.(mp4|webm|mov|mkv|m4v)$/i.test(name);

/**
 * A picture or a video from the viewer's disk. Rejects with `IMAGE_UNREADABLE` or `VIDEO_UNREADABLE` where this browser
 * can't show it.
 */
export async function fileSource(file: File): Promise<Source> {
  if (isVideo(file)) return videoSource(file);
  const source = await imageSource(file);
  const bitmap = await source.bitmap(source.width, source.height);
  source.close?.();
  return {
    kind: 'picture',
    name: file.name,
    async *frames(signal) {
      // The detector runs once on a picture; a changed setting starts another run.
      if (!signal.aborted) yield await frameOf(await createImageBitmap(bitmap), 0, 0);
    },
    pause() {},
    close: () => bitmap.close(),
  };
}

async function videoSource(file: File): Promise<Source> {
  const video = document.createElement('video');
  const url = URL.createObjectURL(file);
  Object.assign(video, { src: url, muted: true, playsInline: true, loop: true });
  await new Promise<void>((resolve, reject) => {
    video.onloadeddata = () => resolve();
    video.onerror = () =>
      reject(
        new FaceDetError('VIDEO_UNREADABLE', `This browser can't play ${file.name}: try an MP4 (H.264) or a WebM.`),
      );
  });
  return {
    kind: 'video',
    name: file.name,
    async *frames(signal) {
      await video.play();
      yield* videoFrames(video, { signal });
    },
    pause: (paused) => void (paused ? video.pause() : video.play()),
    close() {
      video.pause();
      video.removeAttribute('src');
      URL.revokeObjectURL(url);
    },
  };
}
