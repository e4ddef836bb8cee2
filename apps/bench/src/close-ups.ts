// Faces that fill the picture: how many close-ups are found, and how many boxes appear beside the face.
//   node apps/bench/run.mjs close-ups [--model NAME|PATH …] [--options JSON …] [--limit 60]
//       [--sheet FILE.png [--extras]] [--misses FILE.json] [--json]
// --model: default, scrfd_2.5g_kps, scrfd_500m_kps (all three without it), another model of the shared data, or a
//     path; repeatable.
// --options: detector options, for example '{"inputSize": [{"pixels": 409600}, 160]}'; repeatable,
//     every model gets each.
// --limit: faces of WIDER dev, evenly spread over all (190); by default 60, which makes some 700 crops.
// --misses: writes a list of the misses and of the crops with extra boxes.
// --sheet: draws the first 120 misses (with --extras: also crops with extra boxes): ground truth green, detections
//     red, all faces of the picture blue.
// The face's box has 80, 95, 110 or 130 % of the crop's height or width, whichever is larger. Faces: six_people and
// the larger ones of selfie_crowd (boxes of scrfd_2.5g_kps), and ground truth of WIDER dev of at least 150 pixels
// that is not blurred, occluded, invalid or in an atypical pose and that scrfd_2.5g_kps confirms at 320 and 640
// pixels (IoU 0.5). Crops lie inside their pictures; combinations that do not fit are left out. A crop has one of 8
// sizes from 224 to 3000. Found: a detection has IoU >= 0.5 with the visible part of the face's box, or covers its
// center with 0.5 to 2 times its area. Extra: a box that is neither this face nor another of the ground truth or of
// what scrfd_2.5g_kps finds in the whole picture (IoU >= 0.35, or 70 % of the box inside that face). "at the face":
// half of the box or more is inside it. Masked: at least 95 % of the inner half (in each direction) of the visible part
// of the face's box is under the masks of `facedet anonymize`; with '{"scoreThreshold": 0.2}', its score.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { clipBox, iou, type Box, type Face, type PixelBuffer } from '@facedet/core';
import { anonymizePixels } from '@facedet/draw';
import { writeImage } from '@facedet/runtime-node';
import { sharedFolder } from './shared/folder.ts';
import { percent } from './shared/measure.ts';
import { contactSheet, crop, enlarged, outline, readPixels, thumbnail } from './shared/pictures.ts';
import { modelPath, openDetector, setupsOf } from './shared/setups.ts';
import { table } from './shared/table.ts';
import { widerDev, type DevFace } from './shared/wider-dev.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['default', 'scrfd_2.5g_kps', 'scrfd_500m_kps'] },
    options: { type: 'string', multiple: true, default: ['{}'] },
    limit: { type: 'string', default: '60' },
    sheet: { type: 'string' },
    extras: { type: 'boolean', default: false },
    misses: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const PERCENTS = [80, 95, 110, 130];
const ASPECTS: readonly [name: string, ratio: number][] = [
  ['1:1', 1],
  ['16:9', 16 / 9],
  ['9:16', 9 / 16],
];
/** The longer side up to which crops are made; no canvas shows more. */
const ENLARGED_FROM = 1280;
/** Longer sides of the crops. */
const SIZES = [224, 320, 480, 640, 960, 1280, 1920, 3000];
const SIZE_CLASSES: readonly [name: string, limit: number][] = [
  ['224-480', 480],
  ['640-1280', 1280],
  ['1920-3000', 3000],
];
const SMALLEST_DEV_FACE = 150;
const SMALLEST_SELFIE_FACE = 100;
/** The face's center stays in this middle part of the crop. */
const OFF_CENTER = 0.12;

/** A picture with the faces that close-ups are made of, and the boxes of all its faces. */
interface Source {
  readonly name: string;
  readonly path: string;
  readonly targets: readonly Box[];
  readonly others: readonly Box[];
}

interface CloseUp {
  readonly source: Source;
  readonly target: Box;
  readonly percent: number;
  readonly aspect: string;
  readonly region: Box;
  readonly width: number;
  readonly height: number;
}

interface Outcome {
  readonly found: boolean;
  readonly score: number;
  /** Boxes around the target that are not its own: fragments, duplicates. */
  readonly fragments: number;
  /** Boxes elsewhere. */
  readonly elsewhere: number;
  /** Share of the inner half of the face that masks cover. */
  readonly masked: number;
  readonly faces: readonly Face[];
}

const inside = (box: Box, x: number, y: number) =>
  x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
