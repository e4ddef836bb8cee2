import weights from '../weights/weights.json';
import { identifyBundled } from './bundled.ts';
import type { ModelIdentity } from './types.ts';

/**
 * FaceDet's own weights, which are part of this package: read from `weights/weights.json` when it is built. The first
 * is the default; empty if the build lists no weights.
 */
export const bundledIdentities: readonly ModelIdentity[] = identifyBundled(weights.models);

/**
 * Where the default weights lie: a `file:` URL in Node, an asset's URL once Vite, webpack or another bundler that knows
 * `new URL(…, import.meta.url)` has taken the file along.
 */
export function defaultWeightsUrl(): URL {
  return new URL('../weights/scrfd_0.5g_kps.onnx', import.meta.url);
}

/**
 * Where the list of WIDER FACE val images lies that the default weights have seen in training (JSON): no AP over these
 * is a fair one.
 */
export function defaultTrainingImagesUrl(): URL {
  return new URL('../weights/training-images.json', import.meta.url);
}
