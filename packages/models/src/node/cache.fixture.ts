// Imported by a test file: an empty cache folder and no proxies for each of its tests, and servers that end with them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_PROXIES, startServer, type Behavior } from '@facedet/http/testing';
import { afterEach, beforeEach, vi } from 'vitest';

/** The cache folder of the test that runs. */
export let cacheDir: string;
const servers: { close(): Promise<void> }[] = [];

/** Has a server end with the test. */
export function closeAfter(server: { close(): Promise<void> }): void {
  servers.push(server);
}

/** Starts a server with an answer, or one for each request, by path. */
export async function serve(paths: Record<string, Behavior | Behavior[]>) {
  const server = await startServer(paths);
  closeAfter(server);
  return server;
}

beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'facedet-models-'));
  for (const [name, value] of Object.entries({ ...NO_PROXIES, FACEDET_MODELS: undefined })) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) await server.close();
  rmSync(cacheDir, { recursive: true, force: true });
});
