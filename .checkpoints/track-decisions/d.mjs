import { reference, rows, iou, SIZE } from './lib.mjs';
import { tracksOf, feats } from './c.mjs';
for (const p of [409600, 819200]) for (const film of ['david', 'faceocc2', 'street_crowd']) {
  const ref = reference(film), c = rows(`./${film}.cand${p}.jsonl`), o = rows(`./${film}.cand${p === 409600 ? 819200 : 409600}.jsonl`);
  const [W, H] = SIZE[film];
  for (const d of tracksOf(c, { low: 0.1, high: 0.3, born: 0.35 }).values()) {
    const f = feats(d, ref); if (f.n < 2) continue;
    const s = d.map((x) => x.score).sort((a, b) => b - a); const half = s.slice(0, Math.ceil(s.length / 2)); const e = half.reduce((a, b) => a + b, 0) / half.length;
    const rel = d.map((x) => x.box.height).sort((a, b) => a - b)[d.length >> 1] / Math.min(W, H);
    const agree = d.filter(({ k, box }) => o[k].faces.some((x) => x.score >= 0.2 && iou(x.box, box) > 0.4)).length / d.length;
    const agree3 = d.filter(({ k, box }) => o[k].faces.some((x) => x.score >= 0.35 && iou(x.box, box) > 0.4)).length / d.length;
    console.log(p, film.padEnd(12), f.true >= 0.5 ? 'T' : f.true < 0.2 ? 'F' : '?', 'true', f.true.toFixed(2), 'n', String(f.n).padStart(3), 'max', f.max.toFixed(2), 'top', e.toFixed(2), 'rel', rel.toFixed(2), 'agree', agree.toFixed(2), agree3.toFixed(2));
  }
}
