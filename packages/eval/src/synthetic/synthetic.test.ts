import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateMot, parseMotRows } from '../mot/index.ts';
import { parseTrackJsonl } from '../stability/index.ts';
import { createAppearance } from './appearance.ts';
import { createHead, occludes } from './head.ts';
import { createScene, renderGroup, toJsonl, toMot, type Scene, type SceneFace, type SceneFrame } from './index.ts';
import { cosine, sine } from './math.ts';
import { paintBody } from './paint-body.ts';
import { paintHead } from './paint-head.ts';
import { createRaster } from './raster.ts';

const seeds = fc.integer({ min: -1000, max: 100_000 });

/** FNV-1a. */
function checksum(data: Uint8Array | Uint8ClampedArray): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < data.length; i++) hash = Math.imul(hash ^ data[i]!, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

type Truth = Omit<SceneFrame, 'image'>;

/** The ground truth of all frames. */
function truthOf(scene: Scene): Truth[] {
  return Array.from({ length: scene.length }, (_, index) => ({
    index,
    timestamp: index / scene.fps,
    truth: scene.truth(index),
  }));
}

describe('createScene', () => {
  it('gives the same bytes on every machine', () => {
    const scene = createScene({ seed: 7, width: 160, height: 96, fps: 10, duration: 8, faces: 3 });
    const sums = [0, 17, 40, 79].map((i) => checksum(scene.frame(i).image.data));
    expect(sums).toEqual(['550e0fd0', 'ad8e39b0', 'f95a7d3c', '41e904cb']);
  });

  it('does not depend on the order in which frames are requested', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.nat(39), { minLength: 1, maxLength: 3 }), (seed, order) => {
        const options = { seed, width: 96, height: 64, fps: 8, frames: 40, faces: 3 };
        const [a, b] = [createScene(options), createScene(options)];
        for (const i of order) b.frame(39 - i);
        const framesOf = (scene: Scene) => order.map((i) => scene.frame(i));
        const results = [framesOf(a), framesOf(b)].map((frames) =>
          frames.map(({ image, truth }) => ({ sum: checksum(image.data), truth })),
        );
        expect(results[0]).toEqual(results[1]);
        expect(results[0]!.map(({ truth }) => truth)).toEqual(order.map((i) => a.truth(i)));
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

  it('keeps landmarks inside their boxes and in order, and faces in plausible shapes', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 12 }), (seed, faces) => {
        const frames = truthOf(createScene({ seed, faces, width: 320, height: 180, duration: 12, fps: 5 }));
        expect(frames.flatMap(({ truth }) => flawsOf(truth, faces))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('moves people smoothly: at 25 fps at most a third of a face from frame to frame', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const largest = largestStep(truthOf(createScene({ seed, duration: 12 })));
        expect(largest).toBeLessThan(1 / 3);
        expect(largest).toBeGreaterThan(0.01);
      }),
      { numRuns: 15 },
    );
  });

  it('lets people leave and return with the same ID, cross, and occlude each other', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        // Long enough that, for any seed, somebody crosses who stays in the picture.
        expect(storyOf(createScene({ seed, duration: 30, fps: 10 }))).toEqual(expectedStory);
      }),
      { numRuns: 25 },
    );
  });

  it('keeps people in place and the picture undegraded without events', () => {
    const scene = createScene({ seed: 3, events: [], duration: 20, fps: 5 });
    expect(scene.events).toEqual([]);
    const visible = truthOf(scene).map(({ truth }) => truth.filter(({ visibility }) => visibility > 0.9));
    expect(visible.map((faces) => faces.map(({ id }) => id))).toEqual(Array(100).fill([1, 2, 3, 4]));
  });

  it.each(['blur', 'dark', 'noise', 'compression'] as const)('degrades the picture in its event: %s', (kind) => {
    const options = { seed: 5, width: 160, height: 96, duration: 6, fps: 10, events: [kind] };
    const [degraded, clean] = [createScene(options), createScene({ ...options, events: [] })];
    const { from, to } = degraded.events.find((event) => event.kind === kind)!;
    const at = Math.round(((from + to) / 2) * 10);
    const [bad, good] = [degraded.frame(at).image.data, clean.frame(at).image.data];
    if (kind === 'dark') expect(mean(bad)).toBeLessThan(mean(good) * 0.6);
    else expect(Math.abs(mean(bad) - mean(good))).toBeLessThan(2);
    if (kind === 'blur') expect(roughness(bad)).toBeLessThan(roughness(good) * 0.7);
    if (kind === 'noise') expect(roughness(bad)).toBeGreaterThan(roughness(good) * 1.5);
    if (kind === 'compression') expect(blockiness(bad, 160, 96)).toBeGreaterThan(blockiness(good, 160, 96) * 1.15);
    const before = Math.floor(from * 10) - 1;
    if (before >= 0) expect(checksum(degraded.frame(before).image.data)).toBe(checksum(clean.frame(before).image.data));
  });

  it('rejects options out of range and frames that do not exist', () => {
    const error = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
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
      expect(() => createScene(options)).toThrow(error);
    const scene = createScene({ frames: 2, width: 64, height: 64 });
    for (const index of [-1, 2, 0.5, NaN]) expect(() => scene.frame(index)).toThrow(error);
  });
});

