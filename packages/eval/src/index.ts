// WIDER FACE: the official protocol.
export { readWiderGroundTruth, widerGroundTruthNames, withSubsets, type FileContent, type WiderGroundTruthFiles } from './wider/ground-truth.ts';
export { widerAttributes, widerName, widerSettings, type WiderAttribute, type WiderImage, type WiderSetting } from './wider/image.ts';
export { parseWiderAnnotations, parseWiderImageList } from './wider/annotations.ts';
export { formatWiderPredictions, parseWiderPredictions } from './wider/predictions.ts';
export { evaluateWider, type PrecisionRecallCurve, type WiderEvaluation, type WiderFigures, type WiderImageResult } from './wider/protocol.ts';
export { recallBreakdown, type RecallBreakdown, type RecallGroup } from './wider/breakdown.ts';
export { hardestMisses, worstFalsePositives, type FalsePositive, type MissedFace } from './wider/misses.ts';
// Detections as flat arrays.
export { scoredBoxes, type ScoredBoxes } from './scored-boxes.ts';
// Tracking: HOTA, CLEAR and identity metrics.
export { parseMotRows, parseSequenceInfo, type SequenceInfo, type TrackRows } from './mot/rows.ts';
export { combineMot, evaluateMot, type MotCounts, type MotFigures, type MotSequence } from './mot/evaluate.ts';
export { hotaThresholds, type HotaCurves, type HotaFigures } from './mot/hota.ts';
export type { ClearCounts, ClearFigures } from './mot/clear.ts';
export type { IdentityCounts, IdentityFigures } from './mot/identity.ts';
export type { PrepareOptions } from './mot/sequence.ts';
