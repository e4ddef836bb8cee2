// Pictures turned by given angles: recall beside the upright pictures', false positives, and CPU time per picture.
//   node apps/bench/run.mjs rotations [--model NAME|PATH …] [--options JSON …] [--angles 0,90,180,270] [--images 100]
//       [--skip-crowd] [--json]
// --model: default (without it), scrfd_2.5g_kps, scrfd_500m_kps, another model of the shared data, or a path;
//     repeatable.
// --options: detector options, for example '{"rotate": "auto"}'; repeatable, every model gets each.
// --angles: degrees clockwise; 0 is always among them.
// --images: pictures of WIDER dev in a fixed order, each with a face of the medium subset that the default weights
//     find upright (IoU 0.5 at { pixels: 409600 }); 492 takes all as they are, 0 none. --skip-crowd: no six_people,
//     no selfie_crowd.
// Ground truth: WIDER's medium subset; for six_people and selfie_crowd the same detector's faces at 0°. A face is
// found when a box has IoU >= 0.5 with it (0.35 where the angle is no multiple of 90°), its own box turned as an
// ellipse is. False positives of WIDER dev match none of all labelled faces; precision = matched / (matched + false
// positives). Multiples of 90° move pixels, other angles are bilinear on black. CPU time: detect() on decoded
// pixels with one thread, median (and mean) over the pictures.
import { parseArgs } from 'node:util';
import { iou, type Box, type Face, type PixelBuffer } from '@facedet/core';
import { sharedFolder } from './shared/folder.ts';
import { cpuTime, machine, median, percent } from './shared/measure.ts';
import { readPixels, turn, type Turned } from './shared/pictures.ts';
import { modelPath, openDetector, setupsOf } from './shared/setups.ts';
import { table } from './shared/table.ts';
import { widerDev, type DevPicture } from './shared/wider-dev.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['default'] },
    options: { type: 'string', multiple: true, default: ['{}'] },
    angles: { type: 'string', default: '0,90,180,270' },
    images: { type: 'string', default: '100' },
    'skip-crowd': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const angles = [...new Set([0, ...options.angles.split(',').map(Number)])];
if (angles.some((angle) => !Number.isFinite(angle))) {
  console.error(`Expected degrees with commas between them for --angles but received ${options.angles}.`);
  process.exit(2);
}
const wanted = Number(options.images);
const setups = setupsOf(options.model, options.options);
/** Walks through the sorted list so that all events come early; coprime to its length. */
const STRIDE = 25;

/** What one setup finds at one angle, summed over the pictures of a set. */
interface Sums {
  truth: number;
  found: number;
  matched: number;
  falsePositives: number;
  readonly times: number[];
}

async function chooseDev(): Promise<DevPicture[]> {
  const all = await widerDev();
  if (wanted >= all.length) return all;
  const detector = await openDetector({
    model: modelPath('default'),
    options: { inputSize: { pixels: 409_600 }, rotate: 0 },
  });
  const chosen: DevPicture[] = [];
  for (let i = 0; i < all.length && chosen.length < wanted; i++) {
    const picture = all[(i * STRIDE) % all.length]!;
    const medium = picture.faces.filter((face) => face.medium);
    if (medium.length === 0) continue;
    const faces = await detector.detect(await readPixels(picture.path));
    if (medium.some(({ box }) => faces.some((face) => iou(box, face.box) >= 0.5))) chosen.push(picture);
  }
  await detector.dispose();
  return chosen;
}

/** The box of a turned face: that of the ellipse in the face's box. */
function turnBox(box: Box, { map }: Turned, degrees: number): Box {
  const [x, y] = map(box.x + box.width / 2, box.y + box.height / 2);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const width = Math.hypot(box.width * cos, box.height * sin);
  const height = Math.hypot(box.width * sin, box.height * cos);
  return { x: x - width / 2, y: y - height / 2, width, height };
}

/** Which of the labeled boxes each face matches, by falling score, each box once; -1 where it matches none. */
function match(faces: readonly Face[], boxes: readonly Box[], limit: number): number[] {
  const taken = new Set<number>();
  return faces.map(({ box }) => {
    let [best, overlap] = [-1, limit];
    boxes.forEach((other, i) => {
      const value = iou(box, other);
      if (value >= overlap && !taken.has(i)) [best, overlap] = [i, value];
    });
    if (best >= 0) taken.add(best);
    return best;
  });
}

