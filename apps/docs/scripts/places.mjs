import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The site's folder and the repository's. */
export const site = dirname(dirname(fileURLToPath(import.meta.url)));
export const root = join(site, '..', '..');
