import { stat } from 'node:fs/promises';
import { FaceDetError } from '@facedet/core';
import { describe, isMissing, locate, pathAdvice, readBytes, type ByteErrors } from './bytes.ts';
import { oneLine } from '@facedet/files';
import type { WorkerSetup } from './worker-protocol.ts';

const ERRORS: ByteErrors = {
  what: 'an ONNX model',
  missing: 'MODEL_NOT_FOUND',
  unreadable: 'MODEL_UNUSABLE',
  empty: 'MODEL_UNUSABLE',
  tooLarge: 'MODEL_UNUSABLE',
};
/** The largest protobuf. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Bytes, or the absolute path of an existing file: ONNX Runtime finds external weights only beside a path. Rejects
 * with `MODEL_NOT_FOUND` or `MODEL_UNUSABLE`.
 */
export async function modelSource(
  model: Uint8Array | string | URL,
  signal?: AbortSignal,
): Promise<string | Uint8Array> {
  const at = locate(model);
  if (at.kind !== 'file') return readBytes(model, ERRORS, MAX_BYTES, signal);
  signal?.throwIfAborted();
  const shown = describe(at.path);
  const stats = await stat(at.path).catch((cause: NodeJS.ErrnoException) => {
    if (isMissing(cause.code))
      throw new FaceDetError(
        'MODEL_NOT_FOUND',
        `Expected an ONNX model but ${shown} does not exist; ${pathAdvice(at.path)}.`,
        { cause },
      );
    throw new FaceDetError(
      'MODEL_UNUSABLE',
      `Expected an ONNX model but ${shown} can't be read: ${oneLine(cause.message.slice(0, 300))}`,
      { cause },
    );
  });
  if (stats.isDirectory()) throw new FaceDetError('MODEL_UNUSABLE', `Expected an ONNX model but ${shown} is a folder.`);
  if (stats.isFile() && stats.size === 0)
    throw new FaceDetError('MODEL_UNUSABLE', `Expected an ONNX model but ${shown} is empty (0 bytes).`);
  return at.path;
}

/** A model as the threads get it: downloaded once for all of them; another engine's model unchanged. */
export async function portableModel(model: Uint8Array | string | URL, onnx: boolean): Promise<WorkerSetup['model']> {
  const source = onnx ? await modelSource(model) : model;
  if (source instanceof Uint8Array) return source;
  return { text: String(source), url: source instanceof URL };
}