const area = (box: Box) => box.width * box.height;
const commonPart = (a: Box, b: Box) => {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
};

/** So many values, evenly spread over all. */
const spread = <T>(values: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);

async function sources(): Promise<{ found: Source[]; unconfirmed: number }> {
  const found: Source[] = [];
  const sizes = [320, 640];
  const reference = await openDetector({
    model: modelPath('scrfd_2.5g_kps'),
    options: { inputSize: sizes, scoreThreshold: 0.5, rotate: 0 },
  });
  for (const [name, smallest] of [
    ['six_people', 0],
    ['selfie_crowd', SMALLEST_SELFIE_FACE],
  ] as const) {
    const path = sharedFolder('images', `${name}.jpg`);
    const boxes = (await reference.detect(await readPixels(path))).map((face) => face.box);
    found.push({
      name,
      path,
      targets: boxes.filter((box) => Math.max(box.width, box.height) >= smallest),
      others: boxes,
    });
  }
  const isLarge = ({ box, clear }: DevFace) => clear && Math.max(box.width, box.height) >= SMALLEST_DEV_FACE;
  const dev = await widerDev();
  const candidates = dev.flatMap(({ faces }) => faces.filter(isLarge));
  const limit = Math.min(Number(options.limit), candidates.length);
  const chosen = new Set(spread(candidates, limit));
  let unconfirmed = 0;
  for (const { name, path, faces } of dev) {
    const large = faces.filter((face) => chosen.has(face));
    if (large.length === 0) continue;
    const boxes = (await reference.detect(await readPixels(path))).map((face) => face.box);
    const targets = large.map(({ box }) => box).filter((box) => boxes.some((other) => iou(box, other) >= 0.5));
    unconfirmed += large.length - targets.length;
    if (targets.length > 0) found.push({ name, path, targets, others: [...faces.map(({ box }) => box), ...boxes] });
  }
  await reference.dispose();
  return { found, unconfirmed };
}

/** The crop in which the face has that part of the side; null where it would leave the picture or the face's middle. */
function regionOf(face: Box, part: number, aspect: number, picture: PixelBuffer): Box | null {
  const height = Math.max(face.height, face.width / aspect) / part;
  const width = height * aspect;
  if (width > picture.width || height > picture.height) return null;
  const center = [face.x + face.width / 2, face.y + face.height / 2] as const;
  const x = Math.min(Math.max(center[0] - width / 2, 0), picture.width - width);
  const y = Math.min(Math.max(center[1] - height / 2, 0), picture.height - height);
  const offCenter = Math.max(Math.abs((center[0] - x) / width - 0.5), Math.abs((center[1] - y) / height - 0.5));
  return offCenter <= OFF_CENTER ? { x, y, width, height } : null;
}

/** A source's box in the pixels of a crop, its visible part. */
function visible(box: Box, { region, width, height }: CloseUp): Box {
  const x = width / region.width;
  const y = height / region.height;
  return clipBox(
    { x: (box.x - region.x) * x, y: (box.y - region.y) * y, width: box.width * x, height: box.height * y },
    width,
    height,
  );
}

function judge(closeUp: CloseUp, faces: readonly Face[]): Outcome {
  const { source, target, width, height } = closeUp;
  const truth = visible(target, closeUp);
  const others = source.others
    .filter((box) => iou(box, target) < 0.5)
    .map((box) => visible(box, closeUp))
    .filter((box) => area(box) > 0);
  const boxes = faces.map((face) => clipBox(face.box, width, height));
  const fits = (box: Box) => {
    const ratio = area(box) / area(truth);
    return (
      iou(box, truth) >= 0.5 ||
      (inside(box, truth.x + truth.width / 2, truth.y + truth.height / 2) && ratio >= 0.5 && ratio <= 2)
    );
  };
  const own = boxes.findIndex(fits); // by falling score
  const strange = boxes.filter(
    (box, i) =>
      i !== own && !others.some((other) => iou(box, other) >= 0.35 || commonPart(box, other) >= 0.7 * area(box)),
  );
  const fragments = strange.filter((box) => commonPart(box, truth) >= 0.5 * area(box)).length;
  return {
    found: own >= 0,
    score: faces[own]?.score ?? 0,
    fragments,
    elsewhere: strange.length - fragments,
    masked: maskedShare(closeUp, truth, faces),
    faces,
  };
}

/** Longer side of the picture on which masks are drawn. */
const MASK_SIZE = 400;

