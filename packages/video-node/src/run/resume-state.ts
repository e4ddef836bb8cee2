import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeFolder, replaceFile } from '@facedet/files';
import { modelCacheDir } from '@facedet/models/node';
import type { VideoFace } from '@facedet/pipeline';
import type { Damage } from './damage.ts';
import type { RunManifest } from './manifest.ts';
import type { FaceSourceSnapshot } from './row-player.ts';

/** A face that is masked for a moment longer, and when it was last shown, in seconds. */
export interface Lingering {
  readonly face: VideoFace;
  readonly seen: number;
}

/** Sums of a run; `ids` are the IDs shown, as ranges. */
export interface Totals {
  readonly frames: number;
  readonly faces: number;
  readonly ids: readonly (readonly [first: number, last: number])[];
  readonly damage: Damage;
}

/** The state of a run after a frame. */
export interface ResumePoint {
  /** The frame after which it is. */
  readonly index: number;
  readonly timestamp: number;
  readonly snapshot: FaceSourceSnapshot;
  readonly lingering: readonly Lingering[];
  /** What the run has counted up to there. */
  readonly totals: Totals;
}

/** Keeps the state of a run now and then, so that an interrupted run need not start over. */
export interface ResumeState {
  /** The latest state from which a run can go on that has yet to see frame `frame`. */
  before(frame: number): ResumePoint | undefined;
  /** Offers a state; it is taken when the last one is old enough, or always with `now`. */
  offer(point: () => ResumePoint, now?: boolean): void;
  /** The run is complete: nothing is kept. */
  forget(): void;
}

/** Of a run that can't be continued: nothing is kept. */
export const NO_RESUME_STATE: ResumeState = { before: () => undefined, offer() {}, forget() {} };

// Milliseconds between two states: after a kill at most that much is detected again.
const INTERVAL = 400;
// An encoder lags behind the rows by a second or two; a state from before that is needed too.
const KEPT = 12;
// Look-ahead over hundreds of crowded frames makes states of megabytes: of those there are fewer, over the same time.
const KEPT_BYTES = 12e6;
const MIN_KEPT = 3;
/** Milliseconds after which a state is of no use any more: 30 days. */
const OLD = 30 * 24 * 3600 * 1000;

/**
 * The state of runs is in the cache folder, not beside the outputs: it is of no use to anybody else, and where it is
 * gone a run still ends with the same rows, only later. It counts only for the same outputs and the same run manifest.
 */
export function openResumeState(outputs: readonly string[], manifest: RunManifest, resume: boolean): ResumeState {
  const places = outputs.map((path) => resolve(path));
  const key = createHash('sha256')
    .update(JSON.stringify([places, manifest]))
    .digest('hex')
    .slice(0, 32);
  const folder = join(modelCacheDir(), 'resume');
  const path = join(folder, `${key}.json`);
  // As bytes, which are written again with each of the next: objects would take several times the memory.
  let points = (resume ? load(path) : []).map(packed);
  let interval = INTERVAL;
  let last = performance.now();
  if (!resume) remove(path);
  removeOld(folder);
  return {
    before(frame) {
      const found = points.findLast(({ index }) => index < frame);
      return found && (JSON.parse(found.bytes.toString()) as ResumePoint);
    },
    offer(point, now = false) {
      if (outputs.length === 0) return; // nothing to go on with
      if (!now && performance.now() - last < interval) return;
      last = performance.now();
      const next = packed(point());
      const count = Math.min(KEPT, Math.max(MIN_KEPT, Math.floor(KEPT_BYTES / next.bytes.length)));
      interval = (INTERVAL * KEPT) / count;
      points = [...points.filter(({ index }) => index < next.index), next].slice(-count);
      save(folder, path, listOf(points));
    },
    forget() {
      points = [];
      remove(path);
    },
  };
}

/** A state as JSON. */
interface PackedPoint {
  readonly index: number;
  readonly bytes: Buffer;
}

function packed(point: ResumePoint): PackedPoint {
  return { index: point.index, bytes: Buffer.from(JSON.stringify(point)) };
}

/** A JSON array of states. */
function listOf(points: readonly PackedPoint[]): Buffer {
  const comma = Buffer.from(',');
  const parts = points.flatMap(({ bytes }, at) => (at > 0 ? [comma, bytes] : [bytes]));
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')]);
}

/** Removes states of runs that nobody continued. */
function removeOld(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      if (Date.now() - statSync(file).mtimeMs > OLD) remove(file);
    }
  } catch {
    // There is no such folder yet.
  }
}

function load(path: string): ResumePoint[] {
  try {
    // One that is damaged only costs time.
    return (JSON.parse(readFileSync(path, 'utf8')) as ResumePoint[]).filter(
      ({ totals }) => Array.isArray(totals?.ids) && totals.damage,
    );
  } catch {
    return [];
  }
}

// A full or read-only disk costs the short cut, not the run.
function save(folder: string, path: string, content: Uint8Array): void {
  try {
    makeFolder(folder);
    replaceFile(path, content, { flush: false });
  } catch {
    // The run goes on without.
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays; its key will not fit another run.
  }
}
