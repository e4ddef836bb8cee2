import { createHash } from 'node:crypto';
import { BRAND, escapeHtml, PAGE_STYLE } from './page-style.ts';

const STYLE = `${PAGE_STYLE}
main { display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: 1.25rem; align-items: start; }
.stage { position: relative; display: grid; place-items: center; min-height: 14rem; overflow: hidden; border-radius: 14px; background: #0b0e0d; }
.stage img { grid-area: 1 / 1; display: block; width: 100%; max-height: 72vh; object-fit: contain; }
.state { position: absolute; inset: auto auto 1rem 1rem; margin: 0; padding: .4rem .9rem; border-radius: 999px; background: #0b0e0dcc; color: #edf0ee; font-size: .88rem; }
.figures { margin: .9rem 0 0; }
ol { max-height: 72vh; overflow: auto; margin: 0 -.5rem; padding: 0; list-style: none; font-variant-numeric: tabular-nums; }
li { display: grid; grid-template-columns: auto 1fr auto; align-items: center; gap: .1rem .6rem; padding: .4rem .5rem; border-radius: 8px; }
li i { width: .7rem; height: .7rem; border-radius: 3px; background: var(--own); }
li b { font-weight: 600; }
li small { grid-column: 2 / -1; color: var(--soft); font-size: .8rem; }
li.gone { opacity: .6; }
li.gone i { background: none; box-shadow: inset 0 0 0 2px var(--own); }
.none { color: var(--soft); margin: 0; font-size: .88rem; }
@media (width < 860px) { main { grid-template-columns: minmax(0, 1fr); } ol { max-height: none; } }
`;

// Rows are kept and filled anew, so that a screen reader or a selection is not thrown out of the list.
const SCRIPT = `
const $ = (id) => document.getElementById(id);
const clock = (s) => { const t = Math.floor(s); const two = (n) => String(n).padStart(2, '0'); const h = Math.floor(t / 3600); return (h ? h + ':' + two(Math.floor(t / 60) % 60) : Math.floor(t / 60)) + ':' + two(t % 60); };
const rows = new Map();
let lost = false;
const state = (text) => { $('state').textContent = text; $('state').hidden = !text; };
function row(id, color) {
  let li = rows.get(id);
  if (li) return li;
  li = document.createElement('li');
  li.style.setProperty('--own', color);
  li.append(document.createElement('i'), document.createElement('b'), document.createElement('span'), document.createElement('small'));
  li.children[1].textContent = '#' + id;
  rows.set(id, li);
  return li;
}
function show({ timestamp, faces, fps, identities, list }) {
  $('time').textContent = clock(timestamp);
  $('fps').textContent = fps;
  $('now').textContent = faces;
  $('ids').textContent = identities;
  const shown = list.sort((a, b) => a.id - b.id).map(({ id, color, first, last, score }) => {
    const li = row(id, color);
    const here = timestamp - last < 0.2;
    li.className = here ? '' : 'gone';
    li.children[2].textContent = here ? score.toFixed(2) : '';
    li.children[3].textContent = here ? 'since ' + clock(first) : clock(first) + ' – ' + clock(last);
    return li;
  });
  shown.sort((a, b) => (a.className ? 1 : 0) - (b.className ? 1 : 0));
  for (const [id, li] of rows) if (!shown.includes(li)) { li.remove(); rows.delete(id); }
  shown.forEach((li, i) => { if ($('list').children[i] !== li) $('list').insertBefore(li, $('list').children[i] || null); });
  $('nobody').hidden = shown.length > 0;
}
const events = new EventSource('events');
events.addEventListener('frame', (event) => { state(''); show(JSON.parse(event.data)); });
events.addEventListener('end', () => { state('That was all'); events.close(); });
events.addEventListener('error', () => { lost = true; state('The program does not answer'); });
events.addEventListener('open', () => { if (lost) $('picture').src = 'video?' + Date.now(); lost = false; });
`;

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What the page may load: its own pictures and events, its own style and script, and nothing else. */
export const LIVE_POLICY = `default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src ${hash(STYLE)}; script-src ${hash(SCRIPT)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The page that shows a video as it is worked on. */
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
<section aria-label="Picture">
<div class="stage"><img id="picture" src="video" alt="The video, with a box around each face"><p class="state" id="state" role="status">Waiting for the first picture</p></div>
<dl class="figures">
<div><dt>position</dt><dd id="time">–</dd></div>
<div><dt>frames a second</dt><dd id="fps">–</dd></div>
<div><dt>faces now</dt><dd id="now">–</dd></div>
<div><dt>identities</dt><dd id="ids">–</dd></div>
</dl>
</section>
<section class="card" aria-labelledby="who"><h2 id="who">Identities</h2><ol id="list"></ol><p class="none" id="nobody">Nobody yet.</p></section>
</main>
<script>${SCRIPT}</script>
</html>
`;
}
