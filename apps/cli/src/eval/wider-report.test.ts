import { describe, expect, it } from 'vitest';
import { scoredBoxes } from '../scored-boxes.ts';
import { recallBreakdown } from '../wider/breakdown.ts';
import { hardestMisses, worstFalsePositives } from '../wider/misses.ts';
import { evaluateWider } from '../wider/protocol.ts';
import { curvesSvg } from './curves.ts';
import { widerReportHtml } from './wider-report.ts';

const images = [{ name: 'e/<a>', boxes: Float64Array.of(0, 0, 10, 10, 50, 0, 20, 20), attributes: new Uint8Array(12) }];
const evaluation = evaluateWider(
  images,
  new Map([['e/<a>', scoredBoxes([{ box: { x: 0, y: 0, width: 10, height: 10 }, score: 0.9 }])]]),
);

describe('reports', () => {
  it('draws a curve within its axes', () => {
    const svg = curvesSvg([{ name: 'easy & "hard"', ap: 0.5, curve: evaluation.figures.all.curve }], 'A <title>');
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).toContain('easy &amp; &quot;hard&quot;: AP 50.00 %');
    expect(svg).toContain('A &lt;title&gt;');
    const points = /points="([^"]*)"/
      .exec(svg)![1]!
      .split(' ')
      .map((point) => point.split(',').map(Number));
    expect(points.length).toBeGreaterThan(1);
    for (const [x, y] of points) expect(x! >= 64 && x! <= 696 && y! >= 48 && y! <= 420).toBe(true);
  });

  it('is one file with nothing outside, and escapes names', () => {
    const html = widerReportHtml({
      title: 'T',
      facts: [['Model', '<m>']],
      evaluation,
      breakdown: recallBreakdown(evaluation),
      misses: hardestMisses(evaluation).map((miss) => ({
        ...miss,
        picture: { url: 'data:image/jpeg;base64,AA==', region: { x: 40, y: 0, width: 40, height: 40 } },
      })),
      falsePositives: worstFalsePositives(evaluation),
      degraded: [{ condition: 'clean', ap: { all: 0.5 }, clahe: { all: 0.25 } }],
      speed: { header: ['canvas', 'ms'], rows: [['640', '12.00']] },
    });
    expect(html).not.toMatch(/<(script|link)|(src|href)="(?!data:)/);
    expect(html).toContain('e/&lt;a&gt;');
    expect(html).toContain('left:25.00%;top:0.00%;width:50.00%;height:50.00%');
    for (const text of ['&lt;m&gt;', 'all with CLAHE', '25.00', '12.00', '20 × 20 px, not found'])
      expect(html).toContain(text);
  });
});
