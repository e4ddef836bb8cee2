// The words that everybody uses.
export type * from './types.ts';
// The contract that third parties implement.
export type * from './backend.ts';
export { FaceDetError, isFaceDetError } from '@facedet/checks';
// Errors on their way between threads.
export { packError, unpackError, type ErrorData } from './error-data.ts';
// A detector on any engine.
export { createDetector, warmupCanvas, type DetectorOptions } from './detector.ts';
export {
  DETECTION_OPTIONS,
  DETECT_OPTIONS,
  detectionSettings,
  settingsForCall,
  type CanvasSize,
  type ClaheOptions,
  type DetectionOptions,
  type DetectionSettings,
  type InputSize,
  type Preset,
  type Rotate,
  type Rotation,
  type TileOptions,
} from './settings.ts';
// Its two halves, for detectors whose sessions live elsewhere (a pool of threads, a web worker).
export {
  derivedPixels,
  planPasses,
  rasterizePasses,
  tileRegions,
  type Cuts,
  type Pass,
  type PassPixels,
} from './plan.ts';
export { createEngine, type DetectionEngine, type EngineOptions } from './engine.ts';
export { disposedError, inFlight, type InFlight } from './calls.ts';
export { semaphore } from './semaphore.ts';
export { readModelShape, type ModelShape } from './model-shape.ts';
// Steps that are useful alone.
export { budgetCanvas, letterbox, type FixedSides, type Letterbox } from './geometry.ts';
export { uprightRotation } from './rotation.ts';
export { resizeBilinear } from './resize.ts';
export { fillTensor, padTensor, type ResizeTables, type TensorPlace } from './tensor.ts';
export { readLayout, type Head, type Level } from './layout.ts';
export { nms, type BoxArrays } from './nms.ts';
export { clahe } from './clahe.ts';
export { alignFace, type AlignOptions } from './align.ts';
export { boxArea, clipBox, iou, scaleBox } from './boxes.ts';
export { bytesPerPixel, channelOffsets, checkImage, checkRaster, isRasterSource, rowStride } from './pixels.ts';
