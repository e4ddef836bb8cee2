import { join } from 'node:path';
import { partialPathOf } from '@facedet/files';
import { formerVideoPath, partialVideoPath } from '../write/mp4-fragments.ts';
import { DOCUMENT } from './gallery-document.ts';

/** Kinds of outputs, in the order in which they are listed. */
export const OUTPUTS = ['jsonl', 'mot', 'csv', 'output', 'gallery'] as const;

export type OutputKind = (typeof OUTPUTS)[number];

/** Paths of a run's outputs, those that were requested. */
export type OutputPaths = Readonly<Partial<Record<OutputKind, string>>>;

export function outputsOf(options: OutputPaths): OutputPaths {
  return Object.fromEntries(OUTPUTS.flatMap((kind) => (options[kind] === undefined ? [] : [[kind, options[kind]]])));
}

/** The file that an output consists of; of a gallery, its document. */
export function fileOf(path: string, kind: OutputKind): string {
  return kind === 'gallery' ? join(path, DOCUMENT) : path;
}

/** Where an output is while it is in progress. */
export function partialsOf(path: string, kind: OutputKind): string[] {
  if (kind === 'output') return [partialVideoPath(path), formerVideoPath(path)];
  if (kind === 'gallery') return [fileOf(path, kind), `${fileOf(path, kind)}.partial`];
  return [partialPathOf(path)];
}
