import type { PrecisionRecallCurve } from '@facedet/eval/wider';
import { escapeHtml } from '../pages/page-style.ts';

/** A curve of the chart. */
export interface NamedCurve {
  readonly name: string;
  /** Average precision in [0, 1], shown beside the name. */
  readonly ap: number;
  readonly curve: PrecisionRecallCurve;
}

const width = 720;
const height = 480;
/** Margins of the plot. */
const plot = { left: 64, top: 48, right: 24, bottom: 60 };
/** Okabe and Ito's palette, which is safe for color blindness; each curve has its own dashes too. */
const colors = ['#0072b2', '#d55e00', '#009e73', '#666666'];
const dashes = ['', '9 4', '2 4', '12 4 2 4'];

/** Draws precision over recall as an SVG document of 720 × 480, one line per curve. */
export function curvesSvg(curves: readonly NamedCurve[], title: string): string {
  const centerX = (plot.left + width - plot.right) / 2;
  const centerY = (plot.top + height - plot.bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img" aria-label="${escapeHtml(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#555">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${plot.left}" y="28" font-size="16" font-weight="600" fill="#222">${escapeHtml(title)}</text>`,
    ...Array.from({ length: 11 }, (_, k) => gridLines(k / 10)),
    ...curves.map(({ curve }, k) => {
      const points = pointsOf(curve).map(([recall, precision]) => `${x(recall)},${y(precision)}`);
      return `<polyline points="${points.join(' ')}" ${lineStyle(k)} stroke-linejoin="round"/>`;
    }),
    ...legend(curves),
    `<text x="${centerX}" y="${height - 18}" text-anchor="middle" font-size="13">recall</text>`,
    `<text transform="translate(18 ${centerY}) rotate(-90)" text-anchor="middle" font-size="13">precision</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function x(recall: number): string {
  return (plot.left + recall * (width - plot.left - plot.right)).toFixed(1);
}

function y(precision: number): string {
  return (plot.top + (1 - precision) * (height - plot.top - plot.bottom)).toFixed(1);
}

function gridLines(tick: number): string {
  return (
    `<path d="M${x(tick)} ${y(0)}V${y(1)}M${x(0)} ${y(tick)}H${x(1)}" stroke="#e3e3e3"/>` +
    `<text x="${x(tick)}" y="${height - plot.bottom + 18}" text-anchor="middle">${tick}</text>` +
    `<text x="${plot.left - 8}" y="${(Number(y(tick)) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`
  );
}

function lineStyle(k: number): string {
  const dashArray = dashes[k % dashes.length];
  return `stroke="${colors[k % colors.length]}" stroke-dasharray="${dashArray}" stroke-width="2.5" fill="none"`;
}

/** In the lower left corner, the emptiest one of a precision-recall chart. */
function legend(curves: readonly NamedCurve[]): string[] {
  const top = height - plot.bottom - 16 - 22 * curves.length;
  const area = `x="${plot.left + 12}" y="${top}" width="230" height="${22 * curves.length + 4}"`;
  const entries = curves.map(({ name, ap }, k) => {
    const row = top + 22 * k + 12;
    const text = `${escapeHtml(name)}: AP ${(100 * ap).toFixed(2)} %`;
    return (
      `<path d="M${plot.left + 22} ${row}h36" ${lineStyle(k)}/>` +
      `<text x="${plot.left + 68}" y="${row + 4}" font-size="13" fill="#222">${text}</text>`
    );
  });
  return [`<rect ${area} fill="#fff" fill-opacity="0.85"/>`, ...entries];
}

/** The points at which the curve moves, starting at recall 0: of a thousand thresholds many have equal points. */
function pointsOf({ precision, recall }: PrecisionRecallCurve): [recall: number, precision: number][] {
  const points: [number, number][] = [];
  for (let k = 0; k < recall.length; k++) {
    const last = points.at(-1);
    if (recall[k] === 0 && precision[k] === 0) continue;
    if (last && Math.abs(last[0] - recall[k]!) < 5e-4 && Math.abs(last[1] - precision[k]!) < 5e-4) continue;
    points.push([recall[k]!, precision[k]!]);
  }
  if (points[0]) points.unshift([0, points[0][1]]);
  return points;
}
