import { createHash } from 'node:crypto';
import { LIVE_SCRIPT } from './live-page-script.ts';
import { LIVE_STYLE } from './live-page-style.ts';
import { BRAND, escapeHtml, PAGE_STYLE } from './page-style.ts';

const STYLE = `${PAGE_STYLE}${LIVE_STYLE}`;

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The content security policy: the page may load its own pictures, events, style and script only. */
export const LIVE_POLICY = [
  "default-src 'none'",
  "img-src 'self' data:",
  "connect-src 'self'",
  `style-src ${hash(STYLE)}`,
  `script-src ${hash(LIVE_SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page that shows a video while it is processed. */
export function livePageHtml(title: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} – FaceDet</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<header class="top"><h1 class="brand">${BRAND}</h1><p class="about">${escapeHtml(title)}</p></header>
<main>
<section aria-label="Video">
<div class="stage">
<img id="picture" src="video" alt="The video, with a box around each face">
<p class="state" id="state" role="status">Waiting for the first frame</p>
</div>
<dl class="figures">
<div><dt>position</dt><dd id="time">–</dd></div>
<div><dt>frames per second</dt><dd id="fps">–</dd></div>
<div><dt>faces now</dt><dd id="now">–</dd></div>
<div><dt>tracks</dt><dd id="ids">–</dd></div>
</dl>
</section>
<section class="card" aria-labelledby="tracks">
<h2 id="tracks">Tracks</h2>
<ol id="list"></ol>
<p class="none" id="none">No faces yet.</p>
</section>
</main>
<script>${LIVE_SCRIPT}</script>
</html>
`;
}
