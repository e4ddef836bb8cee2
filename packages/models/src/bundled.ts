import { FACEDET_WEIGHTS_LICENSE } from './licenses.ts';
import type { ModelEntry } from './types.ts';

const CARD = 'weights/MODEL_CARD.md in @facedet/models';

/** One element of `weights/weights.json`. */
interface BundledWeights {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly aliases?: readonly string[];
  readonly use?: string;
  readonly landmarks?: boolean;
  readonly batch?: boolean;
  readonly gflops?: number;
  readonly parameters?: number;
  readonly accuracy?: { readonly easy: number; readonly medium: number; readonly hard: number; readonly setting: string };
}

/** The manifest's entries for `weights/weights.json`; the first is the default. */
export function describeBundled(models: readonly BundledWeights[]): ModelEntry[] {
  return models.map(({ name, file, bytes, sha256, aliases = [], use = 'comes with the package', landmarks = true, batch = true, gflops, parameters, accuracy }, index) => ({
    name,
    aliases: index === 0 ? ['default', ...aliases] : aliases,
    landmarks,
    use: index === 0 ? `the default: ${use}` : use,
    ...(accuracy ? { accuracy: { ...accuracy, source: CARD } } : {}),
    ...(gflops === undefined ? {} : { gflops }),
    ...(parameters === undefined ? {} : { parameters }),
    license: FACEDET_WEIGHTS_LICENSE,
    origin: { by: 'FaceDet', url: CARD },
    file: { name: file, size: bytes, sha256, verification: 'bundled' },
    downloads: [],
    input: { layout: 'NCHW', channels: 'RGB', mean: 127.5, scale: 128, multipleOf: 32, batch },
  }));
}
