import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeImage } from '@facedet/runtime-node';
import type { GalleryDocument } from '@facedet/video-node';
import { afterAll, describe, expect, it } from 'vitest';
import { browserPath, launch } from '../../../../scripts/browser.ts';
import { galleryPage } from './gallery-page.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-page-'));
afterAll(() => rmSync(folder, { recursive: true }));

const crop = { frame: 0, timestamp: 0, box: { x: 0, y: 0, width: 60, height: 60 }, score: 0.9, quality: 0.5 };
const document: GalleryDocument = {
  source: '/videos/<b>film & "more".mp4',
  frames: 50,
  seconds: 2,
  tracks: [
    { id: 1, image: '0001.jpg', spans: [[0, 2]], frames: 50, crop },
    {
      id: 2,
      image: '0002.jpg',
      spans: [
        [0, 0.4],
        [1.6, 2],
      ],
      frames: 19,
      crop,
    },
  ],
};
const page = (of: GalleryDocument) => galleryPage(of, (id) => `000${id}.jpg`);

it('says where no face was tracked', () => {
  expect(page({ source: 'film.mp4', frames: 1, seconds: 0.04, tracks: [] })).toContain('No face was tracked');
});

describe.skipIf(!browserPath)('the page [needs Chromium]', () => {
  it('shows every crop and bar, names them for a screen reader, fits a phone and runs no script', async () => {
    const picture = { data: new Uint8Array(3 * 102 * 102).fill(90), width: 102, height: 102, format: 'rgb' } as const;
    for (const name of ['0001.jpg', '0002.jpg'])
      writeFileSync(join(folder, name), await encodeImage(picture, { format: 'jpeg' }));
    writeFileSync(join(folder, 'index.html'), page(document));
    expect(page(document)).not.toMatch(/<script|https?:/);
    const browser = await launch();
    try {
      for (const [width, colorScheme] of [
        [1280, 'light'],
        [360, 'dark'],
      ] as const) {
        const view = await browser.newPage({ viewport: { width, height: 700 }, colorScheme });
        const problems: string[] = [];
        view.on('console', (message) => problems.push(message.text()));
        await view.goto(pathToFileURL(join(folder, 'index.html')).href);
        await view.locator('.faces img').last().scrollIntoViewIfNeeded();
        expect(await view.locator('h1').textContent()).toBe('<b>film & "more".mp4');
        const widths = (images: readonly unknown[]) =>
          images.map((image) => (image as { naturalWidth: number }).naturalWidth);
        expect(await view.locator('.faces img').evaluateAll(widths)).toEqual([102, 102]);
        expect(await view.getByRole('img', { name: '0:00.0 to 0:00.4, 0:01.6 to 0:02.0' }).locator('s').count()).toBe(
          2,
        );
        expect(await view.evaluate('document.documentElement.scrollWidth')).toBe(width);
        const [paper, ink] = (await view.evaluate(
          '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]',
        )) as [string, string];
        const light = (color: string) => Number(/\d+/.exec(color)![0]) > 128;
        expect([light(paper), light(ink)]).toEqual(colorScheme === 'light' ? [true, false] : [false, true]);
        expect(problems).toEqual([]);
        await view.close();
      }
    } finally {
      await browser.close();
    }
  }, 60_000);
});
