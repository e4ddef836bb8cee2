import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateMot, parseMotRows, parseSequenceInfo, parseTrackJsonl } from '../index.ts';
import { createAppearance } from './appearance.ts';
import { createHead, hides } from './head.ts';
import {
  createScene,
  groupPicture,
  renderPortrait,
  toJsonl,
  toMot,
  toSequenceInfo,
  type Scene,
  type SceneFace,
} from './index.ts';
import { cosine, sine } from './math.ts';
import { paintBody } from './paint-body.ts';
import { paintHead } from './paint-head.ts';
import { createRaster } from './raster.ts';

/** FNV-1a. */
function checksum(data: Uint8Array | Uint8ClampedArray): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < data.length; i++) hash = Math.imul(hash ^ data[i]!, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

const truths = (scene: Scene) =>
  Array.from({ length: scene.length }, (_, index) => ({
    index,
    timestamp: index / scene.fps,
    truth: scene.truth(index),
  }));
const seeds = fc.integer({ min: -1000, max: 100_000 });

describe('createScene', () => {
  it('gives these very bytes on every machine', () => {
    const scene = createScene({ seed: 7, width: 160, height: 96, fps: 10, duration: 8, faces: 3 });
    const sums = [0, 17, 40, 79].map((i) => checksum(scene.frame(i).image.data));
    expect(sums).toEqual(CHECKSUMS);
  });

  it('is the same whenever and in whatever order its frames are asked for', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.nat(39), { minLength: 1, maxLength: 3 }), (seed, order) => {
        const options = { seed, width: 96, height: 64, fps: 8, frames: 40, faces: 3 };
        const [a, b] = [createScene(options), createScene(options)];
        for (const i of order) b.frame(39 - i);
        for (const i of order) {
          const [one, two] = [a.frame(i), b.frame(i)];
          expect(checksum(one.image.data)).toBe(checksum(two.image.data));
          expect(one.truth).toEqual(two.truth);
          expect(one.truth).toEqual(a.truth(i));
        }
      }),
      { numRuns: 8 },
    );
  });

  it('differs with the seed', () => {
    const sums = Array.from({ length: 8 }, (_, seed) =>
      checksum(createScene({ seed, width: 96, height: 64, frames: 1 }).frame(0).image.data),
    );
    expect(new Set(sums).size).toBe(8);
  });

  it('keeps landmarks within their boxes, in picture order, in faces of a plausible shape', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 12 }), (seed, faces) => {
        const scene = createScene({ seed, faces, width: 320, height: 180, duration: 12, fps: 5 });
        for (const { truth } of truths(scene)) {
          expect(truth.every(({ id }) => Number.isInteger(id) && id >= 1 && id <= faces)).toBe(true);
          expect(new Set(truth.map(({ id }) => id)).size).toBe(truth.length);
          for (const face of truth) expect(flawOf(face)).toBe('');
        }
      }),
      { numRuns: 20 },
    );
  });

  it('moves everybody smoothly: no jump larger than a third of a face in a frame at 25 a second', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const frames = truths(createScene({ seed, duration: 12 }));
        let largest = 0;
        for (let i = 1; i < frames.length; i++) {
          for (const { id, box } of frames[i]!.truth) {
            const before = frames[i - 1]!.truth.find((face) => face.id === id);
            if (before)
              largest = Math.max(
                largest,
                (Math.abs(box.x - before.box.x) + Math.abs(box.y - before.box.y)) / box.width,
              );
          }
        }
        expect(largest).toBeLessThan(1 / 3);
        expect(largest).toBeGreaterThan(0.01);
      }),
      { numRuns: 15 },
    );
  });

  it('lets people leave and come back as themselves, cross, and hide each other', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        // Long enough that, whatever the seed, somebody crosses who stays.
        const scene = createScene({ seed, duration: 30, fps: 10 });
        const frames = truths(scene);
        const leaves = scene.events.find(({ kind, to }) => kind === 'absence' && to + 2.5 < scene.duration)!;
        const seen = (id: number, time: number) =>
          frames[Math.round(time * 10)]!.truth.some((face) => face.id === id && face.visibility > 0);
        const id = leaves.ids[0]!;
        expect([
          seen(id, leaves.from - 2.5),
          seen(id, (leaves.from + leaves.to) / 2),
          seen(id, leaves.to + 2.5),
        ]).toEqual([true, false, true]);

        // Who crosses on the way out of the picture is not seen where the crossing ends, and nobody where the scene has
        // ended.
        const walksOut = (who: number, time: number) =>
          scene.events.some(({ kind, from, ids }) => kind === 'absence' && from === time && ids.includes(who));
        const crossing = scene.events.find(
          ({ kind, to, ids }) => kind === 'crossing' && to < scene.duration && !ids.some((who) => walksOut(who, to)),
        )!;
        const order = (time: number) => {
          const [a, b] = crossing.ids.map(
            (who) => frames[Math.round(time * 10)]!.truth.find((face) => face.id === who)!.box.x,
          );
          return a! < b!;
        };
        expect(order(crossing.from)).not.toBe(order(crossing.to));
        const between = frames.filter(({ timestamp }) => timestamp >= crossing.from && timestamp <= crossing.to);
        expect(between.some(({ truth }) => truth.some((face) => crossing.ids.includes(face.id) && face.occluded))).toBe(
          true,
        );
      }),
      { numRuns: 25 },
    );
  });

  it('without events: everybody stays, in a clear picture', () => {
    const scene = createScene({ seed: 3, events: [], duration: 20, fps: 5 });
    expect(scene.events).toEqual([]);
    for (const { truth } of truths(scene))
      expect(truth.map(({ id, visibility }) => [id, visibility > 0.9])).toEqual([
        [1, true],
        [2, true],
        [3, true],
        [4, true],
      ]);
  });

  it('spoils the picture when it says so', () => {
    for (const kind of ['blur', 'dark', 'noise', 'compression'] as const) {
      const options = { seed: 5, width: 160, height: 96, duration: 6, fps: 10, events: [kind] };
      const [spoilt, clean] = [createScene(options), createScene({ ...options, events: [] })];
      const spell = spoilt.events.find((event) => event.kind === kind)!;
      const at = Math.round(((spell.from + spell.to) / 2) * 10);
      const [bad, good] = [spoilt.frame(at).image.data, clean.frame(at).image.data];
      const mean = (data: Iterable<number>) =>
        Float64Array.from(data).reduce((sum, v) => sum + v, 0) / [...data].length;
      const rough = (data: Uint8Array | Uint8ClampedArray) =>
        mean(Float64Array.from(data.subarray(3), (v, i) => Math.abs(v - data[i]!)));
      if (kind === 'dark') expect(mean(bad)).toBeLessThan(mean(good) * 0.6);
      else expect(Math.abs(mean(bad) - mean(good))).toBeLessThan(2);
      if (kind === 'blur') expect(rough(bad)).toBeLessThan(rough(good) * 0.7);
      if (kind === 'noise') expect(rough(bad)).toBeGreaterThan(rough(good) * 1.5);
      if (kind === 'compression')
        expect(edgesAtBlocks(bad, 160, 96)).toBeGreaterThan(edgesAtBlocks(good, 160, 96) * 1.15);
      const before = Math.floor(spell.from * 10) - 1;
      if (before >= 0) expect(checksum(spoilt.frame(before).image.data)).toBe(checksum(clean.frame(before).image.data));
    }
  });

  it('refuses options out of range and frames that are not there', () => {
    const code = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    for (const options of [
      { width: 0 },
      { height: 9000 },
      { faces: 0 },
      { fps: 0 },
      { frames: 0 },
      { duration: NaN },
      { seed: 0.5 },
      { events: ['rain' as 'blur'] },
    ])
      expect(() => createScene(options)).toThrow(code);
    const scene = createScene({ frames: 2, width: 64, height: 64 });
    for (const index of [-1, 2, 0.5, NaN]) expect(() => scene.frame(index)).toThrow(code);
  });
});

