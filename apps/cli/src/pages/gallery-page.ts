import { basename } from 'node:path';
import { trackColor } from '@facedet/draw';
import type { GalleryDocument, GalleryIdentity } from '@facedet/video-node';
import { BRAND, clock, escapeHtml, PAGE_STYLE } from './page-style.ts';

/**
 * A page that shows each identity's portrait, and who was there when. It needs no script and nothing but the portraits
 * beside it.
 */
export function galleryPage(document: GalleryDocument, imageOf: (id: number) => string): string {
  const { identities, seconds, frames, source } = document;
  const name = basename(source) || source;
  const short = seconds < 60;
  const counts = presence(identities, seconds);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Who appears in ${escapeHtml(name)}</title>
<style>${PAGE_STYLE}${STYLE}</style>
<header class="top"><p class="brand">${BRAND}</p><p class="about">Who appears when</p></header>
<main>
<h1>${escapeHtml(name)}</h1>
<dl class="figures">
<div><dt>identities</dt><dd>${identities.length}</dd></div>
<div><dt>most at once</dt><dd>${most}</dd></div>
<div><dt>length</dt><dd>${clock(seconds, short)}</dd></div>
<div><dt>frames</dt><dd>${frames.toLocaleString('en')}</dd></div>
</dl>
${
  identities.length === 0
    ? '<p class="card empty">No face was followed in this video.</p>'
    : `<section class="card" aria-labelledby="faces">
<h2 id="faces">Faces, by first appearance</h2>
<ul class="faces">
${identities.map((identity) => card(identity, imageOf, short)).join('\n')}
</ul>
</section>
<section class="card" aria-labelledby="when">
<h2 id="when">Timeline</h2>
${timeline(identities, seconds, imageOf, counts, most)}
</section>`
}
</main>
</html>
`;
}

function card({ id, image, spans }: GalleryIdentity, imageOf: (id: number) => string, precise: boolean): string {
  const picture = image
    ? `<img src="${imageOf(id)}" alt="Face of identity ${id}" loading="lazy" width="160" height="160">`
    : '<span class="none"></span>';
  return `<li><a id="face-${id}" href="#when-${id}" style="--own:${color(id)}">${picture}<b>#${id}</b> <span>from ${clock(spans[0]![0], precise)}</span></a></li>`;
}

function timeline(
  identities: readonly GalleryIdentity[],
  seconds: number,
  imageOf: (id: number) => string,
  counts: readonly number[],
  most: number,
): string {
  const at = (time: number) => `${((100 * time) / Math.max(seconds, 1e-9)).toFixed(3)}%`;
  const step = STEPS.find((candidate) => seconds / candidate <= 8) ?? Math.ceil(seconds / 8 / 3600) * 3600;
  const ticks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => i * step);
  const scale = ticks
    .map(
      (time) =>
        `<i style="left:${at(time)}"${time > 0.95 * seconds ? ' class="end"' : ''}>${clock(time, step < 1)}</i>`,
    )
    .join('');
  const lines = ticks
    .slice(1)
    .map((time) => `<i style="left:${at(time)}"></i>`)
    .join('');
  const rows = identities.map(({ id, image, spans }) => {
    const total = spans.reduce((sum, [from, to]) => sum + to - from, 0);
    const told = spans.map(([from, to]) => `${clock(from, true)} to ${clock(to, true)}`).join(', ');
    const bars = spans
      .map(
        ([from, to]) =>
          `<s style="left:${at(from)};width:${at(to - from)}" title="${clock(from, true)} – ${clock(to, true)}"></s>`,
      )
      .join('');
    return `<tr id="when-${id}" style="--own:${color(id)}"><th scope="row"><a href="#face-${id}">${image ? `<img src="${imageOf(id)}" alt="" loading="lazy" width="36" height="36">` : '<span class="none"></span>'}#${id}</a></th><td class="lane"><div role="img" aria-label="${told}">${lines}${bars}</div></td><td class="total">${total.toFixed(1)} s</td></tr>`;
  });
  return `<table>
<thead>
<tr><th scope="col">Identity</th><th scope="col" class="lane"><span class="hidden">When it is there</span><div class="scale" aria-hidden="true">${scale}</div></th><th scope="col" class="total">In all</th></tr>
</thead>
<tbody>
<tr class="crowd"><th scope="row">At once</th><td class="lane">${crowd(counts, most)}</td><td class="total">up to ${most}</td></tr>
${rows.join('\n')}
</tbody>
</table>`;
}

