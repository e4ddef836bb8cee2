// The parts of a detector, for runtimes whose sessions are in workers: options are checked and passes planned where the
// caller is, the engine runs where the session is.
export {
  DETECT_OPTIONS,
  DETECTION_OPTIONS,
  detectionSettings,
  settingsForCall,
  type DetectionSettings,
  type LargeFacePass,
  type PassCondition,
} from './settings.ts';
export type { DetectionPreset } from './options.ts';
export { planPasses } from './plan.ts';
export { derivedPixels, rasterizePasses } from './pass-pixels.ts';
export type { CutEdges, Pass, PassPixels } from './pass.ts';
export { createEngine, type DetectionEngine, type EngineOptions } from './detection-engine.ts';
export type { FixedSides, Size } from './letterbox.ts';
export type { ModelShape } from './model-shape.ts';
export { warmupInputSize } from './detector.ts';
// Tools for pools and workers.
export { checkImage } from './check-image.ts';
export { disposedError, packError, unpackError, type ErrorData } from './errors.ts';
export { inFlight, type InFlight } from './in-flight.ts';
export { channelOffsets } from './pixels.ts';
export { resizeInto } from './resize.ts';
export { semaphore } from './semaphore.ts';
// Checks of arguments, in the form of all messages.
export { checkOptionNames, invalidArgument, received } from '@facedet/checks';
