import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { preview } from 'vite';
import { launch } from '../../../scripts/browser.ts';

/** The built demo, served as its hosts would, and a browser to look at it with. */
export async function openDemo(options: Parameters<typeof launch>[0] = {}) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const server = await preview({ root, configFile: `${root}vite.config.ts`, logLevel: 'error', preview: { port: 4310, host: '127.0.0.1' } });
  const browser = await launch(options);
  return {
    url: server.resolvedUrls!.local[0]!,
    browser,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** Waits until faces are followed. */
export async function untilRunning(page: Page): Promise<void> {
  await page.waitForFunction(() => Number(document.getElementById('figure-fps')!.textContent) > 0, undefined, { timeout: 60_000 });
}
