import type { Box } from '@facedet/core';
import type { FalsePositive, MissedFace, RecallBreakdown, RecallGroup, WiderEvaluation } from '@facedet/eval/wider';
import { escapeHtml } from '../pages/page-style.ts';
import { curvesSvg } from './curves.ts';

/** A crop of a picture for the report. */
export interface ReportPicture {
  /** A `data:` URL. */
  readonly url: string;
  /** The cropped region, in pixels of the image. */
  readonly region: Box;
}

/** A face with a crop, where its picture is readable. */
export type Illustrated<T extends MissedFace | FalsePositive> = T & { readonly picture?: ReportPicture };

/** AP of all subsets for one degradation of the images, with and without CLAHE. */
export interface DegradedAp {
  /** `clean`, `blur σ 2`, … */
  readonly condition: string;
  /** AP in [0, 1] by subset. */
  readonly ap: Readonly<Record<string, number>>;
  /** The same with CLAHE before detection. */
  readonly clahe: Readonly<Record<string, number>>;
}

/** The content of the report. */
export interface WiderReport {
  readonly title: string;
  /** Model, settings, date, excluded images, …: name and value, in this order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly evaluation: WiderEvaluation;
  readonly breakdown: RecallBreakdown;
  readonly misses: readonly Illustrated<MissedFace>[];
  readonly falsePositives: readonly Illustrated<FalsePositive>[];
  readonly degraded?: readonly DegradedAp[];
  /** Header and rows of the speed table. */
  readonly speed?: { readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] };
}

const css = `
:root {
  color-scheme: light dark;
  --ink: #1c1f23;
  --soft: #5c6670;
  --line: #d8dde2;
  --ground: #fff;
  --card: #f6f8fa;
  --bar: #0072b2;
  --mark: #d55e00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ec;
    --soft: #9aa5b1;
    --line: #3a424b;
    --ground: #15181c;
    --card: #1e2329;
    --bar: #56b4e9;
    --mark: #ffb07a;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px }
h1 { font-size: 26px; margin: 0 0 4px }
h2 { font-size: 19px; margin: 40px 0 8px }
p { margin: 4px 0 12px; color: var(--soft); max-width: 70ch }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: 4px 12px 4px 0; text-align: left; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 }
td.n, th.n { text-align: right }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0 }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere }
.figures { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 }
.figure {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
  padding: 12px 20px;
  min-width: 150px;
}
.figure b { display: block; font-size: 30px; line-height: 1.2 }
.figure span { color: var(--soft) }
.curves svg { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 10px }
.kinds { display: grid; grid-template-columns: repeat(auto-fill, minmax(460px, 1fr)); gap: 8px 40px }
.kinds h3 { font-size: 15px; margin: 12px 0 4px }
.kinds table { width: 100% }
.bar { display: block; width: 110px; height: 9px; background: var(--line); border-radius: 5px; overflow: hidden }
.bar i { display: block; height: 100%; background: var(--bar) }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 16px }
figure { margin: 0 }
figcaption { font-size: 12px; color: var(--soft); overflow-wrap: anywhere }
.picture { position: relative; overflow: hidden; border-radius: 8px; background: var(--card) }
.picture img { display: block; width: 100%; height: auto }
.picture i { position: absolute; border: 2px solid var(--mark); box-shadow: 0 0 0 1px #0008; border-radius: 2px }
.scroll { overflow-x: auto }
@media (max-width: 520px) { .kinds { grid-template-columns: 1fr } .bar { width: 60px } }`;

/**
 * Formats the report as one self-contained HTML file: AP, curves, recall by size and attribute, the hardest misses and
 * false positives with their pictures.
 */
