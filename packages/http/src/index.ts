// The one client of models, pictures and streams.
export { readUrl, RangesUnsupported, type Chunk, type HttpOptions, type Range } from './read-url.ts';
export { readWhole } from './read-whole.ts';
export { proxyFor, type Environment } from './proxy.ts';
