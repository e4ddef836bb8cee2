/** A name, a path or a URL → a verified ONNX file on this machine. */
export { resolveModel } from './node/resolve.ts';
/** The folder in which downloads are kept. */
export { modelCacheDir } from './node/cache.ts';
/** The models on this machine, and whether their files are intact. */
export { storedModels } from './node/inventory.ts';
/** The images of WIDER FACE val that the default weights were trained on. */
export { readTrainingImages } from './node/training-images.ts';
export type { ModelProgress } from './progress.ts';
export type { ResolvedModel, ResolveModelOptions } from './node/options.ts';
export type { StoredModel, StoredModelsOptions } from './node/inventory.ts';
