import { statSync } from 'node:fs';
import { FaceDetError } from '@facedet/checks';
import { printable } from './printable.ts';
import { redactUrl } from './redact-url.ts';

/**
 * Loads an optional package and says what to do where that fails. Rejects with `DEPENDENCY_MISSING` where it is not
 * installed and with `DEPENDENCY_BROKEN` where it is, but its binary does not load.
 */
export async function loadOptional<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    // Node resolves no link of a package where the last synchronous stat met a pipe: realpathSync takes that result for
    // the folder's own.
    statSync(process.execPath);
    return await load();
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: unknown };
    const platform = `${process.platform}-${process.arch}, Node ${process.versions.node}`;
    const reason = oneLine(message ?? cause);
    // A missing package is named in quotes; a missing file inside an installed one is a broken installation.
    const missing =
      (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && new RegExp(`['"]${name}['"]`).test(reason);
    if (missing)
      throw new FaceDetError(
        'DEPENDENCY_MISSING',
        `Expected the package ${name}, which ${purpose}, but it is not installed; install it with "npm ` +
          `install ${name}".`,
        { cause },
      );
    throw new FaceDetError(
      'DEPENDENCY_BROKEN',
      `Expected the package ${name}, which ${purpose}, to load on ${platform} but received: ${reason} ` +
        `Reinstall it on this machine with "npm install --include=optional --force ${name}"; a node_modules ` +
        'folder copied from another platform lacks the right binary.',
      { cause },
    );
  }
}

/**
 * A message of another library or program on one line, ended by a full stop: printable, at most 600 characters, without
 * the credentials of URLs. Takes linear time.
 */
export function oneLine(message: unknown): string {
  const lines = redactUrl(message)
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const text = printable(lines.join('; ').replace(/\s+/g, ' '), 600) || 'unknown error';
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
