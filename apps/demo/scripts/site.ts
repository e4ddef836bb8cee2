import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { preview } from 'vite';
import { launch } from '../../../scripts/browser.ts';

/**
 * The built demo, served as its hosts would, and a browser for it. `scripts` are added to the site: path to file.
 */
export async function openDemo({
  scripts = {},
  ...options
}: Parameters<typeof launch>[0] & { scripts?: Record<string, string> } = {}) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const server = await preview({
    root,
    configFile: `${root}vite.config.ts`,
    logLevel: 'error',
    preview: { port: 4310, host: '127.0.0.1' },
    plugins: [
      {
        name: 'added-scripts',
        configurePreviewServer({ middlewares, config }) {
          middlewares.use((request, response, next) => {
            const file = scripts[request.url ?? ''];
            if (!file) return next();
            for (const [name, value] of Object.entries(config.preview.headers)) response.setHeader(name, value!);
            response.setHeader('content-type', 'text/javascript');
            response.end(readFileSync(file));
          });
        },
      },
    ],
  });
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
  await page.waitForFunction(() => Number(document.getElementById('figure-fps')!.textContent) > 0, undefined, {
    timeout: 60_000,
  });
}
