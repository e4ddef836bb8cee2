// The model that examples and tests run with, where they need a real one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/** Where the default weights lie. */
export function modelFile() {
  const weights = join(root, 'packages', 'models', 'weights');
  const { models } = JSON.parse(readFileSync(join(weights, 'weights.json'), 'utf8'));
  return join(weights, models[0].file);
}