/** How many are there over time, as stairs. */
function crowd(counts: readonly number[], most: number): string {
  const stairs = counts.map((count, i) => `L${i} ${most - count}L${i + 1} ${most - count}`).join('');
  return `<svg viewBox="0 0 ${counts.length} ${most}" preserveAspectRatio="none" role="img" aria-label="How many identities are there at once: up to ${most}"><path d="M0 ${most}${stairs}L${counts.length} ${most}Z"/></svg>`;
}

/** The most identities that are there at once, in each of up to 240 equal parts of the time. */
function presence(identities: readonly GalleryIdentity[], seconds: number): number[] {
  const parts = 240;
  const changes = identities
    .flatMap(({ spans }) =>
      spans.flatMap(
        ([from, to]) =>
          [
            [from, 1],
            [to, -1],
          ] as [number, number][],
      ),
    )
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const counts = new Array<number>(parts).fill(0);
  let there = 0;
  let next = 0;
  for (let i = 0; i < parts; i++) {
    counts[i] = there;
    for (; next < changes.length && (changes[next]![0] < ((i + 1) * seconds) / parts || i === parts - 1); next++) {
      there += changes[next]![1];
      counts[i] = Math.max(counts[i]!, there);
    }
  }
  return counts;
}

function color(id: number): string {
  return `rgb(${trackColor(id).join(' ')})`;
}

/** Seconds between two marks of the scale. */
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

const STYLE = `
h1 { margin: 0 0 .8rem; font-size: 1.6rem; font-weight: 650; letter-spacing: -.02em; overflow-wrap: anywhere; }
section + section { margin-top: 1.25rem; }
.empty { color: var(--soft); margin: 0; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 1.1rem 1rem; margin: 0; padding: 0; list-style: none; }
.faces a { display: block; color: inherit; text-decoration: none; font-variant-numeric: tabular-nums; border-radius: 12px; scroll-margin-top: 2rem; }
.faces img, .faces .none { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; border-radius: 12px; background: var(--track); margin-bottom: .45rem; box-shadow: 0 0 0 1px var(--line); }
.faces a:hover img, .faces a:target img { box-shadow: 0 0 0 3px var(--own); }
.faces b { font-weight: 600; }
.faces b::before { content: ""; display: inline-block; width: .6rem; height: .6rem; margin-right: .4rem; border-radius: 3px; background: var(--own); }
.faces span { display: block; color: var(--soft); font-size: .83rem; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; padding: 0; white-space: nowrap; }
thead th { position: sticky; top: 0; vertical-align: bottom; z-index: 1; background: var(--card); color: var(--soft); padding: .35rem 0; }
td { padding: 0; }
.lane { width: 100%; padding: 0 1.25rem; }
thead .lane { padding-inline: 1.25rem; }
.total { text-align: right; color: var(--soft); white-space: nowrap; }
.scale, .lane > div { position: relative; }
.scale { height: 1.2rem; font-weight: 400; font-size: .78rem; }
.scale i { position: absolute; transform: translateX(-50%); font-style: normal; line-height: 1.2rem; }
.scale i:first-child { transform: none; }
.scale i.end { transform: translateX(-100%); }
tbody tr { border-top: 1px solid var(--line); scroll-margin-top: 3rem; }
tbody th a { display: flex; align-items: center; gap: .6rem; padding: .3rem 0; color: inherit; text-decoration: none; }
tbody img, tbody .none { width: 36px; height: 36px; border-radius: 50%; object-fit: cover; background: var(--track); }
.lane > div { height: 36px; }
tbody .lane > div > i { position: absolute; inset-block: -5px; width: 1px; background: var(--line); }
.lane s { position: absolute; top: 10px; height: 16px; min-width: 3px; border-radius: 4px; background: var(--own); box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--ink) 22%, transparent); }
tbody tr:target { background: color-mix(in srgb, var(--own) 14%, transparent); }
.crowd th, .crowd .total { color: var(--soft); }
.crowd svg { display: block; width: 100%; height: 44px; margin: 6px 0; }
.crowd path { fill: var(--accent); opacity: .28; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (width < 640px) { .faces { grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr)); } .lane, thead .lane { padding-inline: .6rem; } }
@media print { thead th { position: static; } .card { break-inside: auto; } }
`;