export function widerReportHtml(report: WiderReport): string {
  const { title, facts, evaluation, breakdown, misses, falsePositives, degraded, speed } = report;
  const { scoreThreshold, ...kinds } = breakdown;
  const curves = Object.entries(evaluation.metrics).map(([name, { ap, curve }]) => ({ name, ap, curve }));
  const sections = [
    `<dl>${facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`,
    apCards(evaluation),
    '<h2>Precision and recall</h2>',
    '<p>By the official protocol: a prediction matches a face with IoU ≥ 0.5, at 1000 score thresholds.</p>',
    `<div class="curves">${curvesSvg(curves, title)}</div>`,
    '<h2>Recall by size and attribute</h2>',
    `<p>Faces not marked invalid that a prediction matches: at any score, and at ${scoreThreshold} or more. ` +
      'Sizes are heights in the image.</p>',
    `<div class="kinds">${Object.entries(kinds)
      .map(([kind, groups]) => groupTable(kind, groups, scoreThreshold))
      .join('')}</div>`,
    ...(degraded ? [degradedTable(degraded)] : []),
    ...(speed ? ['<h2>Speed</h2>', `<div class="scroll">${plainTable(speed.header, speed.rows)}</div>`] : []),
    '<h2>Hardest misses</h2>',
    `<p>Faces that should be found, by size and labels, but are missed or have a score below ${scoreThreshold}.</p>`,
    gallery(misses, missCaption),
    '<h2>Highest false positives</h2>',
    '<p>The most confident predictions that match no labeled face. Many are unlabeled faces, or inaccurate boxes.</p>',
    gallery(falsePositives, ({ score }) => `score ${score.toFixed(3)}`),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${css}
</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(2);
}

function apCards({ metrics }: WiderEvaluation): string {
  const cards = Object.entries(metrics).map(
    ([name, { ap, faces }]) =>
      `<div class="figure"><span>${name}</span><b>${percent(ap)}</b>` +
      `<span>AP % of ${faces.toLocaleString('en')} faces</span></div>`,
  );
  return `<div class="figures">${cards.join('')}</div>`;
}

function groupTable(kind: string, groups: readonly RecallGroup[], scoreThreshold: number): string {
  const rows = groups.map(({ label, faces, found, foundAtThreshold }) => {
    const recall = (count: number): string => (faces ? (100 * (count / faces)).toFixed(1) : '–');
    const bar = `<span class="bar"><i style="width:${faces ? (100 * found) / faces : 0}%"></i></span>`;
    const cells = [faces.toLocaleString('en'), recall(found)].map((cell) => `<td class="n">${cell}</td>`);
    const atThreshold = `<td class="n">${recall(foundAtThreshold)}</td>`;
    return `<tr><td>${escapeHtml(label)}</td>${cells.join('')}<td>${bar}</td>${atThreshold}</tr>`;
  });
  const header =
    '<tr><th></th><th class="n">faces</th><th class="n">recall %</th><th></th>' +
    `<th class="n">≥ ${scoreThreshold}, %</th></tr>`;
  return `<section><h3>${escapeHtml(kind)}</h3><table>${header}${rows.join('')}</table></section>`;
}

function degradedTable(rows: readonly DegradedAp[]): string {
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
  return [
    '<h2>Robustness</h2>',
    '<p>The same images degraded, and the effect of equalizing the contrast before detection (CLAHE).</p>',
    `<div class="scroll">${plainTable(header, body)}</div>`,
  ].join('\n');
}

function plainTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (tag: 'th' | 'td', cells: readonly string[]): string => {
    const align = (k: number): string => (k > 0 ? ' class="n"' : '');
    return `<tr>${cells.map((cell, k) => `<${tag}${align(k)}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  };
  return `<table>${row('th', header)}${rows.map((cells) => row('td', cells)).join('')}</table>`;
}

function missCaption({ box, score, difficulties }: MissedFace): string {
  const size = `${Math.round(box.width)} × ${Math.round(box.height)} px`;
  return [size, score === null ? 'not found' : `score ${score.toFixed(3)}`, ...difficulties].join(', ');
}

function gallery<T extends MissedFace | FalsePositive>(
  faces: readonly Illustrated<T>[],
  caption: (face: T) => string,
): string {
  const figures = faces.map((face) => figure(face, caption(face)));
  return `<div class="faces">${figures.join('') || '<p>None.</p>'}</div>`;
}

function figure({ image, picture, box }: Illustrated<MissedFace | FalsePositive>, caption: string): string {
  const text = `<figcaption>${escapeHtml(caption)}<br>${escapeHtml(image)}</figcaption>`;
  if (!picture) return `<figure>${text}</figure>`;
  const { url, region } = picture;
  const ratio = (value: number, of: number): string => `${((100 * value) / of).toFixed(2)}%`;
  const style = [
    `left:${ratio(box.x - region.x, region.width)}`,
    `top:${ratio(box.y - region.y, region.height)}`,
    `width:${ratio(box.width, region.width)}`,
    `height:${ratio(box.height, region.height)}`,
  ].join(';');
  const img = `<img alt="${escapeHtml(`${image}, ${caption}`)}" src="${url}">`;
  return `<figure><div class="picture">${img}<i style="${style}"></i></div>${text}</figure>`;
}
