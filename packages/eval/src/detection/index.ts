/** Detection metrics on any data: average precision and recall by COCO's rules. */
export { evaluateDetections, type DetectionMetrics, type DetectionOptions, type ThresholdMetrics } from './evaluate.ts';
/** Ground truth and predictions in other formats. */
export { parseCocoResults, parseCocoTruth, type CocoImage } from './coco.ts';
export { parseVoc } from './voc.ts';
export { parseYolo } from './yolo.ts';
export type { LabelOptions, LabeledImage } from './labeled-image.ts';
export { createImageFinder } from './image-finder.ts';
export { scoredBoxes, type ScoredBoxes } from '../boxes.ts';