/** Share of the inner half of a box, in each direction, that the masks of faces cover. */
function maskedShare({ width, height }: CloseUp, truth: Box, faces: readonly Face[]): number {
  const scale = Math.min(1, MASK_SIZE / Math.max(width, height));
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  const data = new Uint8Array(w * h);
  const scaled = faces.map(({ box, score }) => ({
    score,
    box: { x: box.x * scale, y: box.y * scale, width: box.width * scale, height: box.height * scale },
  }));
  anonymizePixels({ data, width: w, height: h, format: 'gray' }, scaled, { effect: 'solid', color: [255, 255, 255] });
  let [all, covered] = [0, 0];
  for (let y = Math.ceil((truth.y + truth.height / 4) * scale); y < (truth.y + 0.75 * truth.height) * scale; y++) {
    for (let x = Math.ceil((truth.x + truth.width / 4) * scale); x < (truth.x + 0.75 * truth.width) * scale; x++) {
      all++;
      if (data[y * w + x]! > 128) covered++;
    }
  }
  return covered / all;
}

/** The crop with its boxes, for the contact sheet. */
function picture(pixels: PixelBuffer, closeUp: CloseUp, faces: readonly Face[]): PixelBuffer {
  const small = thumbnail(pixels, 220);
  const draw = (box: Box, color: readonly [number, number, number], thickness: number) => {
    const { x, y, width, height } = clipBox(box, closeUp.width, closeUp.height);
    const s = small.pixels.width / closeUp.width;
    outline(small.pixels, { x: x * s, y: y * s, width: width * s, height: height * s }, color, thickness);
  };
  for (const box of closeUp.source.others) draw(visible(box, closeUp), [60, 120, 255], 1);
  draw(visible(closeUp.target, closeUp), [0, 220, 0], 3);
  for (const { box } of faces) draw(box, [255, 30, 30], 2);
  return small.pixels;
}

const setups = setupsOf(options.model, options.options);
const { found, unconfirmed } = await sources();
const targets = found.flatMap((source) => source.targets.map((target) => ({ source, target })));
const detectors = await Promise.all(setups.map(openDetector));

const outcomes: { closeUp: CloseUp; results: Outcome[] }[] = [];
const sheet: PixelBuffer[] = [];
let leftOut = 0;
let last: { path: string; pixels: PixelBuffer } | undefined;
let turn = 0; // of a face or a combination: no size is tied to one
let told = performance.now();
for (const [t, { source, target }] of targets.entries()) {
  if (performance.now() - told > 10_000) {
    told = performance.now();
    console.error(`${t} of ${targets.length} faces`);
  }
  turn++;
  for (const part of PERCENTS) {
    for (const [aspect, ratio] of ASPECTS) {
      const size = SIZES[(5 * turn++) % SIZES.length]!;
      if (last?.path !== source.path) last = { path: source.path, pixels: await readPixels(source.path) };
      const region = regionOf(target, part / 100, ratio, last.pixels);
      if (!region) {
        leftOut++;
        continue;
      }
      const width = Math.round(ratio >= 1 ? size : size * ratio);
      const height = Math.round(ratio >= 1 ? size / ratio : size);
      const closeUp: CloseUp = { source, target, percent: part, aspect, region, width, height };
      // Larger pictures are enlarged by their source: the canvas is smaller anyway.
      const scale = Math.min(ENLARGED_FROM / size, 1);
      const pixels = crop(last.pixels, region, Math.round(width * scale), Math.round(height * scale));
      const image = scale < 1 ? enlarged(pixels, width, height) : pixels;
      const results: Outcome[] = [];
      for (const detector of detectors) results.push(judge(closeUp, await detector.detect(image)));
      outcomes.push({ closeUp, results });
      for (const result of results) {
        const shown = !result.found || (options.extras && result.fragments + result.elsewhere > 0);
        if (options.sheet && shown && sheet.length < 120) sheet.push(picture(pixels, closeUp, result.faces));
      }
    }
  }
}
for (const detector of detectors) await detector.dispose();