describe('visibility', () => {
  it('agrees with the pixels that painting a person in front changes', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.double({ min: -1.6, max: 1.6, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (seed, dx, dy) => {
          const pose = { x: 100, y: 90, halfWidth: 30, roll: 0, yaw: 0, pitch: 0, mouth: 0, blink: 0 };
          const back = createHead(createAppearance(seed), pose);
          const frontPose = { ...pose, x: 100 + dx * 30, y: 90 + dy * 30, halfWidth: 32 };
          const front = createHead(createAppearance(seed + 1), frontPose);
          const [alone, both] = [createRaster(200, 180), createRaster(200, 180)];
          paintHead(alone, back);
          both.data.set(alone.data);
          paintBody(both, front);
          paintHead(both, front);
          let [total, wrong] = [0, 0];
          for (let y = 0; y < 180; y++) {
            for (let x = 0; x < 200; x++) {
              const [u, v] = [(x + 0.5 - 100) / 30, (y + 0.5 - 90) / back.halfHeight];
              if (u * u + v * v > 0.9) continue;
              const at = (y * 200 + x) * 3;
              const isChanged = [0, 1, 2].some((c) => both.data[at + c] !== alone.data[at + c]);
              total++;
              wrong += Number(isChanged !== occludes(front, x + 0.5, y + 0.5));
            }
          }
          expect(wrong / total).toBeLessThan(0.06); // edges
        },
      ),
      { numRuns: 20 },
    );
  });

  it('counts what is outside the picture as invisible, not as occluded', () => {
    const scene = createScene({ seed: 2, duration: 15, events: ['absence'], faces: 2, fps: 10 });
    const cut = truthOf(scene)
      .flatMap(({ truth }) => truth)
      .filter(({ box }) => box.x < -0.3 * box.width && box.x > -0.7 * box.width);
    expect(cut.length).toBeGreaterThan(0);
    const visibilities = cut.map(({ visibility }) => visibility);
    expect(Math.min(...visibilities)).toBeGreaterThan(0.05);
    expect(Math.max(...visibilities)).toBeLessThan(0.85);
    expect(cut.filter(({ occluded }) => occluded)).toEqual([]);
  });
});

describe('renderGroup', () => {
  it('shows the requested number of people, none of them occluded, for any seed', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 10 }), (seed, faces) => {
        const { image, truth } = renderGroup({ seed, faces, width: 240, height: 160 });
        expect(image.data.length).toBe(240 * 160 * 3);
        expect(truth).toHaveLength(faces);
        expect(flawsOf(truth, faces)).toEqual([]);
        expect(Math.min(...truth.map(({ visibility }) => visibility))).toBeGreaterThan(0.95);
      }),
      { numRuns: 15 },
    );
  });
});

describe('ground truth as text', () => {
  const scene = createScene({ seed: 11, duration: 12, fps: 10 });
  const frames = truthOf(scene);

  it('is read by the metrics, and perfect against itself', () => {
    const text = toMot(frames);
    const truth = parseMotRows(text, 'gt.txt');
    const tracks = parseMotRows(text.replaceAll(/,(?:1,1|0,8),[\d.]+\n/g, ',1,-1,-1,-1\n'), 'tracks.txt');
    const { HOTA, MOTA, IDF1, GT_IDs } = evaluateMot({ truth, tracks, length: scene.length });
    expect([HOTA, MOTA, IDF1, GT_IDs]).toEqual([1, 1, 1, 4]);
  });

  it('has one JSON line per frame, empty ones too, with the visible faces', () => {
    const { rows, times } = parseTrackJsonl(toJsonl(frames), 'truth.jsonl');
    expect([...times]).toEqual(frames.map(({ timestamp }) => timestamp));
    const visible = frames.flatMap(({ truth }) => truth.filter(({ visibility }) => visibility >= 0.25));
    expect(rows.ids).toHaveLength(visible.length);
    expect(toJsonl([{ index: 3, timestamp: 0.3, truth: [] }])).toBe('{"frame":3,"timestamp":0.3,"faces":[]}\n');
  });
});

it('sine and cosine are accurate to 1e-4', () => {
  fc.assert(
    fc.property(fc.double({ min: -50, max: 50, noNaN: true }), (turns) => {
      expect(Math.abs(sine(turns) - Math.sin(2 * Math.PI * turns))).toBeLessThan(1e-4);
      expect(Math.abs(cosine(turns) - Math.cos(2 * Math.PI * turns))).toBeLessThan(1e-4);
    }),
  );
});

