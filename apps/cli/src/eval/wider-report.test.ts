import { evaluateWider, hardestMisses, recallBreakdown, scoredBoxes, worstFalsePositives } from '@facedet/eval/wider';
import { describe, expect, it } from 'vitest';
import { curvesSvg } from './curves.ts';
import { widerReportHtml } from './wider-report.ts';

const images = [{ name: 'e/<a>', boxes: Float64Array.of(0, 0, 10, 10, 50, 0, 20, 20), attributes: new Uint8Array(12) }];
const evaluation = evaluateWider(
  images,
  new Map([['e/<a>', scoredBoxes([{ box: { x: 0, y: 0, width: 10, height: 10 }, score: 0.9 }])]]),
);

describe('the report of eval wider', () => {
  it('draws a curve inside its axes', () => {
    const svg = curvesSvg([{ name: 'easy & "hard"', ap: 0.5, curve: evaluation.metrics.all.curve }], 'A <title>');
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).toContain('easy &#38; &#34;hard&#34;: AP 50.00 %');
    expect(svg).toContain('A &#60;title&#62;');
    const points = /points="([^"]*)"/
      .exec(svg)![1]!
      .split(' ')
      .map((point) => point.split(',').map(Number));
    expect(points.length).toBeGreaterThan(1);
    for (const [x, y] of points) expect(x! >= 64 && x! <= 696 && y! >= 48 && y! <= 420).toBe(true);
  });

  it('is self-contained, and escapes names', () => {
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
      speed: { header: ['input size', 'ms'], rows: [['640', '12.00']] },
    });
    expect(html).not.toMatch(/<(script|link)|(src|href)="(?!data:)/);
    expect(html).toContain('e/&#60;a&#62;');
    expect(html).toContain('left:25.00%;top:0.00%;width:50.00%;height:50.00%');
    for (const text of ['&#60;m&#62;', 'all with CLAHE', '25.00', '12.00', '20 × 20 px, not found'])
      expect(html).toContain(text);
  });
});
