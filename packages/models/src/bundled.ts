import { FACEDET_WEIGHTS_LICENSE } from './licenses.ts';
import type { ModelEntry, ModelIdentity } from './types.ts';

const CARD = 'weights/MODEL_CARD.md in @facedet/models';

/** One element of `weights/weights.json`. */
interface BundledWeights {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly aliases?: readonly string[];
}

/** The entry of one name in `weights/figures.json`. */
interface BundledFigures {
  readonly use?: string;
  readonly landmarks?: boolean;
  readonly batch?: boolean;
  readonly gflops?: number;
  readonly parameters?: number;
  readonly accuracy?: {
    readonly easy: number;
    readonly medium: number;
    readonly hard: number;
    readonly setting: string;
  };
}

/** What a page needs of `weights/weights.json`; the first is the default. */
export function identifyBundled(models: readonly BundledWeights[]): ModelIdentity[] {
  return models.map(({ name, file, bytes, sha256, aliases = [] }, index) => ({
    name,
    aliases: index === 0 ? ['default', ...aliases] : aliases,
    license: FACEDET_WEIGHTS_LICENSE,
    file: { name: file, size: bytes, sha256, verification: 'bundled' },
  }));
}

/** The manifest's entries for them, with the figures of `weights/figures.json`. */
export function describeBundled(
  bundled: readonly ModelIdentity[],
  figures: Readonly<Record<string, BundledFigures>>,
): ModelEntry[] {
  return bundled.map((model, index) => {
    const {
      use = 'comes with the package',
      landmarks = true,
      batch = true,
      gflops,
      parameters,
      accuracy,
    } = figures[model.name] ?? {};
    return {
      ...model,
      landmarks,
      use: index === 0 ? `the default: ${use}` : use,
      ...(accuracy ? { accuracy: { ...accuracy, source: CARD } } : {}),
      ...(gflops === undefined ? {} : { gflops }),
      ...(parameters === undefined ? {} : { parameters }),
      origin: { by: 'FaceDet', url: CARD },
      downloads: [],
      input: { layout: 'NCHW', channels: 'RGB', mean: 127.5, scale: 128, multipleOf: 32, batch },
    };
  });
}
