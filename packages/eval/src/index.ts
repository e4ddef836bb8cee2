// WIDER FACE: the official protocol.
export {
  readWiderGroundTruth,
  widerGroundTruthNames,
  withSubsets,
  type FileContent,
  type WiderGroundTruthFiles,
  type WiderGroundTruthOptions,
} from './wider/ground-truth.ts';
export type { Inflate } from './matlab/matlab.ts';
export {
  widerAttributes,
  widerName,
  widerSettings,
  type WiderAttribute,
  type WiderImage,
  type WiderSetting,
} from './wider/image.ts';
export { parseWiderAnnotations, parseWiderImageList } from './wider/annotations.ts';
export { formatWiderPredictions, parseWiderPredictions } from './wider/predictions.ts';
export {
  evaluateWider,
  type PrecisionRecallCurve,
  type WiderEvaluation,
  type WiderFigures,
  type WiderImageResult,
} from './wider/protocol.ts';
export { landmarkError, parseLandmarkLabels, type LandmarkError, type LandmarkLabels } from './wider/landmarks.ts';
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
// Detection on other data: average precision and recall by COCO's rules.
export {
  evaluateDetections,
  type DetectionFigures,
  type DetectionMetricsOptions,
  type ThresholdFigures,
} from './detection/metrics.ts';
export { imageFinder, type TruthImage } from './detection/truth.ts';
export { parseCocoResults, parseCocoTruth, type CocoImage } from './detection/coco-files.ts';
export { parseVoc, type LabelOptions } from './detection/voc.ts';
export { parseYolo } from './detection/yolo.ts';
// Temporal stability: jitter, acceleration energy, lag, fragmentation, flicker.
export { evaluateStability, frameTimes, type StabilityFigures, type TruthStability } from './stability/evaluate.ts';
export { parseTrackJsonl, type TimedTracks } from './stability/jsonl.ts';
export type { Jitter } from './stability/series.ts';
export type { Lag } from './stability/lag.ts';
// Reports: precision-recall curves as SVG, one HTML file for an evaluation.
export { curvesSvg, type NamedCurve } from './report/curves.ts';
export { widerReportHtml, type DegradedFigures, type ReportPicture, type WiderReport } from './report/wider-report.ts';
// Pictures made worse, for robustness.
export { coverLower, darken, gaussianBlur, shrink } from './degrade/degrade.ts';
