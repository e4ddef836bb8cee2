// What decoding and scaling HDR video (HLG, PQ) costs over SDR, in CPU time: the same 10-bit pictures under other color
// tags, and tone mapping. node apps/bench/run.mjs color-cost [--frames 60] [--rounds 5] [--json] The films are made of
// FFmpeg's test pictures, so that nothing else is needed. Rounds take the films in turns; a ratio is the median of
// those of each round.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createVideoWriter, openVideo, type VideoWriterOptions } from '@facedet/video-node';
import { cpuTime, machine, median } from './shared/measure.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const [frames, rounds] = [Number(options.frames), Number(options.rounds)];
const [WIDTH, HEIGHT] = [1920, 1080];
const SCALED = [640, 360] as const;
/** FFmpeg's numbers of matrix, primaries and transfer function, those of ITU-T H.273. */
const TAGS = { SDR: [1, 1, 1], 'BT.2020 SDR': [9, 9, 14], HLG: [9, 9, 18], PQ: [9, 9, 16] } as const;
type Name = keyof typeof TAGS;
const NAMES = Object.keys(TAGS) as Name[];

const folder = mkdtempSync(join(tmpdir(), 'facedet-bench-'));

async function film(name: Name): Promise<string> {
  const path = join(folder, `${name}.mp4`);
  const [space, primaries, transfer] = TAGS[name];
  const graph = `testsrc2=size=${WIDTH}x${HEIGHT}:rate=25:duration=${frames / 25},format=yuv420p10le`;
  const video = await openVideo({ lavfi: graph });
  const color = { ...video.metadata.color, space, primaries, transfer, range: 1 };
  const like = { ...video.metadata, color };
  const writer = await createVideoWriter(path, { like, bitDepth: 10, preset: 'ultrafast' });
  for await (const frame of video) {
    await writer.write(frame);
    frame.close();
  }
  await writer.finish();
  return path;
}

/** Milliseconds of CPU time per frame, opening included. */
async function readCost(path: string): Promise<number> {
  const begin = cpuTime();
  const video = await openVideo(path, { threads: 1 });
  let count = 0;
  for await (const frame of video) {
    await frame.rasterize(...SCALED);
    frame.close();
    count++;
  }
  return (cpuTime() - begin) / count;
}

async function copyCost(path: string, more: Partial<VideoWriterOptions>): Promise<number> {
  const begin = cpuTime();
  const video = await openVideo(path, { threads: 1 });
  const writer = await createVideoWriter(join(folder, 'copy.mp4'), {
    like: video.metadata,
    preset: 'ultrafast',
    ...more,
  });
  for await (const frame of video) {
    await writer.write(frame);
    frame.close();
  }
  await writer.finish();
  return (cpuTime() - begin) / writer.frames;
}

try {
  const paths = new Map<Name, string>();
  for (const name of NAMES) paths.set(name, await film(name));
  await readCost(paths.get('SDR')!); // loads FFmpeg
  const read: Record<Name, number>[] = [];
  const toneMap: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const costs = {} as Record<Name, number>;
    const order = round % 2 ? [...NAMES].reverse() : NAMES;
    for (const name of order) costs[name] = await readCost(paths.get(name)!);
    read.push(costs);
    const plain = await copyCost(paths.get('HLG')!, {});
    toneMap.push((await copyCost(paths.get('HLG')!, { toneMap: 'sdr' })) - plain);
  }
  const rows = NAMES.map((name) => {
    const ratios = read.map((costs) => costs[name] / costs.SDR);
    return {
      name,
      ms: median(read.map((costs) => costs[name])),
      ratio: median(ratios),
      low: Math.min(...ratios),
      high: Math.max(...ratios),
    };
  });
  const result = { machine: machine(), frames, rounds, rows, toneMapMs: median(toneMap) };
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else {
    console.log(
      `${result.machine.cpu}, Node ${result.machine.node}, load ${result.machine.load.toFixed(1)}; ${WIDTH} × ` +
        `${HEIGHT}, 10-bit HEVC, scaled to ${SCALED.join(' × ')}\n`,
    );
    console.log(
      table(
        ['decoded and scaled', 'CPU ms per frame', 'of SDR', 'from', 'to'],
        rows.map(({ name, ms, ratio, low, high }) => [
          name,
          ms.toFixed(2),
          `${ratio.toFixed(2)} ×`,
          low.toFixed(2),
          high.toFixed(2),
        ]),
      ),
    );
    console.log(`\nTone mapping: ${result.toneMapMs.toFixed(1)} ms of CPU time per frame`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
