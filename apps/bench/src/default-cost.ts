// What the default detection settings cost beside a baseline, on pictures of 1920 × 1080 whose pixels are decoded.
//   node apps/bench/run.mjs default-cost [--model NAME|PATH …] [--options JSON …] [--baseline JSON]
//       [--rounds 31] [--json]
// --model: default, scrfd_2.5g_kps (both without it), scrfd_500m_kps, another model of the shared data, or a path;
//     repeatable.
// --options: detector options, by default {} (all defaults); repeatable.
// --baseline: by default '{"inputSize": {"pixels": 409600}, "rotate": 0}'.
// Pictures: six_people, selfie_crowd, a frame of street_crowd.mp4, a close-up (a face of 80 % of the height), noise
// without a face, and six_people turned by 90°. Both detectors run in this thread with a session of one thread each
// and take turns; which one begins alternates. A round's ratio is that of the CPU times of one detect() each; the
// table has the median of the ratios and their quartiles.
import { parseArgs } from 'node:util';
import { createDetector, type Detector, type PixelBuffer } from '@facedet/core';
import { onnxBackend, readImage } from '@facedet/runtime-node';
import { openVideo } from '@facedet/video-node';
import { sharedFolder } from './shared/folder.ts';
import { cpuTime, machine, median } from './shared/measure.ts';
import { blank, crop, paste, readPixels, turn } from './shared/pictures.ts';
import { uniform } from './shared/random.ts';
import { modelPath, openDetector, parseOptions, setupsOf } from './shared/setups.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['default', 'scrfd_2.5g_kps'] },
    options: { type: 'string', multiple: true, default: ['{}'] },
    baseline: { type: 'string', default: '{"inputSize": {"pixels": 409600}, "rotate": 0}' },
    rounds: { type: 'string', default: '31' },
    json: { type: 'boolean', default: false },
  },
});
const baseline = parseOptions(options.baseline, '--baseline');
const rounds = Number(options.rounds);
const [WIDTH, HEIGHT] = [1920, 1080];
const WARM_UP = 3;

const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.round(q * (values.length - 1))]!;

/** Noise of several scales, in which no face is. */
function noise(): PixelBuffer {
  const random = uniform(7);
  const result = blank(WIDTH, HEIGHT);
  for (const [width, weight] of [
    [12, 0.4],
    [60, 0.3],
    [480, 0.3],
  ] as const) {
    const height = Math.round((width * HEIGHT) / WIDTH);
    const small = blank(width, height);
    for (let i = 0; i < small.data.length; i++) small.data[i] = 255 * random();
    const large = crop(small, { x: 0, y: 0, width, height }, WIDTH, HEIGHT).data;
    for (let i = 0; i < large.length; i++) result.data[i] = result.data[i]! + weight * large[i]!;
  }
  return result;
}

async function videoFrame(): Promise<PixelBuffer> {
  const video = await openVideo(sharedFolder('video', 'street_crowd.mp4'));
  for await (const frame of video) {
    const pixels = await frame.rasterize(WIDTH, HEIGHT);
    frame.close();
    await video.close();
    return pixels;
  }
  throw new Error('Expected a frame in street_crowd.mp4 but received none.');
}

async function pictures(): Promise<[name: string, pixels: PixelBuffer][]> {
  const atFullSize = async (name: string) => (await readImage(sharedFolder('images', name))).rasterize(WIDTH, HEIGHT);
  const people = await readPixels(sharedFolder('images', 'six_people.jpg'));
  const detector = await openDetector({
    model: modelPath('scrfd_2.5g_kps'),
    options: { inputSize: { pixels: 409_600 }, rotate: 0 },
  });
  const { box } = (await detector.detect(people)).sort((a, b) => b.box.height - a.box.height)[0]!;
  await detector.dispose();
  const height = box.height / 0.8;
  const width = (height * WIDTH) / HEIGHT;
  const closeUp = crop(
    people,
    { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height },
    WIDTH,
    HEIGHT,
  );
  // Turned as a phone's picture whose orientation is lost: 1080 × 1920 laid on its side.
  const side = turn(
    crop(
      people,
      { x: 0, y: 0, width: people.width, height: people.height },
      HEIGHT,
      Math.round((HEIGHT * people.height) / people.width),
    ),
    90,
  );
  const turned = blank(WIDTH, HEIGHT);
  paste(turned, side.pixels, Math.floor((WIDTH - side.pixels.width) / 2), 0);
  return [
    ['six_people', await atFullSize('six_people.jpg')],
    ['selfie_crowd', await atFullSize('selfie_crowd.jpg')],
    ['street_crowd, first frame', await videoFrame()],
    ['close-up', closeUp],
    ['no face (noise)', noise()],
    ['six_people turned by 90°', turned],
  ];
}

const material = await pictures();
const rows: {
  setup: string;
  picture: string;
  faces: [number, number];
  milliseconds: [number, number];
  ratio: number;
  low: number;
  high: number;
}[] = [];
const overall: { setup: string; ratio: number }[] = [];
for (const { name, model, options: detectorOptions } of setupsOf(options.model, options.options)) {
  const open = (given: Record<string, unknown>): Promise<Detector> =>
    createDetector({ ...given, backend: onnxBackend({ threads: 1 }), model });
  const both = [await open(baseline), await open({ ...detectorOptions })] as const;
  const totals = [0, 0];
  for (const [picture, pixels] of material) {
    const times: [number, number][] = [];
    const faces: [number, number] = [0, 0];
    for (let round = -WARM_UP; round < rounds; round++) {
      const pair: [number, number] = [0, 0];
      for (const k of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const begin = cpuTime();
        faces[k] = (await both[k]!.detect(pixels)).length;
        pair[k] = cpuTime() - begin;
      }
      if (round >= 0) times.push(pair);
    }
    const ratios = times.map(([before, now]) => now / before);
    const milliseconds: [number, number] = [
      median(times.map(([before]) => before)),
      median(times.map(([, now]) => now)),
    ];
    totals[0]! += milliseconds[0];
    totals[1]! += milliseconds[1];
    rows.push({
      setup: name,
      picture,
      faces,
      milliseconds,
      ratio: median(ratios),
      low: quantile(ratios, 0.25),
      high: quantile(ratios, 0.75),
    });
  }
  overall.push({ setup: name, ratio: totals[1]! / totals[0]! });
  for (const detector of both) await detector.dispose();
}
if (options.json) {
  console.log(JSON.stringify({ machine: machine(), rounds, baseline, rows, overall }, null, 2));
} else {
  const { cpu, node, load } = machine();
  console.error(
    `${cpu}, Node ${node}, load ${load.toFixed(1)}; ${rounds} rounds; baseline ${JSON.stringify(baseline)}`,
  );
  console.log(
    table(
      ['setup, picture', 'faces, baseline', 'faces', 'baseline (ms)', 'now (ms)', 'ratio', 'quartiles'],
      rows.map((r) => [
        `${r.setup}, ${r.picture}`,
        String(r.faces[0]),
        String(r.faces[1]),
        r.milliseconds[0].toFixed(2),
        r.milliseconds[1].toFixed(2),
        r.ratio.toFixed(3),
        `${r.low.toFixed(3)}-${r.high.toFixed(3)}`,
      ]),
    ),
  );
  for (const { setup, ratio } of overall)
    console.log(`\n${setup}: all pictures together ${ratio.toFixed(3)} times the baseline`);
}
