import { readFileSync } from 'node:fs';
export const rows = (p) => readFileSync(p, 'utf8').trim().split('\n').map((l) => JSON.parse(l));
export const iou = (a, b) => { const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x), h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y); if (w <= 0 || h <= 0) return 0; const i = w * h; return i / (a.width * a.height + b.width * b.height - i); };
export const SIZE = { david: [320, 240], faceocc2: [320, 240], street_crowd: [1920, 1080] };
export const nms = (faces, t) => { const out = []; for (const f of [...faces].sort((a, b) => b.score - a.score)) if (out.every((o) => iou(o.box, f.box) < t)) out.push(f); return out; };
export function reference(film, min = 0.5) {
  const sets = [160, 640, 1280].map((s) => rows(`./${film}.ref${s}.jsonl`));
  return sets[1].map((_, i) => ({ sure: nms(sets.flatMap((s) => s[i]?.faces ?? []).filter((f) => f.score >= min), 0.4), any: nms(sets.flatMap((s) => s[i]?.faces ?? []).filter((f) => f.score >= 0.3), 0.4) }));
}
// masks: per-frame list of boxes; returns leak figures; ellipse of margin
export function measure(film, ref, masksOf, { margin = 1.3, step = 5 } = {}) {
  const [W, H] = SIZE[film]; const gw = 160, gh = 90;
  let faces = 0, bare = 0, falseArea = 0, n = 0, longest = 0, run = 0; const misses = [];
  for (let k = 0; k < ref.length; k += step) {
    const grid = new Uint8Array(gw * gh); const ell = masksOf(k);
    const inEllipse = (x, y) => ell.some(({ x: bx, y: by, width, height }) => { const dx = (x - bx - width / 2) / (width * margin / 2), dy = (y - by - height / 2) / (height * margin / 2); return dx * dx + dy * dy <= 1; });
    for (const { box: b } of ref[k].sure) {
      faces++; let hit = 0, tot = 0;
      for (let i = 0; i < 8; i++) for (let j = 0; j < 8; j++) { tot++; if (inEllipse(b.x + b.width * (0.2 + 0.6 * (i + 0.5) / 8), b.y + b.height * (0.2 + 0.6 * (j + 0.5) / 8))) hit++; }
      if (hit < tot / 2) { bare++; misses.push([k, b]); }
    }
    let f = 0;
    for (let j = 0; j < gh; j++) for (let i = 0; i < gw; i++) {
      const x = (i + 0.5) * W / gw, y = (j + 0.5) * H / gh;
      if (!inEllipse(x, y)) continue;
      if (!ref[k].any.some(({ box: b }) => x > b.x - 0.35 * b.width && x < b.x + 1.35 * b.width && y > b.y - 0.35 * b.height && y < b.y + 1.35 * b.height)) f++;
    }
    falseArea += f / gw / gh; n++;
  }
  return { faces, bare: (100 * bare / faces).toFixed(2), false: (100 * falseArea / n).toFixed(2), misses };
}
