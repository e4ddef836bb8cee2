// Pictures: read lazily by sharp, written under their name only when complete.
export { readImage, type PictureDecoder, type ReadImageOptions, type StillImage } from './read-image.ts';
export {
  encodeImage,
  imageFormatOf,
  writeImage,
  type EncodeImageOptions,
  type WriteImageOptions,
} from './write-image.ts';
export { blockOtherFormats, type ImageFormat, type ReadableFormat } from './sharp.ts';
export { type PictureTags } from './exif.ts';
// A detector on a pool of threads.
export { createDetector, type PoolDetector, type PoolDetectorOptions } from './detector.ts';
export { type BackendModule } from './backend-module.ts';
export { type ReadyInfo } from './worker-protocol.ts';
// ONNX Runtime in the calling thread.
export { availableProviders, onnxBackend, type OnnxBackend, type OnnxSession } from './backend.ts';
export { type ExecutionProvider, type OnnxBackendOptions, type ProviderFallback } from './onnx-options.ts';
