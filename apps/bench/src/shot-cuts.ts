// Shot cuts of edited films with known cuts, and of an hour without any, beside PySceneDetect.
//   node apps/bench/run.mjs shot-cuts [--split report|tune] [--count 80] [--hours 1] [--python PYTHON] [--no-ids]
//     [--list] [--json]
// Films are made of ../shared (wider, training, video) and of synthetic scenes, written as H.264 of 320 × 180 at 25
// frames per second and kept in apps/bench/.cache/shot-cuts (the first run takes half an hour).
//   --split   report: pictures, films and scenes that no constant was fitted on; tune: those it was fitted on
//   --count   changes of shot per class of films, 5.2 classes in all
//   --hours   of film without cuts
//   --python  a Python with scenedetect and opencv-python-headless, to run PySceneDetect on the same files
//   --no-ids  leave out the runs of the whole pipeline that count IDs on both sides of a cut
//   --list    where cuts were missed and where false ones were reported
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PixelBuffer } from '@facedet/core';
import { initialShotState, nextShotState, thumbnailOf, type Thumbnail } from '@facedet/pipeline';
import { openVideo } from '@facedet/video-node';
import { encoded } from './shot-cuts/encode.ts';
import { editedFilms, FPS, uncutFilms, type Film, type Transition } from './shot-cuts/films.ts';
import { crossedBy } from './shot-cuts/ids.ts';
import { loadMaterial } from './shot-cuts/pictures.ts';
import { f1, scoreCuts, type CutScore } from './shot-cuts/score.ts';
import { sharedFolder } from './shared/folder.ts';
import { machine, median, percent } from './shared/measure.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    split: { type: 'string', default: 'report' },
    count: { type: 'string', default: '80' },
    hours: { type: 'string', default: '1' },
    python: { type: 'string' },
    'no-ids': { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const split = options.split === 'tune' ? 'tune' : 'report';
const OURS = 'FaceDet';
/** How the pipeline runs where IDs are counted. */
const RUNS = { 'every frame': {}, 'every 3rd frame': { detectEvery: 3 }, "'auto'": { detectEvery: 'auto' } } as const;

/** A film without its pixels. */
interface Clip extends Pick<Film, 'name' | 'kind' | 'length' | 'transitions'> {
  readonly path: string;
}

/** Writes the films that are missing. */
async function makeClips(): Promise<Clip[]> {
  const material = await loadMaterial(split, sharedFolder());
  const seed = split === 'report' ? 3 : 1;
  const folder = join(import.meta.dirname, 'shot-cuts', `${split}-${options.count}`);
  const clips: Clip[] = [];
  for (const film of [
    ...editedFilms(material, seed, Number(options.count)),
    ...uncutFilms(material, seed, Number(options.hours)),
  ]) {
    const { name, kind, length, transitions } = film;
    clips.push({ name, kind, length, transitions, path: await encoded(film, folder) });
    progress(`films: ${clips.length}`);
  }
  return clips;
}

/** The frames at which the test of the pipeline reports a cut, and those where it only ends tracks. */
async function ourCuts({ path }: Clip): Promise<{ cuts: number[]; suspected: number }> {
  const video = await openVideo(path);
  let state = initialShotState();
  const cuts: number[] = [];
  let suspected = 0;
  for await (const frame of video) {
    state = nextShotState(state, thumbnailOf(await frame.rasterize(96, 60)), frame.timestamp);
    if (state.cut) cuts.push(frame.index);
    if (state.suspected) suspected++;
    frame.close();
  }
  await video.close();
  return { cuts, suspected };
}

interface PeerLine {
  readonly path: string;
  readonly detectors: Record<string, { cuts: number[]; ms: number }>;
}

/** What PySceneDetect reports, per detector and film. */
function peerCuts(clips: readonly Clip[]): PeerLine[] {
  if (!options.python) return [];
  return clips.map(({ path }, k) => {
    progress(`PySceneDetect: ${k + 1} of ${clips.length}`);
    const { stdout, stderr, status } = spawnSync(options.python!, ['tools/training/parity/scenedetect_peer.py', path], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`${options.python}: exit ${status}\n${stderr}`);
    return JSON.parse(stdout) as PeerLine;
  });
}

/** Median milliseconds of the test's parts on one film, and of scaling for it. */
async function costs({ path }: Clip) {
  const [small, large]: PixelBuffer[][] = [[], []];
  const scaling: number[] = [];
  const video = await openVideo(path, { threads: 1 });
  for await (const frame of video) {
    if (small!.length < 300) {
      const begin = performance.now();
      small!.push(await frame.rasterize(96, 60));
      scaling.push(performance.now() - begin);
      if (large!.length < 100) large!.push(await frame.rasterize(640, 360));
    }
    frame.close();
  }
  await video.close();
  const timed = <T, R>(values: readonly T[], work: (value: T, index: number) => R) => {
    const times: number[] = [];
    const results: R[] = [];
    for (let round = 0; round < 3; round++) {
      for (const [i, value] of values.entries()) {
        const begin = performance.now();
        results[i] = work(value, i);
        if (round > 0) times.push(performance.now() - begin);
      }
    }
    return {
      ms: median(times),
      mean:
        times
          .sort((a, b) => a - b)
          .slice(0, Math.ceil(0.98 * times.length))
          .reduce((sum, ms) => sum + ms, 0) /
        (0.98 * times.length),
      results,
    };
  };
  const thumbnails = timed(small!, (pixels) => thumbnailOf(pixels));
  let state = initialShotState();
  const test = timed(thumbnails.results as Thumbnail[], (thumbnail, i) => {
    if (i === 0) state = initialShotState();
    state = nextShotState(state, thumbnail, i / FPS);
  });
  return {
    scaling: median(scaling),
    thumbnail: thumbnails.ms,
    thumbnailOfCanvas: timed(large!, (pixels) => thumbnailOf(pixels)).ms,
    test: test.ms,
    testMean: test.mean,
  };
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

const sum = (scores: readonly CutScore[]) => ({
  known: scores.reduce((total, { known }) => total + known, 0),
  found: scores.reduce((total, { found }) => total + found, 0),
  false: scores.reduce((total, score) => total + score.false, 0),
});

const clips = await makeClips();
const edited = clips.filter(({ transitions }) => transitions.length > 0);
const uncut = clips.filter(({ transitions }) => transitions.length === 0);
const minutes = uncut.reduce((total, { length }) => total + length, 0) / FPS / 60;

/** Scores per detector and clip. */
const scores = new Map<string, Map<Clip, CutScore>>([[OURS, new Map()]]);
/** Frames at which tracks end without a reported cut. */
const tracksEnded = new Map<Clip, number>();
const ms = new Map<string, number[]>();
for (const [k, clip] of clips.entries()) {
  progress(`${OURS}: ${k + 1} of ${clips.length}`);
  const { cuts, suspected } = await ourCuts(clip);
  scores.get(OURS)!.set(clip, scoreCuts(clip.transitions, cuts));
  tracksEnded.set(clip, suspected);
}
for (const [k, { detectors }] of peerCuts(clips).entries()) {
  for (const [name, { cuts, ms: perFrame }] of Object.entries(detectors)) {
    if (!scores.has(name)) scores.set(name, new Map());
    scores.get(name)!.set(clips[k]!, scoreCuts(clips[k]!.transitions, cuts));
    ms.set(name, [...(ms.get(name) ?? []), perFrame]);
  }
}

/** Transitions with an ID on both sides. */
const crossed: Record<string, { known: number; crossed: Record<string, number>; hard: number; hardCrossed: number }> =
  {};
if (!options['no-ids']) {
  for (const [name, run] of Object.entries(RUNS)) {
    const found: [Clip, Transition][] = [];
    for (const clip of edited) {
      progress(`IDs, ${name}: ${clip.name}`);
      for (const transition of await crossedBy(clip.path, clip.transitions, run)) found.push([clip, transition]);
    }
    const hard = edited.flatMap(({ transitions }) => transitions.filter(({ kind }) => kind === 'cut')).length;
    const byKind: Record<string, number> = {};
    for (const [, { kind }] of found) byKind[kind] = (byKind[kind] ?? 0) + 1;
    crossed[name] = {
      known: edited.reduce((total, { transitions }) => total + transitions.length, 0),
      crossed: byKind,
      hard,
      hardCrossed: byKind['cut'] ?? 0,
    };
  }
}
const cost = await costs(edited[0]!);
progress('');

const kinds = [...new Set(edited.map(({ kind }) => kind))];
const traps = [...new Set(uncut.map(({ kind }) => kind))];
const of = (name: string, which: readonly Clip[], kind?: string) =>
  sum(which.filter((clip) => kind === undefined || clip.kind === kind).map((clip) => scores.get(name)!.get(clip)!));
const endedIn = (which: readonly Clip[]) => which.reduce((total, clip) => total + tracksEnded.get(clip)!, 0);
const detectors = [...scores.keys()];

if (options.json) {
  const results = detectors.map((name) => ({
    name,
    edited: { ...of(name, edited), f1: f1(of(name, edited)) },
    uncut: { minutes, false: of(name, uncut).false, ...(name === OURS ? { tracksEnded: endedIn(uncut) } : {}) },
    kinds: Object.fromEntries(kinds.map((kind) => [kind, of(name, edited, kind)])),
    traps: Object.fromEntries(traps.map((kind) => [kind, of(name, uncut, kind).false])),
    ...(ms.has(name) ? { ms: median(ms.get(name)!) } : {}),
  }));
  console.log(JSON.stringify({ split, machine: machine(), results, crossed, cost }, null, 2));
} else {
  console.log(`Known changes of shot, ${split} half\n`);
  console.log(
    table(
      ['', 'known', ...detectors.flatMap((name) => [name, 'false'])],
      [...kinds, undefined].map((kind) => [
        kind ?? 'all',
        String(of(OURS, edited, kind).known),
        ...detectors.flatMap((name) => [
          percent(of(name, edited, kind).found / of(name, edited, kind).known),
          String(of(name, edited, kind).false),
        ]),
      ]),
    ),
  );
  console.log(
    `\n${table(
      ['', ...detectors],
      [
        [
          'precision',
          ...detectors.map((name) =>
            (of(name, edited).found / Math.max(1, of(name, edited).found + of(name, edited).false)).toFixed(3),
          ),
        ],
        ['recall', ...detectors.map((name) => (of(name, edited).found / of(name, edited).known).toFixed(3))],
        ['F1', ...detectors.map((name) => f1(of(name, edited)).toFixed(3))],
        [
          'CPU ms per frame of 320 × 180',
          ...detectors.map((name) =>
            (name === OURS ? cost.thumbnail + cost.testMean : median(ms.get(name)!)).toFixed(3),
          ),
        ],
      ],
    )}`,
  );
  console.log(`\nFalse cuts in ${minutes.toFixed(0)} minutes without any\n`);
  console.log(
    table(
      ['', 'minutes', ...detectors],
      [...traps, undefined].map((kind) => [
        kind ?? 'all',
        (
          uncut
            .filter((clip) => kind === undefined || clip.kind === kind)
            .reduce((total, { length }) => total + length, 0) /
          FPS /
          60
        ).toFixed(1),
        ...detectors.map((name) => String(of(name, uncut, kind).false)),
      ]),
    ),
  );
  console.log(`\nTracks ended without a reported cut: ${endedIn(uncut)} times in these minutes`);
  if (!options['no-ids']) {
    console.log('\nIDs on both sides, somebody in the same place all the time\n');
    console.log(
      table(
        ['detector runs on', 'hard cuts', 'crossed', 'dissolves crossed', 'fades crossed'],
        Object.entries(crossed).map(([name, { hard, hardCrossed, crossed: byKind }]) => [
          name,
          String(hard),
          String(hardCrossed),
          String(byKind['dissolve'] ?? 0),
          String(byKind['fade'] ?? 0),
        ]),
      ),
    );
  }
  console.log(
    `
ms per frame, one core: thumbnail of 96 × 60 ${cost.thumbnail.toFixed(3)}, of 640 × 360 ` +
      `${cost.thumbnailOfCanvas.toFixed(3)}; test ${cost.test.toFixed(3)} (median), ` +
      `${cost.testMean.toFixed(3)} (mean); ` +
      `FFmpeg's scaling to 96 × 60 ${cost.scaling.toFixed(3)}`,
  );
  const { cpu, cores, node, load } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${node}, load ${load.toFixed(1)}`);
}
if (options.list) {
  for (const [clip, { missed, falseAt }] of scores.get(OURS)!) {
    for (const { kind, from, to } of missed)
      console.error(`missed: ${clip.name} (${clip.kind}), ${kind} at ${from}${to > from ? `–${to}` : ''}`);
    for (const frame of falseAt) console.error(`false: ${clip.name} (${clip.kind}) at ${frame}`);
  }
}
