import { createHash } from 'node:crypto';
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { FaceDetError } from '@facedet/core';
import { shownSource } from '@facedet/files';
import { readUrl, type HttpOptions } from '@facedet/http';

/** Options of `downloadFile`. */
export interface DownloadOptions extends HttpOptions {
  /** Whether the result is checked against a known hash, so that a resumption needs no validator from the server. */
  readonly verified: boolean;
  readonly onBytes?: (received: number, total: number | undefined) => void;
}

/** Larger than any detection model: a larger file is refused. */
export const MAX_MODEL_BYTES = 2 ** 31;

/**
 * Downloads `url` into `part`, continuing where an earlier try stopped; the caller renames it. The data that
 * resuming needs is in `part + '.json'`.
 *
 * @throws FaceDetError as `readUrl`.
 */
export async function downloadFile(url: string, part: string, options: DownloadOptions): Promise<void> {
  await transfer(url, part, options);
  await rm(`${part}.json`, { force: true });
}

/** Removes what an unfinished download left. */
export async function discardPart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
}

async function transfer(url: string, part: string, options: DownloadOptions): Promise<void> {
  const earlier = await resumable(url, part, options.verified);
  const file = await open(part, earlier ? 'r+' : 'w');
  let noted = earlier?.validator;
  let written = earlier?.start ?? 0;
  try {
    const http = { maxBytes: MAX_MODEL_BYTES, ...options, trustParts: options.verified, allowHttp: options.verified };
    for await (const { position, bytes, total, validator } of readUrl(url, earlier ?? {}, http)) {
      if (position < written) await file.truncate(position);
      if (position === 0 || validator !== noted) {
        noted = validator;
        await writeFile(
          `${part}.json`,
          JSON.stringify({ address: addressHash(url), ...(validator === undefined ? {} : { validator }) }),
        );
      }
      await file.write(bytes, 0, bytes.length, position);
      written = position + bytes.length;
      options.onBytes?.(written, total);
    }
    if (written === 0)
      throw new FaceDetError(
        'DOWNLOAD_FAILED',
        `Expected ${options.what} but ${shownSource(url)} is an empty file (0 bytes); check the address.`,
      );
    // The file may have held more than what the server has now.
    await file.truncate(written);
    await file.sync();
  } finally {
    await file.close();
    if (written === 0) await discardPart(part);
  }
}

/** Where an earlier download of the same URL ended, if it can be gone on with. */
async function resumable(
  url: string,
  part: string,
  verified: boolean,
): Promise<{ start: number; validator?: string } | undefined> {
  try {
    const { size } = await stat(part);
    const note = JSON.parse(await readFile(`${part}.json`, 'utf8')) as { address?: unknown; validator?: unknown };
    if (size === 0 || note.address !== addressHash(url)) return undefined;
    if (typeof note.validator === 'string') return { start: size, validator: note.validator };
    return verified ? { start: size } : undefined;
  } catch {
    return undefined;
  }
}

/** An address may hold a password, which has no business on the disk. */
function addressHash(url: string): string {
  return createHash('sha256').update(url).digest('hex');
}
