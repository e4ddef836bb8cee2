import { videoDetectorOptionNames } from '@facedet/pipeline';
import type { VideoSource } from '../read/source.ts';
import { describeInput, type RunManifest } from './manifest.ts';

/**
 * How rows were made. The first row of a JSONL file has it, so that the rows can be checked before faces are uncovered.
 */
export interface RowAnalysis {
  /** Version of this package. */
  readonly version: string;
  /**
   * What identifies the source without its name: of a file `size` in bytes, `modified`, and `head`, a hash of its
   * start.
   */
  readonly input: unknown;
  /** The detector's fingerprint: model and settings. */
  readonly detector: unknown;
  /** Options of `createVideoDetector` that were given; functions and own parts are `(function)` or `(object)`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether the run that wrote the rows masked faces by them. */
  readonly isAnonymized: boolean;
}

/** The analysis that the rows of a run state. */
export function analysisOf({ version, input, detector, options }: RunManifest): RowAnalysis {
  // How much is held in memory does not affect results.
  const { anonymize = false, lookAheadBytes: _, ...given } = options as Record<string, unknown>;
  const known: readonly string[] = videoDetectorOptionNames;
  return {
    version,
    input,
    detector,
    options: Object.fromEntries(Object.entries(given).filter(([name]) => known.includes(name))),
    isAnonymized: anonymize !== false,
  };
}

/**
 * Whether rows were made from this source: files by size and hashes of their content, wherever they are now; folders
 * and patterns of pictures by names, sizes and times. Undefined where that can't be known (pipes, streams, cameras).
 */
export async function isMadeFrom({ input }: RowAnalysis, source: VideoSource): Promise<boolean | undefined> {
  const now = (await describeInput(source)) as InputDescription;
  const then = (input ?? {}) as InputDescription;
  if (then.head !== undefined && now.head !== undefined)
    return then.head === now.head && then.size === now.size && then.samples === now.samples;
  if (then.pictures !== undefined && now.pictures !== undefined) return then.sha256 === now.sha256;
  return isNameless(then) || isNameless(now) ? undefined : false;
}

/** A pipe, a stream or a camera, which may have brought the same frames. */
function isNameless({ head, pictures }: InputDescription): boolean {
  return head === undefined && pictures === undefined;
}

interface InputDescription {
  readonly size?: number;
  readonly head?: string;
  readonly samples?: string;
  readonly sha256?: string;
  readonly pictures?: number;
}
