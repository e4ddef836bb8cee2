// `facedet anonymize` beside deface, on one looped video with sound: frames per second of the whole commands, and the
// sizes of their files at equal SSIM. node apps/bench/run.mjs anonymize --deface DEFACE [--video VIDEO] [--models
// MODEL.onnx,…] [--loops 2] [--rounds 3] [--preset veryfast] [--json] Both detect at a width of 640 pixels
// (`--size 640`, `deface --scale W×H`) and keep the sound; the command must be built: pnpm build.
//
// Quality is compared where both hide nothing (`--tracks` without faces, `deface --replacewith none`): the whole
// picture then is to be the source's. deface stretches 1080 lines to 1088; its picture is held against the source
// stretched alike, so that only the coding counts. Ours takes the highest CRF (in steps of a fifth) whose SSIM is at
// least deface's.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openVideo } from '@facedet/video-node';
import { sharedFolder } from './shared/folder.ts';
import { looped } from './shared/looped.ts';
import { machine, median, percent } from './shared/measure.ts';
import { table } from './shared/table.ts';
import { timed } from './shared/timed.ts';

const { values: options } = parseArgs({
  options: {
    deface: { type: 'string' },
    video: { type: 'string' },
    models: { type: 'string' },
    loops: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    preset: { type: 'string', default: 'veryfast' },
    crf: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
if (!options.deface) {
  console.error('Expected --deface PATH, the deface command (pip install deface onnxruntime).');
  process.exit(2);
}
const deface = options.deface;
const source = options.video ?? sharedFolder('video', 'street_crowd.mp4');
const models = options.models?.split(',') ?? [
  resolve('packages/models/weights/scrfd_0.5g_kps.onnx'),
  sharedFolder('models', 'scrfd_500m.onnx'),
];
const rounds = Number(options.rounds);
const COMMAND = resolve('apps/cli/dist/main.js');
const WIDTH = 640;
/** A CRF is searched for between these, in steps of a fifth. */
const CRFS = [20, 26.4] as const;

/** The looped video with a tone beside it, in AAC, by the FFmpeg that deface came with. */
function withSound(path: string): string {
  const to = path.replace(/\.mp4$/, '-sound.mp4');
  if (existsSync(to)) return to;
  const ffmpeg = timed(join(dirname(deface), 'python'), [
    '-c',
    'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())',
  ]).stdout.trim();
  timed(ffmpeg, [
    '-v',
    'error',
    '-i',
    path,
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440:sample_rate=44100',
    '-c:v',
    'copy',
    '-c:a',
    'aac',
    '-b:a',
    '128k',
    '-shortest',
    to,
  ]);
  return to;
}

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly sound: boolean;
}

async function look(path: string): Promise<Picture> {
  const video = await openVideo(path);
  let frames = 0;
  for await (const frame of video) {
    frames++;
    frame.close();
  }
  await video.close();
  const { width, height, audioStreams } = video.metadata;
  return { width, height, frames, sound: audioStreams.length > 0 };
}

/**
 * Mean SSIM of a video's frames against the source's, which are stretched to its size: FFmpeg's filter, luma and chroma
 * together.
 */
async function ssim(path: string, film: string): Promise<number> {
  const { width, height } = await look(path);
  const graph =
    `movie=${path},setpts=N/25/TB[a];` +
    `movie=${film},setpts=N/25/TB,scale=${width}:${height}:flags=bicubic[b];[a][b]ssim=shortest=1`;
  const video = await openVideo({ lavfi: graph }, { dropLate: false });
  let [sum, count] = [0, 0];
  for await (const frame of video) {
    sum += Number(frame.native().getMetadata()?.get('lavfi.ssim.All'));
    count++;
    frame.close();
  }
  await video.close();
  return sum / count;
}

const folder = mkdtempSync(join(tmpdir(), 'facedet-bench-'));
const mebibytes = (path: string) => statSync(path).size / 2 ** 20;

function ours(film: string, output: string, ...more: string[]) {
  return timed(process.execPath, [
    COMMAND,
    'anonymize',
    film,
    '-o',
    output,
    '--encoder-preset',
    options.preset,
    ...more,
  ]);
}

function theirs(film: string, output: string, scale: string, ...more: string[]) {
  return timed(deface, [film, '-o', output, '--scale', scale, '--keep-audio', ...more]);
}

/** Our highest CRF whose file is at least as like the source as deface's, both hiding nothing. */
async function equalQuality(film: string, scale: string) {
  const [blank, control, own] = [
    join(folder, 'blank.jsonl'),
    join(folder, 'deface-control.mp4'),
    (crf: number) => join(folder, `own-${crf}.mp4`),
  ];
  const rows: string[] = [];
  const video = await openVideo(film);
  for await (const frame of video) {
    rows.push(JSON.stringify({ frame: frame.index, timestamp: frame.timestamp, faces: [] }));
    frame.close();
  }
  await video.close();
  writeFileSync(blank, `${rows.join('\n')}\n`);
  theirs(film, control, scale, '--replacewith', 'none');
  const wanted = await ssim(control, film);
  const tried = new Map<number, number>();
  const reaches = async (crf: number) => {
    if (!existsSync(own(crf))) ours(film, own(crf), '--tracks', blank, '--crf', String(crf));
    const got = await ssim(own(crf), film);
    tried.set(crf, got);
    return got >= wanted;
  };
  let [low, high] = options.crf ? [Number(options.crf), Number(options.crf)] : CRFS;
  while (low < high) {
    const middle = Math.ceil((5 * (low + high)) / 2) / 5;
    if (await reaches(middle)) low = middle;
    else high = Math.round(5 * middle - 1) / 5;
  }
  if (!tried.has(low)) await reaches(low);
  return {
    crf: low,
    ssim: tried.get(low)!,
    size: mebibytes(own(low)),
    deface: { ssim: wanted, size: mebibytes(control), picture: await look(control) },
    tried: [...tried].sort(([a], [b]) => a - b),
  };
}

try {
  const film = withSound(await looped(source, Number(options.loops)));
  const { width, height, frames } = await look(film);
  const scale = `${WIDTH}x${Math.round((WIDTH * height) / width)}`;
  const quality = await equalQuality(film, scale);
  const path = (name: string) => join(folder, `${name}.mp4`);
  const runs = { deface: [] as ReturnType<typeof timed>[], models: models.map(() => [] as ReturnType<typeof timed>[]) };
  for (let round = 0; round < rounds; round++) {
    runs.deface.push(theirs(film, path('deface'), scale));
    models.forEach((model, i) =>
      runs.models[i]!.push(
        ours(film, path(String(i)), '-m', model, '--size', String(WIDTH), '--crf', String(quality.crf)),
      ),
    );
  }
  const fps = (all: readonly ReturnType<typeof timed>[]) => median(all.map(({ wall }) => frames / wall));
  const row = (name: string, all: readonly ReturnType<typeof timed>[], file: string) => ({
    name,
    fps: fps(all),
    cpu: median(all.map(({ cpu }) => (1000 * cpu) / frames)),
    others: Math.max(...all.map(({ others }) => others)),
    size: mebibytes(path(file)),
  });
  const peer = { ...row('deface', runs.deface, 'deface'), sound: (await look(path('deface'))).sound };
  const results = await Promise.all(
    models.map(async (model, i) => ({
      ...row(basename(model), runs.models[i]!, String(i)),
      ratio: median(runs.models[i]!.map(({ wall }, k) => runs.deface[k]!.wall / wall)),
      ratios: runs.models[i]!.map(({ wall }, k) => runs.deface[k]!.wall / wall),
      sound: (await look(path(String(i)))).sound,
    })),
  );
  const host = machine();

  if (options.json)
    console.log(
      JSON.stringify(
        { machine: host, video: basename(source), frames, preset: options.preset, quality, deface: peer, results },
        null,
        2,
      ),
    );
  else {
    console.log(
      `${host.cpu}, ${host.cores} cores, Node ${host.node}, load ${host.load.toFixed(1)}; ${basename(source)} ` +
        `${options.loops} times (${frames} frames), ${scale}, preset ${options.preset}, medians of ${rounds} ` +
        `rounds\n`,
    );
    console.log(
      table(
        [
          '',
          'fps, start-up included',
          'FaceDet / deface',
          'from–to',
          'CPU ms per frame',
          'others at most',
          'MiB',
          'sound',
        ],
        [
          [
            'deface',
            peer.fps.toFixed(1),
            '',
            '',
            peer.cpu.toFixed(1),
            percent(peer.others),
            peer.size.toFixed(2),
            peer.sound ? 'kept' : 'lost',
          ],
          ...results.map((r) => [
            r.name,
            r.fps.toFixed(1),
            `${r.ratio.toFixed(2)} ×`,
            `${Math.min(...r.ratios).toFixed(2)}–${Math.max(...r.ratios).toFixed(2)}`,
            r.cpu.toFixed(1),
            percent(r.others),
            r.size.toFixed(2),
            r.sound ? 'kept' : 'lost',
          ]),
        ],
      ),
    );
    console.log(
      `\nNothing hidden: deface SSIM ${quality.deface.ssim.toFixed(5)}, ${quality.deface.size.toFixed(2)} MiB ` +
        `(${quality.deface.picture.width} × ${quality.deface.picture.height}); ours at CRF ${quality.crf} SSIM ` +
        `${quality.ssim.toFixed(5)}, ${quality.size.toFixed(2)} MiB (${width} × ${height}): ` +
        `${percent(quality.size / quality.deface.size)}`,
    );
    console.log(`SSIM by CRF: ${quality.tried.map(([crf, value]) => `${crf} ${value.toFixed(5)}`).join(', ')}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
