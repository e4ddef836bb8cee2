/** Procedural video with exact truth. */
export {
  createScene,
  type Scene,
  type SceneEvent,
  type SceneEventKind,
  type SceneFace,
  type SceneFrame,
  type SceneOptions,
} from './scene.ts';
/** Procedural still pictures. */
export { groupPicture, renderPortrait, type Portrait } from './portrait.ts';
/** Truth in the formats of the evaluation. */
export { toJsonl, toMot, toSequenceInfo, type TruthFrame, type TruthTextOptions } from './truth-text.ts';
