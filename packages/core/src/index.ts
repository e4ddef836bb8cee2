// For users of a detector. Runtimes, which run detectors in workers of their own, use `@facedet/core/engine`.
export { FaceDetError, isFaceDetError } from '@facedet/checks';
export type {
  Box,
  Detector,
  Face,
  Frame,
  ImageSource,
  Landmarks,
  PixelBuffer,
  PixelFormat,
  Point,
  RasterizeOptions,
  RasterSource,
} from './types.ts';
export type {
  ClaheOptions,
  DetectionOptions,
  DetectOptions,
  InputSize,
  Rotate,
  Rotation,
  TileOptions,
} from './options.ts';
// The contract that third parties implement.
export type { InferenceBackend, InferenceSession, RunOptions, SessionOptions, Tensor, TensorInfo } from './backend.ts';
export { createDetector, type DetectorOptions } from './detector.ts';
// Steps of a detector that are useful alone.
export { letterbox, type Letterbox } from './letterbox.ts';
export { nms, type BoxArrays } from './nms.ts';
export { alignFace, type AlignOptions } from './align.ts';
export { clipBox, iou, scaleBox } from './box.ts';
export { resizeBilinear } from './resize.ts';
export { bytesPerPixel, isRasterSource, rowStride } from './pixels.ts';
