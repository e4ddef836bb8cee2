import { reference, rows, measure, iou } from './lib.mjs';
import { createTracker } from '../../packages/tracker/dist/index.js';
const fps = 25;
export function tracksOf(c, { low, high, born, maxLost = 2 }) {
  const t = createTracker({ preset: 'aggressive', highScoreThreshold: high, newTrackThreshold: born, lowScoreThreshold: low });
  const tracks = new Map();
  c.forEach((row, k) => { for (const x of t.update(row.faces.filter((f) => f.score >= low), row.timestamp ?? k / fps)) { if (x.state === 'lost' || !x.detection) continue; if (!tracks.has(x.id)) tracks.set(x.id, []); tracks.get(x.id).push({ k, box: x.detection.box, score: x.detection.score }); } });
  return tracks;
}
export function fill(dets, ext, n) { // -> Map k -> box
  const out = new Map(); const e = Math.round(ext * fps);
  for (let i = 0; i < dets.length; i++) { out.set(dets[i].k, dets[i].box); const b = dets[i + 1]; if (b) for (let k = dets[i].k + 1; k < b.k; k++) { const t = (k - dets[i].k) / (b.k - dets[i].k), a = dets[i].box, z = b.box; out.set(k, { x: a.x + t * (z.x - a.x), y: a.y + t * (z.y - a.y), width: a.width + t * (z.width - a.width), height: a.height + t * (z.height - a.height) }); } }
  const f = dets[0], l = dets.at(-1);
  for (let k = Math.max(0, f.k - e); k < f.k; k++) out.set(k, f.box);
  for (let k = l.k + 1; k <= Math.min(n - 1, l.k + e); k++) out.set(k, l.box);
  return out;
}
export const feats = (d, ref) => { const s = d.map((x) => x.score).sort((a, b) => b - a); return { n: d.length, max: s[0], med: s[s.length >> 1], top5: s.slice(0, 5).reduce((a, b) => a + b, 0) / Math.min(5, s.length), n5: s.filter((x) => x >= 0.5).length, true: ref ? d.filter(({ k, box }) => ref[k].any.some((r) => iou(r.box, box) > 0.3)).length / d.length : 0 }; };
if (process.argv[2]) for (const film of process.argv.slice(2)) {
  const ref = reference(film);
  for (const p of [409600, 819200]) { const c = rows(`./${film}.cand${p}.jsonl`);
    for (const cfg of [{ low: 0.1, high: 0.3, born: 0.35 }, { low: 0.2, high: 0.3, born: 0.35 }, { low: 0.1, high: 0.4, born: 0.5 }]) {
      const tr = [...tracksOf(c, cfg).values()].map((d) => ({ d, f: feats(d, ref) }));
      if (p === 409600 && cfg.low === 0.2) console.log(tr.filter((t) => t.f.n > 2).map((t) => `n${t.f.n} max${t.f.max.toFixed(2)} med${t.f.med.toFixed(2)} n5:${t.f.n5} true${t.f.true.toFixed(2)} @${t.d[0].k} w${t.d[0].box.width | 0}`).slice(0, 60).join('\n'));
      for (const [name, rule] of [['all', () => true], ['max.5', (f) => f.max >= 0.5], ['max.6', (f) => f.max >= 0.6], ['max.7', (f) => f.max >= 0.7], ['n5>=3', (f) => f.n5 >= 3], ['n5>=5|max.8', (f) => f.n5 >= 5 || f.max > 0.8]])
        for (const ext of [0, 0.5, 1]) {
          const keep = tr.filter((t) => rule(t.f)); const per = c.map(() => []);
          for (const { d } of keep) for (const [k, b] of fill(d, ext, c.length)) per[k].push(b);
          const m = measure(film, ref, (k) => per[k]);
          console.log(film, p, JSON.stringify(cfg), name, 'ext', ext, 'tracks', keep.length, 'bare', m.bare, 'false', m.false);
        }
    }
  }
}
