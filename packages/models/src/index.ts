/**
 * The zoo: every model by name, the default first, with its figures, license, origin and SHA-256; and look-up
 * by name, alias or the SHA-256 of a file.
 */
export { defaultModel, findModel, findModelBySha256, models } from './manifest.ts';
/** The URLs of the default weights and of the list of their training images. */
export { defaultTrainingImagesUrl, defaultWeightsUrl } from './default.ts';
/** The licenses that weights carry. */
export { FACEDET_WEIGHTS_LICENSE, INSIGHTFACE_LICENSE } from './licenses.ts';
export type {
  ModelAccuracy,
  ModelDownload,
  ModelEntry,
  ModelFile,
  ModelIdentity,
  ModelInput,
  ModelLicense,
  ModelSpeed,
} from './types.ts';
