import weights from '../weights/weights.json';
import { FACEDET_WEIGHTS_LICENSE } from './licenses.ts';
import type { ModelEntry } from './types.ts';

const CARD = 'weights/MODEL_CARD.md in @facedet/models';

/**
 * The model that is used where none is named: FaceDet's own weights, which lie in this package. Undefined in a build made before the weights were trained.
 *
 * Everything about them is read from `weights/weights.json` when the package is built.
 */
export const defaultModel: ModelEntry | undefined = describe(weights);

/**
 * Where the default weights lie: a `file:` URL in Node, an asset's URL once Vite, webpack or another bundler that knows `new URL(…, import.meta.url)` has
 * taken the file along.
 */
export function defaultWeightsUrl(): URL {
  return new URL('../weights/scrfd_0.5g_kps.onnx', import.meta.url);
}

/** Where the list of WIDER FACE val images lies that the default weights have seen in training (JSON): no AP over these is a fair one. */
export function defaultTrainingImagesUrl(): URL {
  return new URL('../weights/training-images.json', import.meta.url);
}

interface WeightsJson {
  readonly name?: string;
  readonly file?: string | null;
  readonly bytes?: number | null;
  readonly sha256?: string | null;
  readonly gflops?: number;
  readonly parameters?: number;
  readonly landmarks?: boolean;
  readonly batch?: boolean;
  readonly accuracy?: { easy: number; medium: number; hard: number; setting: string };
}

function describe(json: WeightsJson): ModelEntry | undefined {
  if (!json.file || !json.sha256) return undefined;
  return {
    name: json.name ?? 'facedet_0.5g_kps',
    aliases: ['default'],
    landmarks: json.landmarks ?? true,
    use: 'the default: comes with the package, no download',
    ...(json.accuracy ? { accuracy: { ...json.accuracy, source: CARD } } : {}),
    ...(json.gflops === undefined ? {} : { gflops: json.gflops }),
    ...(json.parameters === undefined ? {} : { parameters: json.parameters }),
    license: FACEDET_WEIGHTS_LICENSE,
    origin: { by: 'FaceDet', url: CARD },
    file: { sha256: json.sha256, verification: 'bundled', ...(json.bytes ? { size: json.bytes } : {}) },
    downloads: [],
    input: { layout: 'NCHW', channels: 'RGB', mean: 127.5, scale: 128, multipleOf: 32, batch: json.batch ?? true },
  };
}
