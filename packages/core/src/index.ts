// The words that everybody uses.
export type * from './types.ts';
// The contract that third parties implement.
export type * from './backend.ts';
export { FaceDetError, isFaceDetError } from '@facedet/checks';
// Errors on their way between threads.
export { packError, unpackError, type ErrorData } from './error-data.ts';
// A detector on any engine.
export { createDetector, warmupCanvas, type DetectorOptions } from './detector.ts';
export { detectionSettings, settingsForCall, type CanvasSize, type ClaheOptions, type DetectionOptions, type DetectionSettings, type InputSize, type Preset, type TileOptions } from './settings.ts';
// Its two halves, for detectors whose sessions live elsewhere (a pool of threads, a web worker).
export { planPasses, rasterizePasses, tileRegions, type Pass, type PassPixels } from './plan.ts';
export { createEngine, disposedError, type DetectionEngine } from './engine.ts';
export { readModelShape, type ModelShape } from './model-shape.ts';
// Steps that are useful alone.
export { budgetCanvas, letterbox, type Letterbox } from './geometry.ts';
export { resizeBilinear } from './resize.ts';
export { fillTensor, padTensor, type ResizeTables, type TensorPlace } from './tensor.ts';
export { readLayout, type Head, type Level } from './layout.ts';
export { nms, type BoxArrays } from './nms.ts';
export { clahe } from './clahe.ts';
export { alignFace, type AlignOptions } from './align.ts';
export { boxArea, clipBox, iou, scaleBox } from './boxes.ts';
export { bytesPerPixel, channelOffsets, checkImage, isRasterSource, rowStride } from './pixels.ts';
