import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, launch, startSite, type Site } from './fixtures/browser.fixture.ts';

describe.skipIf(!browserPath)('webBackend in Chromium [needs a browser]', { timeout: 180_000 }, () => {
  let site: Site;
  let browser: Browser;
  let gpuBrowser: Browser;
  beforeAll(async () => {
    [site, browser, gpuBrowser] = await Promise.all([startSite(), launch(), launch({ gpu: true })]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), gpuBrowser?.close(), site?.close()]);
  });

  async function conformance(
    page: Page,
    options: object,
  ): Promise<{ names: string[]; failures: string[]; selection: unknown }> {
    await page.goto(site.url);
    await page.waitForFunction(() => 'facedet' in globalThis);
    return page.evaluate(async (o) => {
      const failures: string[] = [];
      const names: string[] = [];
      for (const { name, run } of facedet.backendConformance({
        create: () => facedet.webBackend({ ...o, wasmPaths: '/ort/' }),
      })) {
        names.push(name);
        await run().catch((error: Error) => failures.push(`${name}: ${error.message}`));
      }
      return { names, failures, selection: facedet.environment() };
    }, options);
  }

  it.each([1, 2])('passes the conformance suite on WASM with %i threads', async (threads) => {
    const page = await browser.newPage();
    const { names, failures, selection } = await conformance(page, { provider: 'wasm', threads });
    expect(selection).toMatchObject({ threads: true });
    expect(names.length).toBeGreaterThan(10);
    expect(failures).toEqual([]);
    await page.close();
  });

  it('passes the conformance suite on WebGPU, where the browser has a software adapter', async ({ skip }) => {
    const page = await gpuBrowser.newPage();
    await page.goto(site.url);
    const adapter = await page.evaluate(async () => {
      const { gpu } = navigator as unknown as {
        gpu?: { requestAdapter(): Promise<{ info?: { description?: string; vendor?: string } } | null> };
      };
      const found = await gpu?.requestAdapter();
      return found ? `${found.info?.vendor} ${found.info?.description}` : null;
    });
    if (!adapter) {
      console.warn('WebGPU conformance is skipped: this Chromium gives no WebGPU adapter, not even in software.');
      skip();
    }
    const { failures } = await conformance(page, { provider: 'webgpu' });
    expect(failures).toEqual([]);
    await page.close();
  });
});
