// Optional packages, and foreign messages on one line.
export { loadOptional, oneLine } from './optional.ts';
