import { reference, rows, measure, SIZE } from './lib.mjs';
import { tracksOf, fill } from './c.mjs';
const ev = (d, H) => { const s = d.map((x) => x.score).sort((a, b) => b - a); const half = s.slice(0, Math.ceil(s.length / 2)); return { n: d.length, max: s[0], top: half.reduce((a, b) => a + b, 0) / half.length, rel: d.map((x) => x.box.height).sort((a, b) => a - b)[d.length >> 1] / H }; };
for (const film of ['david', 'faceocc2', 'street_crowd']) for (const p of [409600, 819200]) {
  const ref = reference(film), c = rows(`./${film}.cand${p}.jsonl`); const H = Math.min(...SIZE[film]);
  for (const low of [0.1, 0.2]) {
  const tr = [...tracksOf(c, { low, high: 0.3, born: 0.35 }).values()].map((d) => ({ d, f: ev(d, H) }));
  for (const [lo, hi] of [[0.3, 0.5], [0.3, 0.55], [0.35, 0.55], [0.35, 0.6]]) for (const ext of [0.5, 1]) {
    const need = (rel) => lo + (hi - lo) * Math.min(1, Math.max(0, (rel - 0.05) / 0.2));
    const keep = tr.filter(({ f }) => f.n >= 2 && f.top >= need(f.rel));
    const per = c.map(() => []); for (const { d } of keep) for (const [k, b] of fill(d, ext, c.length)) per[k].push(b);
    const m = measure(film, ref, (k) => per[k]);
    console.log(film, p, low, lo, hi, 'ext', ext, 'tracks', keep.length, 'of', tr.length, 'bare', m.bare, 'false', m.false, m.misses.slice(0, 4).map(([k, b]) => `@${k} ${b.x | 0},${b.y | 0},${b.width | 0}`).join(' '));
  } }
}
