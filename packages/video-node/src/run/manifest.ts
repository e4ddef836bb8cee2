import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { replaceFile } from '@facedet/files';
import { version } from '../../package.json';
import { resolveSource, type VideoSource } from '../read/source.ts';

/** What decides the rows and pixels of a run: it is continued only where all of it is the same. */
export interface RunManifest {
  /** Version of this file's form. */
  readonly format: 1;
  /** Version of this package. */
  readonly version: string;
  readonly input: unknown;
  readonly detector: unknown;
  /** All options but those that only say where results go and how fast. */
  readonly options: unknown;
  /** The run's summary, once all outputs are complete and only lack their final names. */
  readonly summary?: unknown;
  /** The outputs are being opened: what is under their partial names is not worth continuing. */
  readonly opening?: true;
}

/** Bytes of a file that are hashed. */
const HEAD = 1 << 20;
/** Blocks behind it that are hashed, and bytes of each. */
const [SAMPLES, SAMPLE] = [32, 1 << 14];
/** Differences that a message names. */
const NAMED = 6;

/** The run manifest beside an output that is in progress. */
export function manifestPath(output: string): string {
  return `${output}.partial.json`;
}

/** Makes a manifest; `opaque` are the places of functions and objects that say nothing about themselves. */
export async function describeRun(
  source: VideoSource,
  detector: { readonly fingerprint?: unknown },
  options: Readonly<Record<string, unknown>>,
): Promise<{ manifest: RunManifest; opaque: readonly string[] }> {
  const opaque: string[] = [];
  const plain = (value: unknown, at: string) => canonical(value, at, opaque);
  if (detector.fingerprint === undefined) opaque.push('detector');
  return {
    manifest: {
      format: 1,
      version,
      input: plain(await describeInput(source), 'input'),
      detector: plain(detector.fingerprint, 'detector'),
      // One by one: a function among them must not hide the others.
      options: Object.fromEntries(
        Object.entries(options)
          .filter(([, value]) => value !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => [name, plain(value, name)]),
      ),
    },
    opaque,
  };
}

/** What is known of an input without reading it whole. */
export async function describeInput(source: VideoSource): Promise<unknown> {
  const resolved = await resolveSource(source);
  if (resolved.kind === 'file' && statSync(resolved.path).isFile()) return describeFile(resolved.path);
  if (resolved.kind === 'pictures') {
    const hash = createHash('sha256');
    for (const path of resolved.paths) {
      const { size, mtimeMs } = statSync(path);
      hash.update(`${basename(path)}\0${size}\0${mtimeMs}\n`);
    }
    return { pictures: resolved.paths.length, sha256: hash.digest('hex') };
  }
  // An address may hold a password: only its hash is kept.
  return { kind: resolved.kind, sha256: createHash('sha256').update(JSON.stringify(resolved)).digest('hex') };
}

function describeFile(path: string): unknown {
  const { size, mtimeMs } = statSync(path);
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(Math.min(HEAD, size));
    const length = readSync(file, head, 0, head.length, 0);
    return {
      size,
      modified: mtimeMs,
      head: createHash('sha256').update(head.subarray(0, length)).digest('hex'),
      samples: hashOfSamples(file, size),
    };
  } finally {
    closeSync(file);
  }
}

/** Hash of blocks spread over a file: recordings of one length may begin with the same pictures. */
function hashOfSamples(file: number, size: number): string {
  const hash = createHash('sha256');
  const block = Buffer.alloc(SAMPLE);
  for (let i = 1; i <= SAMPLES; i++) {
    const position = Math.floor((Math.max(0, size - SAMPLE) * i) / SAMPLES);
    hash.update(block.subarray(0, readSync(file, block, 0, SAMPLE, position)));
  }
  return hash.digest('hex');
}

/** Plain data with sorted names, in which bytes are replaced by their hash. */
function canonical(value: unknown, at: string, opaque: string[]): unknown {
  if (value === undefined || value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  if (value instanceof URL) return value.href;
  if (Array.isArray(value)) return value.map((item, i) => canonical(item, `${at}[${i}]`, opaque));
  if (value instanceof Set) return canonical([...value], at, opaque);
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    // A tracker or a smoother of somebody's own, for example.
    const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
    if (isPlain && entries.every(([, item]) => typeof item !== 'function')) {
      const sorted = entries.filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(sorted.map(([key, item]) => [key, canonical(item, at ? `${at}.${key}` : key, opaque)]));
    }
  }
  opaque.push(at);
  return `(${typeof value})`;
}

