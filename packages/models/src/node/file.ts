import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { filePath, shownSource } from '@facedet/files';
import { defaultWeightsUrl } from '../default.ts';
import type { ModelEntry } from '../types.ts';
import { sha256File } from './hash.ts';

/** Where a bundled file lies: beside the default weights, wherever a bundler has put this module. */
export function bundledPath(entry: ModelEntry): string {
  const url = new URL(entry.file.name!, defaultWeightsUrl());
  return url.protocol === 'file:' ? filePath(url) : url.href;
}

/** SHA-256 and size of a file; undefined if it doesn't exist. */
export async function inspect(
  path: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; size: number } | undefined> {
  let info;
  try {
    info = await stat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new FaceDetError(
      'MODEL_UNUSABLE',
      `Expected an ONNX file but ${shownSource(path)} can't be read ` +
        `(${(error as NodeJS.ErrnoException).code}); check the path and its permissions.`,
      { cause: error },
    );
  }
  if (!info.isFile())
    throw new FaceDetError(
      'MODEL_UNUSABLE',
      `Expected an ONNX file but ${shownSource(path)} is ` +
        `${info.isDirectory() ? 'a folder; name the file in it' : 'no regular file; name another'}.`,
    );
  if (info.size === 0)
    throw new FaceDetError(
      'MODEL_UNUSABLE',
      `Expected an ONNX file but ${shownSource(path)} is empty (0 bytes); get it again.`,
    );
  try {
    return await sha256File(path, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw new FaceDetError(
      'MODEL_UNUSABLE',
      `Expected an ONNX file but ${shownSource(path)} can't be read ` +
        `(${(error as NodeJS.ErrnoException).code}); check the path and its permissions.`,
      { cause: error },
    );
  }
}

/** Every SHA-256 under which an entry's file may go. */
export function knownHashes({ file }: ModelEntry): Set<string> {
  return new Set([...(file.sha256 ? [file.sha256] : []), ...(file.otherExports ?? []).map(({ sha256 }) => sha256)]);
}

/** The error for a file that is another one. */
export function mismatch(what: string, received: string, expected: string, advice = ''): FaceDetError {
  return new FaceDetError(
    'CHECKSUM_MISMATCH',
    `Expected SHA-256 ${expected} but ${what} has ${received}. ${advice}`.trimEnd(),
  );
}

/** The name of a file that has no better one. */
export function nameOf(path: string): string {
  return basename(path).replace(/\.(onnx|ort)$/i, '');
}
