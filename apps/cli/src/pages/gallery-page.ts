import { basename } from 'node:path';
import { trackColor } from '@facedet/draw';
import type { GalleryDocument, GalleryTrack } from '@facedet/video-node';
import { GALLERY_STYLE } from './gallery-style.ts';
import { BRAND, clock, escapeHtml, PAGE_STYLE } from './page-style.ts';

/**
 * A page that shows the best crop of each track, and a timeline of when it appears. It has no script and loads only the
 * crops beside it.
 */
export function galleryPage(document: GalleryDocument, imageOf: (id: number) => string): string {
  const { tracks, seconds, frames, source } = document;
  const name = basename(source) || source;
  const short = seconds < 60;
  const counts = presence(tracks, seconds);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Faces in ${escapeHtml(name)}</title>
<style>${PAGE_STYLE}${GALLERY_STYLE}</style>
<header class="top"><p class="brand">${BRAND}</p><p class="about">Track gallery</p></header>
<main>
<h1>${escapeHtml(name)}</h1>
<dl class="figures">
<div><dt>tracks</dt><dd>${tracks.length}</dd></div>
<div><dt>most at once</dt><dd>${most}</dd></div>
<div><dt>length</dt><dd>${clock(seconds, short)}</dd></div>
<div><dt>frames</dt><dd>${frames.toLocaleString('en')}</dd></div>
</dl>
${
  tracks.length === 0
    ? '<p class="card empty">No face was tracked in this video.</p>'
    : `<section class="card" aria-labelledby="faces">
<h2 id="faces">Faces, by first appearance</h2>
<ul class="faces">
${tracks.map((track) => card(track, imageOf, short)).join('\n')}
</ul>
</section>
<section class="card" aria-labelledby="when">
<h2 id="when">Timeline</h2>
${timeline(tracks, { seconds, imageOf, counts, most })}
</section>`
}
</main>
</html>
`;
}

function card({ id, image, spans }: GalleryTrack, imageOf: (id: number) => string, precise: boolean): string {
  const picture = image
    ? `<img src="${imageOf(id)}" alt="Face of track ${id}" loading="lazy" width="160" height="160">`
    : '<span class="none"></span>';
  return `<li><a id="face-${id}" href="#when-${id}" style="--own:${color(id)}">
${picture}<b>#${id}</b> <span>from ${clock(spans[0]![0], precise)}</span></a></li>`;
}

/** What all rows of the timeline share. */
interface TimelineContext {
  /** Length of the video. */
  readonly seconds: number;
  readonly imageOf: (id: number) => string;
  /** Tracks present at once, in equal parts of the time. */
  readonly counts: readonly number[];
  /** The largest of `counts`. */
  readonly most: number;
}

function timeline(tracks: readonly GalleryTrack[], { seconds, imageOf, counts, most }: TimelineContext): string {
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
  const rows = tracks.map(({ id, image, spans }) => {
    const total = spans.reduce((sum, [from, to]) => sum + to - from, 0);
    const label = spans.map(([from, to]) => `${clock(from, true)} to ${clock(to, true)}`).join(', ');
    const bars = spans
      .map(
        ([from, to]) =>
          `<s style="left:${at(from)};width:${at(to - from)}" title="${clock(from, true)} – ${clock(to, true)}"></s>`,
      )
      .join('');
    const crop = image
      ? `<img src="${imageOf(id)}" alt="" loading="lazy" width="36" height="36">`
      : '<span class="none"></span>';
    return `<tr id="when-${id}" style="--own:${color(id)}">
<th scope="row"><a href="#face-${id}">${crop}#${id}</a></th>
<td class="lane"><div role="img" aria-label="${label}">${lines}${bars}</div></td>
<td class="total">${total.toFixed(1)} s</td>
</tr>`;
  });
  return `<table>
<thead>
<tr>
<th scope="col">Track</th>
<th scope="col" class="lane">
<span class="hidden">Visible</span><div class="scale" aria-hidden="true">${scale}</div>
</th>
<th scope="col" class="total">Total</th>
</tr>
</thead>
<tbody>
<tr class="crowd">
<th scope="row">At once</th>
<td class="lane">${crowd(counts, most)}</td>
<td class="total">up to ${most}</td>
</tr>
${rows.join('\n')}
</tbody>
</table>`;
}

/** The number of tracks over time, as a step curve. */
function crowd(counts: readonly number[], most: number): string {
  const steps = counts.map((count, i) => `L${i} ${most - count}L${i + 1} ${most - count}`).join('');
  const label = `Number of tracks over time, up to ${most}`;
  return `<svg viewBox="0 0 ${counts.length} ${most}" preserveAspectRatio="none" role="img" aria-label="${label}">
<path d="M0 ${most}${steps}L${counts.length} ${most}Z"/></svg>`;
}

/** The highest number of tracks present at once, in each of 240 equal parts of the time. */
function presence(tracks: readonly GalleryTrack[], seconds: number): number[] {
  const parts = 240;
  const changes = tracks
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
  let present = 0;
  let next = 0;
  for (let i = 0; i < parts; i++) {
    counts[i] = present;
    for (; next < changes.length && (changes[next]![0] < ((i + 1) * seconds) / parts || i === parts - 1); next++) {
      present += changes[next]![1];
      counts[i] = Math.max(counts[i]!, present);
    }
  }
  return counts;
}

function color(id: number): string {
  return `rgb(${trackColor(id).join(' ')})`;
}

/** Seconds between two ticks of the scale. */
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
