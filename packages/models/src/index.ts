/** The zoo: every model by name, with its figures, licence, origin and SHA-256; and an entry looked up by name, alias or the SHA-256 of a file. */
export { findModel, findModelBySha256, models } from './manifest.ts';
/** The default weights: their entry, their URL, and the list of what they have seen. */
export { defaultModel, defaultTrainingImagesUrl, defaultWeightsUrl } from './default.ts';
/** The licences that weights carry. */
export { FACEDET_WEIGHTS_LICENSE, INSIGHTFACE_LICENSE } from './licenses.ts';
export type { ModelAccuracy, ModelDownload, ModelEntry, ModelFile, ModelIdentity, ModelInput, ModelLicense, ModelSpeed } from './types.ts';
