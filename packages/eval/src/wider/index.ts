/** WIDER FACE: average precision by the official protocol. */
export {
  evaluateWider,
  type PrecisionRecallCurve,
  type WiderEvaluation,
  type WiderImageResult,
  type WiderMetrics,
} from './protocol.ts';
/** The official ground truth and annotation files. */
export {
  readWiderGroundTruth,
  widerGroundTruthNames,
  withSubsets,
  type FileContent,
  type WiderGroundTruthFiles,
  type WiderGroundTruthOptions,
} from './ground-truth.ts';
export { parseWiderAnnotations, parseWiderImageList } from './annotations.ts';
export { widerAttributes, type WiderImage, type WiderSubset } from './image.ts';
/** Predictions: the files of a submission. */
export { scoredBoxes, type ScoredBoxes } from '../boxes.ts';
export { formatWiderPredictions, parseWiderPredictions } from './predictions.ts';
/** Recall by size and attribute, the worst errors, and landmarks. */
export { recallBreakdown, type RecallBreakdown, type RecallGroup } from './recall-breakdown.ts';
export { hardestMisses, worstFalsePositives, type FalsePositive, type MissedFace } from './error-examples.ts';
export { landmarkError, parseLandmarkLabels, type LandmarkError, type LandmarkLabels } from './landmarks.ts';
