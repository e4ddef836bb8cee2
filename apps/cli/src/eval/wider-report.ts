import type { Box } from '@facedet/core';
import type { RecallBreakdown, RecallGroup } from '../wider/breakdown.ts';
import type { FalsePositive, MissedFace } from '../wider/misses.ts';
import type { WiderEvaluation } from '../wider/protocol.ts';
import { curvesSvg } from './curves.ts';
import { escapeMarkup } from './escape.ts';

/** A part of a picture, ready to be shown. */
export interface ReportPicture {
  /** A `data:` URL. */
  readonly url: string;
  /** The part of the image that it shows, in source pixels. */
  readonly region: Box;
}

/** A row of the robustness table: AP of the subsets, with and without equalisation. */
export interface DegradedFigures {
  /** `clean`, `blur σ 2`, … */
  readonly condition: string;
  /** AP in [0, 1] by subset. */
  readonly ap: Readonly<Record<string, number>>;
  /** The same with CLAHE before detection. */
  readonly clahe: Readonly<Record<string, number>>;
}

/** What the report shows. */
export interface WiderReport {
  readonly title: string;
  /** Model, settings, date, left-out images, …: name and value, in this order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly evaluation: WiderEvaluation;
  readonly breakdown: RecallBreakdown;
  readonly misses: readonly (MissedFace & { readonly picture?: ReportPicture })[];
  readonly falsePositives: readonly (FalsePositive & { readonly picture?: ReportPicture })[];
  readonly degraded?: readonly DegradedFigures[];
  /** Header and rows of the speed table. */
  readonly speed?: { readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] };
}

const css = `
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #5c6670; --line: #d8dde2; --ground: #fff; --card: #f6f8fa; --bar: #0072b2; --mark: #d55e00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #9aa5b1; --line: #3a424b; --ground: #15181c; --card: #1e2329; --bar: #56b4e9; --mark: #ffb07a } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 19px; margin: 40px 0 8px } p { margin: 4px 0 12px; color: var(--soft); max-width: 70ch }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } th, td { padding: 4px 12px 4px 0; text-align: left; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 } td.n, th.n { text-align: right }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0 } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 } .figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 20px; min-width: 150px }
.figure b { display: block; font-size: 30px; line-height: 1.2 } .figure span { color: var(--soft) }
.curves svg { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 10px }
.kinds { display: grid; grid-template-columns: repeat(auto-fill, minmax(460px, 1fr)); gap: 8px 40px } .kinds h3 { font-size: 15px; margin: 12px 0 4px } .kinds table { width: 100% }
.bar { display: block; width: 110px; height: 9px; background: var(--line); border-radius: 5px; overflow: hidden } .bar i { display: block; height: 100%; background: var(--bar) }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 16px } figure { margin: 0 } figcaption { font-size: 12px; color: var(--soft); overflow-wrap: anywhere }
.picture { position: relative; overflow: hidden; border-radius: 8px; background: var(--card) } .picture img { display: block; width: 100%; height: auto } .picture i { position: absolute; border: 2px solid var(--mark); box-shadow: 0 0 0 1px #0008; border-radius: 2px }
.scroll { overflow-x: auto }
@media (max-width: 520px) { .kinds { grid-template-columns: 1fr } .bar { width: 60px } }`;

/**
 * One HTML file without anything outside it: figures, curves, recall by size and attribute, the hardest misses and
 * false positives with their pictures.
 */
