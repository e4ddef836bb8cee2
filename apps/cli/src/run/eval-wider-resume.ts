import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { detectionSettings } from '@facedet/core/engine';
import type { WiderImage } from '@facedet/eval/wider';
import { writeOutputSync } from '@facedet/files';
import type { ResolvedModel } from '@facedet/models/node';
import { CommandError } from '../shared/errors.ts';
import { detectionOptions, type DetectorFlags } from '../shared/model-option.ts';
import { predictionsPath } from './eval-wider-data.ts';

/** Evaluations keep nearly all scores: a threshold would only truncate the precision-recall curves. */
export const evaluationDefaults = { scoreThreshold: 0.02 };

/** Everything that decides the predictions in a folder; stored with them, so that other settings never reuse them. */
export interface Fingerprint {
  model: string;
  sha256: string;
  settings: ReturnType<typeof detectionSettings>;
}

/** The fingerprint of a run. */
export function fingerprintOf(flags: DetectorFlags, model: ResolvedModel): Fingerprint {
  const settings = detectionSettings(detectionOptions(flags, evaluationDefaults));
  return { model: model.name, sha256: model.sha256, settings };
}

const fingerprintFile = 'settings.json';

/** Throws with exit code 2 where the folder holds predictions of another model or other settings. */
export function claimFolder(folder: string, fingerprint: Fingerprint, images: readonly WiderImage[]): void {
  const path = join(folder, fingerprintFile);
  const own = JSON.parse(JSON.stringify(fingerprint)) as Fingerprint;
  if (!existsSync(path)) {
    const unknown = images.find(({ name }) => existsSync(predictionsPath(folder, name)));
    if (unknown) {
      const found = `one that holds predictions (${unknown.name}.txt) but no ${fingerprintFile} that names their model`;
      throw folderInUse(folder, `one of an earlier run but received ${found}`, ', or score them with --predictions');
    }
    writeOutputSync(path, `${JSON.stringify(own, null, 2)}\n`);
    return;
  }
  const earlier = readJson(path) as Partial<Fingerprint>;
  if (isDeepStrictEqual(earlier, own)) return;
  const found = `one whose predictions were made with ${differenceOf(earlier, own)}`;
  throw folderInUse(folder, `one of a run with the same settings but received ${found}`);
}

function folderInUse(folder: string, expectation: string, alternative = ''): CommandError {
  const message = `expected a new folder or ${expectation}; name another --output-dir${alternative}`;
  return new CommandError('OUTPUT_IN_USE', message, { exitCode: 2, input: folder });
}

/** The model or the settings of an earlier run that differ. */
function differenceOf(earlier: Partial<Fingerprint>, own: Fingerprint): string {
  if (earlier.sha256 !== own.sha256) return `the model ${earlier.model}`;
  const valueOf = ({ settings }: Partial<Fingerprint>, key: string) => settings?.[key as 'preset'];
  const keys = Object.keys(own.settings).filter((key) => !isDeepStrictEqual(valueOf(earlier, key), valueOf(own, key)));
  return keys.map((key) => `${key} ${JSON.stringify(valueOf(earlier, key))}`).join(', ') || 'other settings';
}

/** Reads a file that an earlier run wrote. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const message =
      'expected JSON of an earlier run but received invalid text; delete the file or name another --output-dir';
    throw new CommandError('MALFORMED_FILE', message, { input: path, cause });
  }
}
