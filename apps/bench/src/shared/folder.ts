import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A folder of the shared data beside the repository; ends the process with a reason where it is missing. */
export function sharedFolder(...parts: string[]): string {
  const folder = join(resolve(process.env['FACEDET_SHARED'] ?? '../shared'), ...parts);
  if (existsSync(folder)) return folder;
  console.error(
    `skipped: expected the data at ${folder}; run from the repository's root with the shared data beside it, ` +
      'or set FACEDET_SHARED',
  );
  process.exit(1);
}
