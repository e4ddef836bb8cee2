// Which detectors a benchmark compares: models by name and detector options from the command line.
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { createDetector, type PoolDetector } from '@facedet/runtime-node';
import { sharedFolder } from './folder.ts';

/** A model and the options that its detector gets. */
export interface Setup {
  /** For tables: the model's name, and the options where there are several. */
  readonly name: string;
  readonly model: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const DEFAULT_WEIGHTS = 'packages/models/weights/scrfd_0.5g_kps.onnx';

/** The file of a model: `default`, the name of one in the shared data, or a path. */
export function modelPath(name: string): string {
  if (name === 'default') return resolve(DEFAULT_WEIGHTS);
  if (existsSync(name)) return resolve(name);
  return sharedFolder('models', name.endsWith('.onnx') ? name : `${name}.onnx`);
}

/** The JSON object of an option such as `--options`; ends the process with exit 2 where it is invalid. */
export function parseOptions(text: string, option = '--options'): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The message below says what is expected.
  }
  console.error(`Expected a JSON object for ${option} but received ${text}; for example '{"inputSize": 640}'.`);
  process.exit(2);
}

/** Every model with every options object. */
export function setupsOf(models: readonly string[], options: readonly string[] = ['{}']): Setup[] {
  return models.flatMap((name) =>
    options.map((text) => ({
      name: `${basename(name, '.onnx')}${options.length > 1 || text !== '{}' ? ` ${text}` : ''}`,
      model: modelPath(name),
      options: parseOptions(text),
    })),
  );
}

/** One session with one thread, so that several detectors can take turns in a process; `options` may say otherwise. */
export function openDetector({ model, options }: Pick<Setup, 'model' | 'options'>): Promise<PoolDetector> {
  return createDetector({ workers: 1, threads: 1, ...options, model });
}
