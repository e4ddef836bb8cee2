/** Synthetic video with ground truth. */
export { createScene, type Scene, type SceneFrame, type SceneOptions } from './scene.ts';
export { sceneEventKinds, type SceneEvent, type SceneEventKind } from './events.ts';
export type { SceneFace } from './ground-truth.ts';
/** A synthetic picture with ground truth. */
export { renderGroup, type SyntheticPicture } from './group-picture.ts';
/** Ground truth as text, in the formats that the metrics read. */
export { toJsonl, toMot, type TruthFrame, type TruthTextOptions } from './ground-truth-text.ts';