/** Found of total and extra boxes among the crops that `wanted` chooses. */
function figures(setup: number, wanted: (closeUp: CloseUp) => boolean = () => true) {
  const results = outcomes.filter(({ closeUp }) => wanted(closeUp)).map((outcome) => outcome.results[setup]!);
  const sum = (value: (result: Outcome) => number) => results.reduce((total, result) => total + value(result), 0);
  const total = results.length;
  const hits = sum((result) => Number(result.found));
  return {
    total,
    found: hits,
    recall: total ? hits / total : 0,
    masked: sum((r) => Number(r.masked >= 0.95)),
    leastMasked: Math.min(...results.map((r) => r.masked)),
    fragments: sum((r) => r.fragments),
    elsewhere: sum((r) => r.elsewhere),
  };
}
const sizeClass = ({ width, height }: CloseUp) => SIZE_CLASSES.find(([, most]) => Math.max(width, height) <= most)![0];
const origin = ({ source }: CloseUp) => (source.name.includes('/') ? 'wider dev' : source.name);
const cells = PERCENTS.flatMap((part) =>
  ASPECTS.flatMap(([aspect]) => SIZE_CLASSES.map(([size]) => ({ percent: part, aspect, size }))),
);
const summary = setups.map(({ name }, s) => ({
  setup: name,
  ...figures(s),
  cells: cells.map((cell) => ({
    ...cell,
    ...figures(s, (c) => c.percent === cell.percent && c.aspect === cell.aspect && sizeClass(c) === cell.size),
  })),
}));

if (options.misses) {
  const lines = outcomes.flatMap(({ closeUp: { source, target, ...rest }, results }) =>
    results.flatMap(({ faces, ...result }, s) => {
      if (result.found && result.fragments + result.elsewhere === 0) return [];
      return [
        {
          setup: setups[s]!.name,
          picture: source.name,
          target,
          ...rest,
          ...result,
          faces: faces.map(({ box, score }) => ({ box, score })),
        },
      ];
    }),
  );
  writeFileSync(options.misses, `${JSON.stringify(lines, null, 1)}\n`);
}
if (options.sheet && sheet.length > 0) await writeImage(options.sheet, contactSheet(sheet, 220, 10));

const pictures = new Set(outcomes.map(({ closeUp }) => closeUp.source)).size;
if (options.json) {
  console.log(
    JSON.stringify(
      { crops: outcomes.length, faces: targets.length, pictures, leftOut, unconfirmed, setups: summary },
      null,
      2,
    ),
  );
} else {
  console.error(
    `${outcomes.length} crops of ${targets.length} faces in ${pictures} pictures; ` +
      `${leftOut} combinations do not fit into their picture; ` +
      `${unconfirmed} large faces of WIDER dev are not confirmed by scrfd_2.5g_kps and left out`,
  );
  const cell = (setup: number, wanted?: (closeUp: CloseUp) => boolean) => {
    const { total, found: hits, recall } = figures(setup, wanted);
    return `${percent(recall)} (${hits}/${total})`;
  };
  const print = (title: string, columns: readonly [string, (closeUp: CloseUp) => boolean][]) =>
    console.log(
      `${table(
        [title, ...columns.map(([name]) => name)],
        setups.map(({ name }, s) => [name, ...columns.map(([, wanted]) => cell(s, wanted))]),
      )}\n`,
    );
  console.log(
    `${table(
      ['close-ups found', 'all', 'masked', 'least of a face masked', 'extra boxes at the face', 'elsewhere'],
      setups.map(({ name }, s) => {
        const { total, masked, leastMasked, fragments, elsewhere } = figures(s);
        return [name, cell(s), `${masked}/${total}`, percent(leastMasked), String(fragments), String(elsewhere)];
      }),
    )}\n`,
  );
  print(
    'by part of the side',
    PERCENTS.map((part) => [`${part} %`, (c) => c.percent === part]),
  );
  print(
    'by aspect',
    ASPECTS.map(([aspect]) => [aspect, (c) => c.aspect === aspect]),
  );
  print(
    'by longer side',
    SIZE_CLASSES.map(([size]) => [size, (c) => sizeClass(c) === size]),
  );
  print(
    'by picture',
    ['six_people', 'selfie_crowd', 'wider dev'].map((name) => [name, (c) => origin(c) === name]),
  );
  const rows = cells
    .filter((c) => c.size === SIZE_CLASSES[0]![0])
    .map(({ percent: part, aspect }) => [
      `${part} %, ${aspect}`,
      ...setups.map((_, s) =>
        SIZE_CLASSES.map(([size]) => {
          const { found: hits, total } = figures(
            s,
            (c) => c.percent === part && c.aspect === aspect && sizeClass(c) === size,
          );
          return `${hits}/${total}`;
        }).join('  '),
      ),
    ]);
  console.log(
    table(
      [`found of total at ${SIZE_CLASSES.map(([size]) => size).join(', ')} px`, ...setups.map(({ name }) => name)],
      rows,
    ),
  );
}
