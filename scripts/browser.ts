import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

// Chromium for tests and screenshots, wherever the system keeps it: nothing is downloaded.

/** The browser, or undefined: CHROMIUM_PATH, or where Linux distributions put it. */
export const browserPath = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path && existsSync(path));
if (!browserPath)
  console.warn(
    'Browser tests are skipped: no Chromium was found. Install one (apt-get install chromium) or name it by ' +
      'CHROMIUM_PATH.',
  );

const QUIET = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SOFTWARE_GPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan,WebGPU',
  '--use-vulkan=swiftshader',
  '--ignore-gpu-blocklist',
];

/** Starts it; `gpu` asks for WebGPU on its software adapter. */
export async function launch({ gpu = false, args = [] as string[] } = {}): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath!, args: [...QUIET, ...(gpu ? SOFTWARE_GPU : []), ...args] });
}