export function widerReportHtml(report: WiderReport): string {
  const { title, facts, evaluation, breakdown, misses, falsePositives, degraded, speed } = report;
  const { scoreThreshold, ...kinds } = breakdown;
  const curves = Object.entries(evaluation.figures).map(([name, { ap, curve }]) => ({ name, ap, curve }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title>
<style>${css}
</style>
</head>
<body>
<main>
<h1>${escapeMarkup(title)}</h1>
<dl>${facts.map(([name, value]) => `<dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd>`).join('')}</dl>
<div class="figures">${Object.entries(evaluation.figures)
    .map(
      ([name, { ap, faces }]) =>
        `<div class="figure"><span>${name}</span><b>${percent(ap)}</b><span>AP % of ${faces.toLocaleString('en')} faces</span></div>`,
    )
    .join('')}</div>
<h2>Precision and recall</h2>
<p>By the official protocol: a face is found where a prediction overlaps it by half, at 1000 thresholds of the score.</p>
<div class="curves">${curvesSvg(curves, title)}</div>
<h2>Recall by size and attribute</h2>
<p>Faces not marked invalid that a prediction finds: at any score, and with a score of at least ${scoreThreshold}. Sizes are heights in the picture.</p>
<div class="kinds">${Object.entries(kinds)
    .map(([kind, groups]) => groupTable(kind, groups, scoreThreshold))
    .join('')}</div>
${degraded ? degradedTable(degraded) : ''}
${speed ? `<h2>Speed</h2>\n<div class="scroll">${plainTable(speed.header, speed.rows)}</div>` : ''}
<h2>Hardest misses</h2>
<p>Faces that ought to be found, by size and labels, and are not, or only with a score below ${scoreThreshold}.</p>
<div class="faces">${misses.map((miss) => figure(miss, `${Math.round(miss.box.width)} × ${Math.round(miss.box.height)} px, ${miss.score === null ? 'not found' : `score ${miss.score.toFixed(3)}`}${miss.difficulties.length ? `, ${miss.difficulties.join(', ')}` : ''}`)).join('') || '<p>None.</p>'}</div>
<h2>Highest false positives</h2>
<p>The most confident predictions on no labelled face. Many are faces that the labels lack, or boxes that fit one badly.</p>
<div class="faces">${falsePositives.map((found) => figure(found, `score ${found.score.toFixed(3)}`)).join('') || '<p>None.</p>'}</div>
</main>
</body>
</html>
`;
}

function percent(part: number): string {
  return (100 * part).toFixed(2);
}

function groupTable(kind: string, groups: readonly RecallGroup[], scoreThreshold: number): string {
  const rows = groups.map(({ label, faces, found, foundAtThreshold }) => {
    const share = (count: number): string => (faces ? (100 * (count / faces)).toFixed(1) : '–');
    return `<tr><td>${escapeMarkup(label)}</td><td class="n">${faces.toLocaleString('en')}</td><td class="n">${share(found)}</td><td><span class="bar"><i style="width:${faces ? (100 * found) / faces : 0}%"></i></span></td><td class="n">${share(foundAtThreshold)}</td></tr>`;
  });
  return `<section><h3>${escapeMarkup(kind)}</h3><table><tr><th></th><th class="n">faces</th><th class="n">recall %</th><th></th><th class="n">≥ ${scoreThreshold}, %</th></tr>${rows.join('')}</table></section>`;
}

function degradedTable(rows: readonly DegradedFigures[]): string {
  const subsets = Object.keys(rows[0]?.ap ?? {});
  const header = [
    'images',
    ...subsets.map((subset) => `${subset}, AP %`),
    ...subsets.map((subset) => `${subset} with CLAHE`),
  ];
  const body = rows.map(({ condition, ap, clahe }) => [
    condition,
    ...subsets.map((subset) => percent(ap[subset]!)),
    ...subsets.map((subset) => percent(clahe[subset]!)),
  ]);
  return `<h2>Robustness</h2>\n<p>The same images made worse, and what equalising the contrast first (CLAHE) does for them.</p>\n<div class="scroll">${plainTable(header, body)}</div>`;
}

function plainTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const align = (k: number): string => (k > 0 ? ' class="n"' : '');
  return `<table><tr>${header.map((cell, k) => `<th${align(k)}>${escapeMarkup(cell)}</th>`).join('')}</tr>${rows.map((row) => `<tr>${row.map((cell, k) => `<td${align(k)}>${escapeMarkup(cell)}</td>`).join('')}</tr>`).join('')}</table>`;
}

function figure(
  { image, box, picture }: { image: string; box: Box; picture?: ReportPicture },
  caption: string,
): string {
  const part = (value: number, of: number): string => `${((100 * value) / of).toFixed(2)}%`;
  const shown = picture
    ? `<div class="picture"><img alt="${escapeMarkup(`${image}, ${caption}`)}" src="${picture.url}"><i style="left:${part(box.x - picture.region.x, picture.region.width)};top:${part(box.y - picture.region.y, picture.region.height)};width:${part(box.width, picture.region.width)};height:${part(box.height, picture.region.height)}"></i></div>`
    : '';
  return `<figure>${shown}<figcaption>${escapeMarkup(caption)}<br>${escapeMarkup(image)}</figcaption></figure>`;
}
