import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { openDemo, untilRunning } from './site.ts';

// Takes the pictures of the demo that the READMEs show: desktop and phone, light and dark.

const folder = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
const { url, browser, close } = await openDemo();
for (const [name, width, height] of [
  ['desktop', 1280, 900],
  ['phone', 390, 844],
] as const) {
  for (const theme of ['light', 'dark'] as const) {
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme: theme,
      deviceScaleFactor: name === 'phone' ? 2 : 1,
    });
    await page.goto(url);
    await untilRunning(page);
    await page.waitForTimeout(Number(process.env['SECONDS'] ?? 20) * 1000);
    const picture = await page.screenshot({ fullPage: name === 'desktop' });
    const file = `demo-${name}-${theme}.png`;
    const { size } = await sharp(picture).png({ palette: true, quality: 80, effort: 8 }).toFile(`${folder}${file}`);
    console.log(`docs/images/${file}: ${Math.round(size / 1024)} KiB`);
    await page.close();
  }
}
await close();
