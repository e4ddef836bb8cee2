// Damages media files at random and gives them to the command: no crash, no hang, bounded memory, no half-written
// output.
//
//   node apps/bench/run.mjs mutated-media [--files 1000] [--from 0] [--seed 1] [--only N] [--jobs 2] [--alone] [--json]
//                                         [--command PATH]
//
//   --files    how many files, every fifth a picture
//   --from     number of the first file: a run of 1,000 may be done in parts
//   --seed     of the choice of files and damage
//   --only     runs file N alone and keeps it and its outputs, in a folder that is named
//   --jobs     commands at once
//   --alone    each command in a process of its own, the built one; by default from source, 25 in a process
//   --json     prints an object instead of the table
//   --command  the built command; by default that of this repository
//
// Tiny films of many containers and codecs, and pictures, are damaged: bits, lengths in boxes and elements, times, and
// blocks that are cut off, moved, doubled or zeroed, two formats joined. Films go through `video --jsonl` and every
// third through `anonymize`, pictures through `detect` and every third through `anonymize`. The model finds a face over
// the whole picture wherever it is asked: a frame of an anonymized output that is not masked whole was not analyzed.
//
// A fault is an end by a signal, an exit code other than 0 or 1 (or 2 of `anonymize`, where a picture has become a
// film), INTERNAL or a stack on standard error, more than 20 seconds, more than 1 GB of memory, an output under its
// final name that does not play or has rows out of order, and a frame that is not masked.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgram } from '../../cli/src/program.ts';
import { hasHeifEnc, tiledHeic } from '../../cli/src/testing/tiled-heic.ts';
import {
  detect,
  follow,
  hideFilm,
  hidePicture,
  LONGEST_MS,
  type Checked,
  type Command,
} from './mutated-media/checks.ts';
import { filmClips, pictureClips, type Clip } from './mutated-media/clips.ts';
import { faceEverywhere } from './mutated-media/model.ts';
import { mutate } from './mutated-media/mutate.ts';
import { faultLines, report, type Result } from './mutated-media/report.ts';
import { aloneRunner, serveCommands, servesCommands, sharedRunner } from './mutated-media/run-command.ts';
import { uniform } from './shared/random.ts';

const { values: options } = parseArgs({
  options: {
    files: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    alone: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    command: { type: 'string', default: 'apps/cli/dist/main.js' },
  },
});
const CALLS_PER_PROCESS = 25;

interface Clips {
  readonly films: readonly Clip[];
  readonly pictures: readonly Clip[];
}

async function makeClips(folder: string): Promise<Clips> {
  const colors = [
    [250, 10, 10],
    [10, 250, 10],
    [10, 10, 250],
    [250, 250, 10],
  ] as const;
  const heic = hasHeifEnc() ? { 'tiles.heic': await tiledHeic(join(folder, 'tiles'), colors, 1) } : {};
  return { films: await filmClips(folder), pictures: await pictureClips(heic) };
}

/** Damages one file in a folder of its own and gives it to the commands. */
async function tryFile(facedet: Command, file: number, folder: string, { films, pictures }: Clips): Promise<Result[]> {
  const random = uniform(Number(options.seed) * 1_000_003 + file);
  const pick = (clips: readonly Clip[]) => clips[Math.floor(random() * clips.length)]!;
  const clip = file % 5 === 4 ? pick(pictures) : pick(films);
  const { bytes, ways } = mutate(clip.bytes, random, pick(random() < 0.8 ? films : pictures).bytes);
  mkdirSync(folder);
  const input = join(folder, `input.${clip.extension}`);
  writeFileSync(input, bytes);
  const results: Result[] = [];
  const add = (command: string, checked: Checked) =>
    results.push({ file, clip: clip.name, ways, command, ended: checked.ended, faults: checked.faults });
  const hides = file % 3 === 0;
  if (clip.isPicture) {
    add('detect', await detect(facedet, input));
    if (hides) add('anonymize', await hidePicture(facedet, input, join(folder, 'masked.png')));
  } else {
    const followed = await follow(facedet, input, join(folder, 'rows'));
    add('video', followed);
    const output = join(folder, `masked.${['mp4', 'mkv', 'mov'][Math.floor(random() * 3)]!}`);
    if (hides) add('anonymize', await hideFilm(facedet, input, output, followed.rows));
  }
  return results;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-mutated-'));
  const model = join(folder, 'model.onnx');
  writeFileSync(model, faceEverywhere());
  const results: Result[] = [];
  const all = Array.from({ length: Number(options.files) }, (_, i) => Number(options.from) + i);
  const files = options.only === undefined ? all : [Number(options.only)];
  try {
    const clips = await makeClips(folder);
    const lane = async () => {
      const runner = options.alone
        ? aloneRunner(options.command, LONGEST_MS)
        : sharedRunner(LONGEST_MS, CALLS_PER_PROCESS);
      const facedet: Command = (args) => runner.run([...args, '--model', model, '--workers', '1', '--threads', '1']);
      for (let file = files.shift(); file !== undefined; file = files.shift()) {
        const own = join(folder, String(file));
        const tried = await tryFile(facedet, file, own, clips);
        results.push(...tried);
        if (options.only === undefined) rmSync(own, { recursive: true });
        for (const line of faultLines(tried)) console.error(line);
        if (process.stderr.isTTY) process.stderr.write(`\r${results.length} runs, ${files.length} files left\x1b[K`);
        else if (file % 50 === 49) console.error(`${file + 1} files, ${faultLines(results).length} faults`);
      }
      runner.close();
    };
    await Promise.all(Array.from({ length: Number(options.jobs) }, lane));
    if (!report(results, options.json)) process.exitCode = 1;
  } finally {
    if (options.only === undefined) rmSync(folder, { recursive: true, force: true });
    else console.error(`The file and its outputs are in ${join(folder, options.only)}`);
  }
}

if (servesCommands()) serveCommands(createProgram);
else await main();
