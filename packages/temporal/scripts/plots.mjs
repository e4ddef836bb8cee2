#!/usr/bin/env node
// Plots the response of the filters to a step, a ramp and a stop: node packages/temporal/scripts/plots.mjs (after a
// build of the package).
import { mkdirSync, writeFileSync } from 'node:fs';
import { createSmoother } from '../dist/index.js';

const RATE = 30;
const SECONDS = 2.4;
const NOISE = 0.02; // standard deviation, in sides of the face
const SIDE = 100; // of the face, pixels

const motions = {
  step: { title: 'A step of half a face', at: (t) => (t < 0.8 ? 0 : 0.5) },
  ramp: { title: 'A motion of 1.2 faces per second that starts at 0.8 s', at: (t) => Math.max(0, t - 0.8) * 1.2 },
  stop: { title: 'A motion of 1.2 faces per second that stops at 1.4 s', at: (t) => Math.min(t, 1.4) * 1.2 },
};
const filters = [
  { name: 'EMA, α = 0.3', color: '#9a9a9a', options: { stillAlpha: 0.3, fastAlpha: 0.3 } },
  { name: 'One Euro', color: '#c2570c', options: { filter: 'one-euro' } },
  { name: 'adaptive EMA', color: '#0b61c4', options: {} },
];

const folder = new URL('../plots/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, motion] of Object.entries(motions)) writeFileSync(new URL(`${name}.svg`, folder), plot(motion));

function plot({ title, at }) {
  const gaussian = normal(7);
  const times = Array.from({ length: Math.round(SECONDS * RATE) + 1 }, (_, k) => k / RATE);
  const truth = times.map(at);
  const noisy = truth.map((x) => x + NOISE * gaussian());
  const lines = filters.map(({ options, ...filter }) => {
    const smoother = createSmoother(options);
    const values = times.map((t, k) => {
      const [{ box }] = smoother.smooth(
        [{ id: 1, box: { x: noisy[k] * SIDE, y: 0, width: SIDE, height: SIDE }, score: 0.9 }],
        t,
      );
      return box.x / SIDE;
    });
    return { ...filter, values };
  });

  const [width, height, left, right, top, bottom] = [760, 340, 52, 16, 52, 44];
  const all = [...truth, ...noisy];
  const [low, high] = [Math.min(...all) - 0.05, Math.max(...all) + 0.05];
  const x = (t) => (left + (t / SECONDS) * (width - left - right)).toFixed(1);
  const y = (v) => (height - bottom - ((v - low) / (high - low)) * (height - top - bottom)).toFixed(1);
  const path = (values) => `M${times.map((t, k) => `${x(t)},${y(values[k])}`).join('L')}`;
  const tick = high - low > 1 ? 0.5 : 0.1;
  const marks = Array.from(
    { length: Math.floor(high / tick) - Math.ceil(low / tick) + 1 },
    (_, k) => (Math.ceil(low / tick) + k) * tick,
  );
  const seconds = Array.from({ length: Math.floor(SECONDS / 0.4) + 1 }, (_, k) => k * 0.4);
  const legend = [{ name: 'detections', dot: true }, { name: 'ground truth', color: '#111', dashed: true }, ...lines];

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
      `height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="18" font-size="14" font-weight="600">${title}</text>`,
    ...marks.map(
      (v) =>
        `<path d="M${left},${y(v)}H${width - right}" stroke="#e6e6e6"/><text x="${left - 8}" y="${+y(v) + 4}" ` +
        `text-anchor="end">${v.toFixed(1)}</text>`,
    ),
    ...seconds.map((t) => `<text x="${x(t)}" y="${height - bottom + 18}" text-anchor="middle">${t.toFixed(1)}</text>`),
    `<text x="${width - right}" y="${height - 8}" text-anchor="end">seconds</text>`,
    `<text transform="translate(13 ${(height + top - bottom) / 2}) rotate(-90)" ` +
      'text-anchor="middle">position, in faces</text>',
    ...noisy.map((v, k) => `<circle cx="${x(times[k])}" cy="${y(v)}" r="2" fill="#b9b9b9"/>`),
    `<path d="${path(truth)}" fill="none" stroke="#111" stroke-width="1.2" stroke-dasharray="5 4"/>`,
    ...lines.map(({ color, values }) => `<path d="${path(values)}" fill="none" stroke="${color}" stroke-width="2"/>`),
    ...legend.map(({ name: label, color, dashed, dot }, k) => {
      const at = left + legend.slice(0, k).reduce((sum, entry) => sum + 44 + 6.2 * entry.name.length, 0);
      const mark = dot
        ? `<circle cx="${at + 8}" cy="32" r="2.5" fill="#b9b9b9"/>`
        : `<path d="M${at},32h16" stroke="${color}" stroke-width="2"${dashed ? ' stroke-dasharray="4 3"' : ''}/>`;
      return `${mark}<text x="${at + 22}" y="36" font-size="11">${label}</text>`;
    }),
    '</svg>\n',
  ].join('\n');
}

/** Seeded standard normal numbers, the same on every machine (mulberry32, Box–Muller). */
function normal(seed) {
  let a = seed;
  const random = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