describe('visibility', () => {
  // The slow way: a face is as visible as the share of its own pixels that stay when those in front are painted too.
  it('agrees with counting painted pixels', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.double({ min: -1.6, max: 1.6, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (seed, dx, dy) => {
          const pose = { x: 100, y: 90, size: 30, roll: 0, yaw: 0, pitch: 0, mouth: 0, blink: 0 };
          const back = createHead(createAppearance(seed), pose);
          const front = createHead(createAppearance(seed + 1), {
            ...pose,
            x: 100 + dx * 30,
            y: 90 + dy * 30,
            size: 32,
          });
          const [alone, both] = [createRaster(200, 180), createRaster(200, 180)];
          paintHead(alone, back);
          both.data.set(alone.data);
          paintBody(both, front);
          paintHead(both, front);
          let [total, wrong] = [0, 0];
          for (let y = 0; y < 180; y++) {
            for (let x = 0; x < 200; x++) {
              const [u, v] = [(x + 0.5 - 100) / 30, (y + 0.5 - 90) / back.tall];
              if (u * u + v * v > 0.9) continue;
              const at = (y * 200 + x) * 3;
              const changed = [0, 1, 2].some((c) => both.data[at + c] !== alone.data[at + c]);
              total++;
              wrong += Number(changed !== hides(front, x + 0.5, y + 0.5));
            }
          }
          expect(wrong / total).toBeLessThan(0.06); // edges
        },
      ),
      { numRuns: 20 },
    );
  });

  it('counts what leaves the picture as invisible, not as occluded', () => {
    const scene = createScene({ seed: 2, duration: 15, events: ['absence'], faces: 2, fps: 10 });
    const cut = truths(scene)
      .flatMap(({ truth }) => truth)
      .filter(({ box }) => box.x < -0.3 * box.width && box.x > -0.7 * box.width);
    expect(cut.length).toBeGreaterThan(0);
    for (const face of cut) {
      expect(face.visibility).toBeGreaterThan(0.05);
      expect(face.visibility).toBeLessThan(0.85);
      expect(face.occluded).toBe(false);
    }
  });
});

