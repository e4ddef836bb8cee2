import type { ModelProgress } from '../progress.ts';
import type { ModelEntry } from '../types.ts';

/** Options of `resolveModel`. */
export interface ResolveModelOptions {
  /**
   * A mirror to download from instead of the official places: it holds `NAME.onnx`, or the release archives under their
   * own names. By default `FACEDET_MODELS` where that is a URL.
   */
  readonly baseUrl?: string | URL;
  /** Where models are kept. By default `FACEDET_MODELS` where that is a folder, else the platform's cache folder. */
  readonly cacheDir?: string;
  /** Never use the network; what is missing is an error that says where to put the file. */
  readonly offline?: boolean;
  /**
   * Download again even if the file exists, and accept its new content: for a URL whose content was changed on
   * purpose. A known or given SHA-256 must still match.
   */
  readonly refresh?: boolean;
  /** Accept the license that restricts the model's use; it is remembered in `cacheDir`. */
  readonly acceptLicense?: boolean;
  /** The SHA-256 (64 hex digits) that the file must have; for URLs and paths that the manifest does not know. */
  readonly sha256?: string;
  /** Called as bytes arrive, at most about thirty times per second. */
  readonly onProgress?: (progress: ModelProgress) => void;
  /** Aborts; a partial download is kept for the next try. */
  readonly signal?: AbortSignal;
  /** Attempts in a row that may fail without a byte of progress, at least 1; by default 5. */
  readonly attempts?: number;
  /** Seconds without a byte after which a connection counts as broken; by default 30. */
  readonly stallTimeout?: number;
}

/** A model on this machine, ready for an engine. */
export interface ResolvedModel {
  /** Absolute path of the ONNX file. */
  readonly path: string;
  /** The entry's name, or the file's name without `.onnx`. */
  readonly name: string;
  /** The manifest's entry: by name, or because the file's SHA-256 is one it knows. */
  readonly entry?: ModelEntry;
  /** SHA-256 of the file as it is now, lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /**
   * `verified`: the SHA-256 is the manifest's or the caller's; `pinned`: it is that of the first download;
   * `unverified`: there is no hash to compare with.
   */
  readonly trust: 'verified' | 'pinned' | 'unverified';
  /** Where it came from this time. */
  readonly from: 'bundled' | 'cache' | 'download' | 'file';
}