/** Everything that is wrong with the faces of a frame of `people` people. */
function flawsOf(truth: readonly SceneFace[], people: number): string[] {
  const flaws = truth.map(flawOf);
  if (truth.some(({ id }) => !(Number.isInteger(id) && id >= 1 && id <= people))) flaws.push('an ID out of range');
  if (new Set(truth.map(({ id }) => id)).size !== truth.length) flaws.push('an ID twice');
  return flaws.filter((flaw) => flaw !== '');
}

function flawOf({ box, landmarks, visibility, occlusion, occluded }: SceneFace): string {
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = landmarks;
  if (!landmarks.every(({ x, y }) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height))
    return 'a landmark outside the box';
  if (!(leftEye.x < rightEye.x && leftMouth.x < rightMouth.x)) return 'left and right swapped';
  if (!(Math.max(leftEye.y, rightEye.y) < nose.y && nose.y < Math.min(leftMouth.y, rightMouth.y)))
    return 'eyes, nose and mouth out of order';
  if (!(box.height > box.width && box.height < 1.6 * box.width)) return `a face of ${box.width} × ${box.height}`;
  if (!(visibility >= 0 && occlusion >= 0 && visibility + occlusion <= 1 + 1e-9)) return 'fractions out of range';
  return occluded === occlusion >= 0.1 ? '' : 'a wrong occlusion flag';
}

/** The largest step of a face between two frames, in widths of the face. */
function largestStep(frames: readonly Truth[]): number {
  let largest = 0;
  for (let i = 1; i < frames.length; i++) {
    for (const { id, box } of frames[i]!.truth) {
      const before = frames[i - 1]!.truth.find((face) => face.id === id)?.box;
      if (before) largest = Math.max(largest, (Math.abs(box.x - before.x) + Math.abs(box.y - before.y)) / box.width);
    }
  }
  return largest;
}

/** Presence before, during and after an absence; whether a crossing changes the order and occludes a face. */
const expectedStory = { isSeen: [true, false, true], isOrderChanged: true, isOccluded: true };

function storyOf(scene: Scene): typeof expectedStory {
  const frameAt = (time: number): SceneFace[] => scene.truth(Math.round(time * 10));
  const absence = scene.events.find(({ kind, to }) => kind === 'absence' && to + 2.5 < scene.duration)!;
  const isSeen = [absence.from - 2.5, (absence.from + absence.to) / 2, absence.to + 2.5].map((time) =>
    frameAt(time).some(({ id, visibility }) => id === absence.ids[0] && visibility > 0),
  );
  // A person who leaves after crossing is not in the picture when the crossing ends; the scene may end before it too.
  const leaves = (person: number, time: number): boolean =>
    scene.events.some(({ kind, from, ids }) => kind === 'absence' && from === time && ids.includes(person));
  const crossing = scene.events.find(
    ({ kind, to, ids }) => kind === 'crossing' && to < scene.duration && !ids.some((person) => leaves(person, to)),
  )!;
  const isLeftFirst = (time: number): boolean => {
    const [a, b] = crossing.ids.map((person) => frameAt(time).find(({ id }) => id === person)!.box.x);
    return a! < b!;
  };
  const first = Math.ceil(crossing.from * 10);
  const length = Math.floor(crossing.to * 10) - first + 1;
  const isOccluded = Array.from({ length }, (_, k) => scene.truth(first + k)).some((truth) =>
    truth.some(({ id, occluded }) => crossing.ids.includes(id) && occluded),
  );
  return { isSeen, isOrderChanged: isLeftFirst(crossing.from) !== isLeftFirst(crossing.to), isOccluded };
}

type Bytes = Uint8Array | Uint8ClampedArray;

function mean(data: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]!;
  return sum / data.length;
}

/** Mean difference of neighboring pixels. */
function roughness(data: Bytes): number {
  return mean(Float64Array.from(data.subarray(3), (value, i) => Math.abs(value - data[i]!)));
}

/** Mean difference across the borders of 8 × 8 blocks, relative to that inside of blocks. */
function blockiness(data: Bytes, width: number, height: number): number {
  const [sum, count] = [
    [0, 0],
    [0, 0],
  ] as [[number, number], [number, number]];
  for (let y = 0; y < height; y++) {
    for (let x = 1; x < width; x++) {
      const border = x % 8 === 0 ? 1 : 0;
      sum[border] += Math.abs(data[(y * width + x) * 3 + 1]! - data[(y * width + x - 1) * 3 + 1]!);
      count[border]++;
    }
  }
  return sum[1] / count[1] / (sum[0] / count[0]);
}

it('accepts the old name of the occluder event', () => {
  const options = { seed: 4, width: 160, height: 96, duration: 2, fps: 10 };
  const scene = createScene({ ...options, events: ['pillar'] });
  expect(scene.events).toEqual(createScene({ ...options, events: ['occluder'] }).events);
  expect(scene.events.map(({ kind }) => kind)).toEqual(['occluder']);
});
