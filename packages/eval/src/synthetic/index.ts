/** Procedural video with exact truth. */
export { createScene, type Scene, type SceneEvent, type SceneEventKind, type SceneFace, type SceneFrame, type SceneOptions } from './scene.ts';
/** Procedural still pictures. */
export { groupPicture, renderPortrait, type Portrait } from './portrait.ts';