/** What differs between two manifests, as `options.anonymize.keepIds: [1,2], now nothing`. */
export function differences(before: RunManifest, now: RunManifest): string[] {
  const [a, b] = [flat(before), flat(now)];
  const shown = (value: string | undefined) => (value === undefined ? 'nothing' : value.slice(0, 80));
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => a.get(key) !== b.get(key))
    .map((key) => `${key}: ${shown(a.get(key))}, now ${shown(b.get(key))}`);
}

/** Their differences in words, as many as a message holds; undefined where there are none. */
export function differencesText(before: RunManifest, now: RunManifest): string | undefined {
  const differing = differences(before, now);
  if (differing.length === 0) return undefined;
  const more = differing.length > NAMED ? `; and ${differing.length - NAMED} more` : '';
  return differing.slice(0, NAMED).join('; ') + more;
}

function flat({ summary: _summary, opening: _opening, ...manifest }: RunManifest): Map<string, string> {
  const found = new Map<string, string>();
  const add = (value: unknown, at: string) => {
    if (value && typeof value === 'object' && !Array.isArray(value))
      for (const [key, item] of Object.entries(value)) add(item, at ? `${at}.${key}` : key);
    else if (value !== undefined) found.set(at, JSON.stringify(value));
  };
  add(manifest, '');
  return found;
}

/** An output and the file that an interrupted run left of it. */
export interface PartialOutput {
  readonly path: string;
  /** Where the interrupted run's part may lie. */
  readonly partials: readonly string[];
}

/** The manifests of a run's outputs. */
export interface Manifests {
  /** Whether an interrupted run with the same manifest left something. */
  readonly continues: boolean;
  readonly content: RunManifest;
  /** The summary of a run whose outputs are all complete and only lack their names. */
  readonly summary: unknown;
  /** Whether nothing is left in progress, or only names are missing. */
  readonly areComplete: boolean;
  /** Whether an earlier run began to replace the outputs and was killed before its first frame. */
  readonly isOpening: boolean;
  /** Marks the outputs as being opened, before they are: a run that is killed then is started again by `resume`. */
  open(): void;
  /** Writes the manifests. Call it when the outputs are open: nothing of an earlier run is then in them. */
  write(): void;
  /** All outputs are complete: from here on only names are missing. Returns what was written. */
  complete(summary: unknown): RunManifest;
  /** All outputs have their names. */
  remove(): void;
}

/**
 * Opens the manifests of a run. With `resume`, throws `RESUME_MISMATCH` where an output's interrupted run had other
 * settings, another model or input, or left no manifest.
 */
export function openManifests(outputs: readonly PartialOutput[], now: RunManifest, resume: boolean): Manifests {
  const left = resume ? outputs.map((output) => readManifest(output, now)) : [];
  const found = left.filter((manifest) => manifest !== undefined && manifest !== 'opening');
  const complete = found.length === outputs.length && found.every(({ summary }) => summary !== undefined);
  const writeAll = (manifest: RunManifest) => {
    for (const { path } of outputs) replaceFile(manifestPath(path), `${JSON.stringify(manifest, undefined, 2)}\n`);
  };
  return {
    content: now,
    continues: found.length > 0,
    summary: complete ? found[0]?.summary : undefined,
    open: () => writeAll({ ...now, opening: true }),
    write: () => writeAll(now),
    areComplete: found.every(({ summary }) => summary !== undefined),
    isOpening: left.some((manifest) => manifest === 'opening'),
    complete(summary) {
      const manifest = { ...now, summary };
      writeAll(manifest);
      return manifest;
    },
    remove: () => outputs.forEach(({ path }) => rmSync(manifestPath(path), { force: true })),
  };
}

/** The manifest of what an interrupted run left of an output; undefined where it left nothing worth continuing. */
function readManifest({ path, partials }: PartialOutput, now: RunManifest): RunManifest | 'opening' | undefined {
  const file = manifestPath(path);
  const start = 'Use the same again, or leave out resume to start from the beginning.';
  let before: RunManifest | undefined;
  try {
    before = JSON.parse(readFileSync(file, 'utf8')) as RunManifest;
    if (before?.format !== 1) throw new Error('another form');
  } catch {
    const partial = partials.find((candidate) => existsSync(candidate));
    if (!partial) return undefined;
    throw new FaceDetError(
      'RESUME_MISMATCH',
      `${path}: expected the run manifest ${file} beside ${partial} but received none that can be read; without it ` +
        'the settings that file was made with are unknown. Leave out resume to start from the beginning.',
    );
  }
  if (before.opening) return 'opening';
  const differing = differencesText(before, now);
  if (differing === undefined) return before;
  throw new FaceDetError(
    'RESUME_MISMATCH',
    `${path}: expected the settings, model and input of the interrupted run but received others: ` +
      `${differing}. ${start}`.slice(0, 800),
  );
}
