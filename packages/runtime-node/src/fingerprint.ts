import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { filePath } from '@facedet/files';
import type { WorkerSetup } from './worker-protocol.ts';

/**
 * SHA-256 of a model as lower-case hex. Another engine's model that is not a file is identified by its text. External
 * data of a model is not hashed.
 */
export async function modelHash(model: WorkerSetup['model']): Promise<string> {
  const hash = createHash('sha256');
  if (model instanceof Uint8Array) return hash.update(model).digest('hex');
  const path = model.url && model.text.startsWith('file:') ? filePath(model.text) : model.text;
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch {
    return createHash('sha256').update(`text ${model.text}`).digest('hex');
  }
}

/** The same for another engine's module, whose code affects the results. */
export async function moduleHash(url: string): Promise<string> {
  const code = url.startsWith('file:') ? await readFile(filePath(url)).catch(() => url) : url;
  return createHash('sha256').update(code).digest('hex');
}
