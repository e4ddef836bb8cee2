import { checkOptionNames, invalidArgument } from '@facedet/checks';
import { adaptiveEma } from './adaptive-ema.ts';
import type { Filter } from './filter.ts';
import { oneEuro } from './one-euro.ts';
import type { SmootherOptions } from './types.ts';

const OPTION_NAMES: readonly (keyof SmootherOptions)[] = [
  'filter',
  'stillAlpha',
  'fastAlpha',
  'minCutoff',
  'beta',
  'scoreMomentum',
  'resetAfterSeconds',
];

/** Options with their defaults. */
export interface Settings {
  readonly filter: Filter;
  readonly scoreMomentum: number;
  readonly resetAfterSeconds: number;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws FaceDetError `INVALID_ARGUMENT`
 */
export function resolveOptions(options: SmootherOptions): Settings {
  checkOptionNames(options, OPTION_NAMES);
  const { filter = 'adaptive-ema', stillAlpha = 0.3, fastAlpha = Math.max(0.9, stillAlpha) } = options;
  const { minCutoff = 1.5, beta = 4, scoreMomentum = 0.7, resetAfterSeconds = 0.5 } = options;
  checkRange('stillAlpha', stillAlpha, 'in (0, 1]', stillAlpha > 0 && stillAlpha <= 1);
  checkRange('fastAlpha', fastAlpha, `in [${stillAlpha}, 1]`, fastAlpha >= stillAlpha && fastAlpha <= 1);
  checkRange('minCutoff', minCutoff, 'above 0', minCutoff > 0 && minCutoff < Infinity);
  checkRange('beta', beta, 'from 0', beta >= 0 && beta < Infinity);
  checkRange('scoreMomentum', scoreMomentum, 'in [0, 1)', scoreMomentum >= 0 && scoreMomentum < 1);
  checkRange('resetAfterSeconds', resetAfterSeconds, 'from 0', resetAfterSeconds >= 0);
  if (filter !== 'adaptive-ema' && filter !== 'one-euro')
    throw invalid("'adaptive-ema' or 'one-euro' for filter", filter);
  return {
    filter: filter === 'one-euro' ? oneEuro(minCutoff, beta) : adaptiveEma(stillAlpha, fastAlpha),
    scoreMomentum,
    resetAfterSeconds,
  };
}

function checkRange(name: string, value: unknown, range: string, holds: boolean): void {
  if (typeof value !== 'number' || !holds) throw invalid(`a number ${range} for ${name}`, value);
}

const invalid = (what: string, value: unknown) => invalidArgument(what, value, 'leave it out for the default');