/** Adds matches of faces and true boxes to the sums; `counted` says which boxes count as truth. */
function count(into: Sums, matches: readonly number[], counted: readonly boolean[]): void {
  into.truth += counted.filter(Boolean).length;
  into.found += matches.filter((i) => counted[i]).length;
  into.matched += matches.filter((i) => i >= 0).length;
  into.falsePositives += matches.filter((i) => i < 0).length;
}

const SETS = ['six_people', 'selfie_crowd', 'wider dev'] as const;
const sums = setups.map(() =>
  angles.map(
    () =>
      Object.fromEntries(
        SETS.map((set) => [set, { truth: 0, found: 0, matched: 0, falsePositives: 0, times: [] }]),
      ) as unknown as Record<(typeof SETS)[number], Sums>,
  ),
);
const dev = wanted > 0 ? await chooseDev() : [];
const detectors = await Promise.all(setups.map(openDetector));
for (const detector of detectors) await detector.warmup();

async function timed(setup: number, pixels: PixelBuffer, times: number[]): Promise<Face[]> {
  const begin = cpuTime();
  const faces = await detectors[setup]!.detect(pixels);
  times.push(cpuTime() - begin);
  return faces;
}

async function measure(set: (typeof SETS)[number], path: string, labelled?: DevPicture['faces']): Promise<void> {
  const upright = await readPixels(path);
  const truth: Box[][] = [];
  for (const [a, angle] of angles.entries()) {
    const turned = turn(upright, angle);
    for (const s of setups.keys()) {
      const into = sums[s]![a]![set];
      const faces = await timed(s, turned.pixels, into.times);
      if (a === 0) truth.push((labelled ?? faces).map(({ box }) => box)); // the angle 0 comes first
      const boxes = truth[s]!.map((box) => turnBox(box, turned, angle));
      const matches = match(faces, boxes, angle % 90 === 0 ? 0.5 : 0.35);
      count(into, matches, labelled?.map(({ medium }) => medium) ?? boxes.map(() => true));
    }
  }
}

if (!options['skip-crowd'])
  for (const set of ['six_people', 'selfie_crowd'] as const) await measure(set, sharedFolder('images', `${set}.jpg`));
let reported = performance.now();
for (const [i, { path, faces }] of dev.entries()) {
  if (performance.now() - reported > 10_000) {
    reported = performance.now();
    console.error(`${i} of ${dev.length} pictures`);
  }
  await measure('wider dev', path, faces);
}
for (const detector of detectors) await detector.dispose();

const results = setups.flatMap(({ name }, s) =>
  angles.map((angle, a) => ({
    setup: name,
    angle,
    sets: Object.fromEntries(
      SETS.filter((set) => sums[s]![0]![set].truth > 0).map((set) => {
        const { truth, found, matched, falsePositives, times } = sums[s]![a]![set];
        const relative = found / sums[s]![0]![set].found;
        return [
          set,
          {
            truth,
            found,
            recall: found / truth,
            relative,
            precision: matched / (matched + falsePositives),
            falsePositives,
            milliseconds: median(times),
            meanMilliseconds: times.reduce((sum, ms) => sum + ms, 0) / times.length,
          },
        ];
      }),
    ),
  })),
);
if (options.json) {
  console.log(JSON.stringify({ machine: machine(), images: dev.length, results }, null, 2));
} else {
  console.error(
    `${dev.length} pictures of WIDER dev; ${machine().cpu}, Node ${machine().node}, load ${machine().load.toFixed(1)}`,
  );
  const shown = SETS.filter((set) => results[0]!.sets[set]);
  const head = shown.flatMap((set) =>
    set === 'wider dev'
      ? [`${set}: recall`, 'of upright', 'precision', 'false pos.', 'ms']
      : [`${set}: of upright`, 'others', 'ms'],
  );
  console.log(
    table(
      ['setup, degrees', ...head],
      results.map(({ setup, angle, sets }) => [
        `${setup}, ${angle}°`,
        ...shown.flatMap((set) => {
          const f = sets[set]!;
          const ms = `${f.milliseconds.toFixed(1)} (${f.meanMilliseconds.toFixed(1)})`;
          if (set !== 'wider dev')
            return [`${percent(f.relative)} (${f.found}/${f.truth})`, String(f.falsePositives), ms];
          return [
            `${percent(f.recall)} (${f.found}/${f.truth})`,
            percent(f.relative),
            percent(f.precision, 2),
            String(f.falsePositives),
            ms,
          ];
        }),
      ]),
    ),
  );
}
