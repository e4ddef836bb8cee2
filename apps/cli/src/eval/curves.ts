import type { PrecisionRecallCurve } from '../wider/protocol.ts';
import { escapeMarkup } from './escape.ts';

/** A line of the chart. */
export interface NamedCurve {
  readonly name: string;
  /** Average precision in [0, 1], shown beside the name. */
  readonly ap: number;
  readonly curve: PrecisionRecallCurve;
}

const width = 720;
const height = 480;
const plot = { left: 64, top: 48, right: 24, bottom: 60 };
/** Okabe and Ito's colours, which colour-blind readers tell apart; each line has its own dashes too. */
const colors = ['#0072b2', '#d55e00', '#009e73', '#666666'];
const dashes = ['', '9 4', '2 4', '12 4 2 4'];

/** Precision over recall as an SVG document of 720 × 480, one line a curve. */
export function curvesSvg(curves: readonly NamedCurve[], title: string): string {
  const across = width - plot.left - plot.right;
  const down = height - plot.top - plot.bottom;
  const x = (recall: number): string => (plot.left + recall * across).toFixed(1);
  const y = (precision: number): string => (plot.top + (1 - precision) * down).toFixed(1);
  const ticks = Array.from({ length: 11 }, (_, k) => k / 10);
  const grid = ticks.map(
    (tick) =>
      `<path d="M${x(tick)} ${y(0)}V${y(1)}M${x(0)} ${y(tick)}H${x(1)}" stroke="#e3e3e3"/>` +
      `<text x="${x(tick)}" y="${height - plot.bottom + 18}" text-anchor="middle">${tick}</text>` +
      `<text x="${plot.left - 8}" y="${(Number(y(tick)) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`,
  );
  const style = (k: number): string =>
    `stroke="${colors[k % colors.length]}" stroke-dasharray="${dashes[k % dashes.length]}" stroke-width="2.5" fill="none"`;
  const lines = curves.map(
    ({ curve }, k) =>
      `<polyline points="${pointsOf(curve)
        .map(([r, p]) => `${x(r)},${y(p)}`)
        .join(' ')}" ${style(k)} stroke-linejoin="round"/>`,
  );
  // The lower left corner is the emptiest of a precision-recall chart.
  const keyTop = height - plot.bottom - 16 - 22 * curves.length;
  const key = curves.map(({ name, ap }, k) => {
    const row = keyTop + 22 * k + 12;
    return `<path d="M${plot.left + 22} ${row}h36" ${style(k)}/><text x="${plot.left + 68}" y="${row + 4}" font-size="13" fill="#222">${escapeMarkup(name)}: AP ${(100 * ap).toFixed(2)} %</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeMarkup(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#555">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${plot.left}" y="28" font-size="16" font-weight="600" fill="#222">${escapeMarkup(title)}</text>`,
    ...grid,
    ...lines,
    `<rect x="${plot.left + 12}" y="${keyTop}" width="230" height="${22 * curves.length + 4}" fill="#fff" fill-opacity=".85"/>`,
    ...key,
    `<text x="${plot.left + across / 2}" y="${height - 18}" text-anchor="middle" font-size="13">recall</text>`,
    `<text transform="translate(18 ${plot.top + down / 2}) rotate(-90)" text-anchor="middle" font-size="13">precision</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** The curve's points where it moves, from recall 0 on; a thousand thresholds give many equal ones. */
function pointsOf({ precision, recall }: PrecisionRecallCurve): [number, number][] {
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
