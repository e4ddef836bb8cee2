// The model that examples and tests run with, where they need a real one.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './workspace.mjs';

/** Data that is never part of the repository. */
const shared = join(dirname(root), 'shared');

/** The default weights, or a model of ../shared; undefined where there is neither. */
export function modelFile() {
  const weights = join(root, 'packages', 'models', 'weights');
  const { models } = existsSync(join(weights, 'weights.json')) ? JSON.parse(readFileSync(join(weights, 'weights.json'), 'utf8')) : { models: [] };
  const file = models[0]?.file;
  return [file && join(weights, file), join(shared, 'models', 'scrfd_2.5g_kps.onnx')].find((path) => path && existsSync(path));
}