describe('still pictures', () => {
  it('show as many people as asked for, none hidden, wherever the seed', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 10 }), (seed, faces) => {
        const { image, truth } = groupPicture({ seed, faces, width: 240, height: 160 });
        expect(image.data.length).toBe(240 * 160 * 3);
        expect(truth.map(({ id }) => id)).toEqual(Array.from({ length: faces }, (_, i) => i + 1));
        for (const face of truth) {
          expect(flawOf(face)).toBe('');
          expect(face.visibility).toBeGreaterThan(0.95);
        }
      }),
      { numRuns: 15 },
    );
    const { truth } = renderPortrait({ seed: 4 });
    expect(truth).toHaveLength(1);
    expect(truth[0]!.visibility).toBe(1);
  });
});

describe('truth as text', () => {
  const scene = createScene({ seed: 11, duration: 12, fps: 10 });
  const frames = truths(scene);

  it('is read by the evaluation, and measures as perfect against itself', () => {
    const text = toMot(frames);
    const truth = parseMotRows(text, 'gt.txt');
    const tracks = parseMotRows(text.replaceAll(/,(?:1,1|0,8),[\d.]+\n/g, ',1,-1,-1,-1\n'), 'tracks.txt');
    const { HOTA, MOTA, IDF1, GT_IDs } = evaluateMot({ truth, tracks, length: scene.length });
    expect([HOTA, MOTA, IDF1, GT_IDs]).toEqual([1, 1, 1, 4]);
    expect(parseSequenceInfo(toSequenceInfo('scene', scene), 'seqinfo.ini')).toEqual({
      name: 'scene',
      length: 120,
      frameRate: 10,
      width: 640,
      height: 360,
    });
  });

  it('has a line of JSON for every frame, empty ones too, with the faces that can be seen', () => {
    const { rows, times } = parseTrackJsonl(toJsonl(frames), 'truth.jsonl');
    expect([...times]).toEqual(frames.map(({ timestamp }) => timestamp));
    expect(rows.ids.length).toBe(
      frames.reduce((n, { truth }) => n + truth.filter(({ visibility }) => visibility >= 0.25).length, 0),
    );
    expect(toJsonl([{ index: 3, timestamp: 0.3, truth: [] }])).toBe('{"frame":3,"timestamp":0.3,"faces":[]}\n');
  });
});

it('sine and cosine are close to the true ones', () => {
  fc.assert(
    fc.property(fc.double({ min: -50, max: 50, noNaN: true }), (turns) => {
      expect(Math.abs(sine(turns) - Math.sin(2 * Math.PI * turns))).toBeLessThan(1e-4);
      expect(Math.abs(cosine(turns) - Math.cos(2 * Math.PI * turns))).toBeLessThan(1e-4);
    }),
  );
});

const CHECKSUMS = ['550e0fd0', 'ad8e39b0', 'f95a7d3c', '41e904cb'];

function flawOf({ box, landmarks, visibility, occlusion, occluded }: SceneFace): string {
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = landmarks;
  if (!landmarks.every(({ x, y }) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height))
    return 'a landmark outside the box';
  if (!(leftEye.x < rightEye.x && leftMouth.x < rightMouth.x)) return 'left and right exchanged';
  if (!(Math.max(leftEye.y, rightEye.y) < nose.y && nose.y < Math.min(leftMouth.y, rightMouth.y)))
    return 'eyes, nose and mouth out of order';
  if (!(box.height > box.width && box.height < 1.6 * box.width)) return `a face of ${box.width} × ${box.height}`;
  if (!(visibility >= 0 && occlusion >= 0 && visibility + occlusion <= 1 + 1e-9)) return 'shares out of range';
  return occluded === occlusion >= 0.1 ? '' : 'an occlusion flag that is wrong';
}

/** Steps across the borders of 8 × 8 blocks, relative to those within. */
function edgesAtBlocks(data: Uint8Array | Uint8ClampedArray, width: number, height: number): number {
  const sum = [0, 0];
  const count = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 1; x < width; x++) {
      const kind = x % 8 === 0 ? 1 : 0;
      sum[kind]! += Math.abs(data[(y * width + x) * 3 + 1]! - data[(y * width + x - 1) * 3 + 1]!);
      count[kind]!++;
    }
  }
  return sum[1]! / count[1]! / (sum[0]! / count[0]!);
}
