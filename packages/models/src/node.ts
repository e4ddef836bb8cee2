/** A name, a path or a URL → a verified ONNX file on this machine. */
export { resolveModel } from './node/resolve.ts';
/** The folder in which downloads are kept. */
export { modelCacheDir } from './node/cache.ts';
/** What lies on this machine, and whether it is what it should be. */
export { storedModels } from './node/inventory.ts';
/** What the default weights have seen of WIDER FACE val. */
export { readTrainingImages } from './node/training-images.ts';
export type { ModelProgress } from './progress.ts';
export type { ResolvedModel, ResolveModelOptions } from './node/options.ts';
export type { StoredModel, StoredModelsOptions } from './node/inventory.ts';
