// A detector in the browser, in a worker of its own or inline.
export { createDetector, type WebDetector, type WebDetectorOptions } from './detector.ts';
export { serveDetector, type WorkerScope } from './serve.ts';
export type { FromWorker, ToWorker, WebPass, WorkerTimes } from './worker-protocol.ts';
// onnxruntime-web, and which of its ways was taken.
export { webBackend, type WebBackend, type WebBackendOptions } from './backend.ts';
export type { WebProvider } from './providers.ts';
export type { WebSelection, WebSession } from './session.ts';
export { type WasmPaths } from './ort.ts';
export { environment, type Environment } from './environment.ts';
// Pictures and frames of the browser.
export { imageSource, type WebImage, type WebImageSource } from './image-source.ts';
export {
  openVideoFile,
  streamFrames,
  videoFrames,
  type FrameOptions,
  type VideoFile,
  type WebFrame,
} from './frames.ts';
