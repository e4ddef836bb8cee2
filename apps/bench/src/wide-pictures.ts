// Faces at the right edge of wide pictures: how far boxes are from those of a plain mapping per axis.
//   node apps/bench/run.mjs wide-pictures [--model NAME|PATH …] [--options JSON …] [--default-size] [--python PYTHON]
//       [--json]
// --model: default, scrfd_2.5g_kps (both without it), scrfd_500m_kps, another model of the shared data, or a path;
//     repeatable.
// --options: detector options beside inputSize, which both sides get: { pixels: 409600 } and 640;
//     repeatable.
// --default-size: the detector keeps its default passes and is compared with { pixels: 409600 }.
// --python: compares with ../shared/peers/scrfd_reference.py, run by that Python (NumPy, ONNX Runtime, OpenCV);
//     without it with the same rules in TypeScript (src/shared/scrfd-reference.ts).
// Heads of six_people, 24 to 96 canvas pixels high, are pasted at the right edge of gray pictures of aspect 2:1 to
// 7:1. Offset: the larger of the differences of the boxes' right sides and of their centers in x, in % of the
// face's width. Faces are paired by IoU >= 0.1.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { iou, scaleBox, type Box, type Face, type InferenceSession, type PixelBuffer } from '@facedet/core';
import { onnxBackend, writeImage } from '@facedet/runtime-node';
import { sharedFolder } from './shared/folder.ts';
import { percent } from './shared/measure.ts';
import { blank, crop, paste, readPixels } from './shared/pictures.ts';
import { referenceDetect, type ReferenceSize } from './shared/scrfd-reference.ts';
import { modelPath, openDetector, setupsOf } from './shared/setups.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['default', 'scrfd_2.5g_kps'] },
    options: { type: 'string', multiple: true, default: ['{}'] },
    'default-size': { type: 'boolean', default: false },
    python: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const PICTURES: readonly [width: number, height: number][] = [
  [1600, 800],
  [3440, 1440],
  [3840, 1607],
  [2560, 1097],
  [1242, 375],
  [4083, 1180],
  [3000, 701],
  [4000, 600],
  [2100, 300],
];
const SIZES: readonly ReferenceSize[] = options['default-size'] ? [{ pixels: 409_600 }] : [{ pixels: 409_600 }, 640];
const CANVAS_HEIGHTS = [24, 48, 96];
const GREY = [127, 127, 127] as const;

/** Heads with their surroundings, and the face's height as a part of theirs. */
async function heads(): Promise<{ pixels: PixelBuffer; region: Box; face: Box }[]> {
  const pixels = await readPixels(sharedFolder('images', 'six_people.jpg'));
  const detector = await openDetector({
    model: modelPath('scrfd_2.5g_kps'),
    options: { inputSize: { pixels: 409_600 }, rotate: 0 },
  });
  const faces = await detector.detect(pixels);
  await detector.dispose();
  return faces.map(({ box }) => ({ pixels, region: scaleBox(box, 1.8), face: box }));
}

/** A gray picture with heads of one height at its right edge, one below the other, as many as have room. */
function compose(
  width: number,
  height: number,
  faceHeight: number,
  all: Awaited<ReturnType<typeof heads>>,
): PixelBuffer {
  const picture = blank(width, height, GREY);
  let y = 0;
  for (const { pixels, region, face } of all) {
    const scale = faceHeight / face.height;
    const patch = crop(pixels, region, Math.round(region.width * scale), Math.round(region.height * scale));
    if (y + patch.height > height) break;
    paste(picture, patch, width - patch.width, y);
    y += patch.height;
  }
  return picture;
}

async function byPython(picture: PixelBuffer, model: string, size: ReferenceSize): Promise<Face[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-wide-'));
  try {
    const path = join(folder, 'picture.png');
    await writeImage(path, picture);
    const sizes = typeof size === 'number' ? ['--size', String(size)] : ['--pixels', String(size.pixels)];
    const script = join(sharedFolder('peers'), 'scrfd_reference.py');
    const { status, stdout, stderr } = spawnSync(options.python!, [script, path, '--model', model, ...sizes], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    if (status !== 0) throw new Error(`${options.python} ${script}: exit ${status}\n${stderr}`);
    return (JSON.parse(stdout) as { faces: Face[] }[])[0]!.faces;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Row {
  readonly setup: string;
  readonly picture: string;
  readonly size: string;
  /** Faces of the reference, of them those the detector has too, and boxes that only the detector has. */
  faces: number;
  paired: number;
  extra: number;
  /** The largest offset in parts of the face's width and in source pixels, and the smallest IoU. */
  offset: number;
  pixels: number;
  overlap: number;
}

const all = await heads();
const rows: Row[] = [];
for (const { name, model, options: detectorOptions } of setupsOf(options.model, options.options)) {
  const session: InferenceSession = await onnxBackend({ threads: 1 }).createSession(model);
  for (const size of SIZES) {
    const detector = await openDetector({
      model,
      options: { rotate: 0, ...(!options['default-size'] && { inputSize: size }), ...detectorOptions },
    });
    for (const [width, height] of PICTURES) {
      const row: Row = {
        setup: name,
        picture: `${width}×${height}`,
        size: JSON.stringify(size),
        faces: 0,
        paired: 0,
        extra: 0,
        offset: 0,
        pixels: 0,
        overlap: 1,
      };
      const scale = typeof size === 'number' ? size / width : Math.sqrt(size.pixels / (width * height));
      for (const canvasHeight of CANVAS_HEIGHTS) {
        const picture = compose(width, height, canvasHeight / scale, all);
        const reference = options.python
          ? await byPython(picture, model, size)
          : await referenceDetect(session, picture, size);
        const faces = await detector.detect(picture);
        const used = new Set<Face>();
        for (const { box } of reference) {
          const [best] = faces.filter((face) => !used.has(face)).sort((a, b) => iou(b.box, box) - iou(a.box, box));
          if (!best || iou(best.box, box) < 0.1) continue;
          used.add(best);
          const right = Math.abs(best.box.x + best.box.width - box.x - box.width);
          const center = Math.abs(best.box.x + best.box.width / 2 - box.x - box.width / 2);
          row.pixels = Math.max(row.pixels, right, center);
          row.offset = Math.max(row.offset, Math.max(right, center) / box.width);
          row.overlap = Math.min(row.overlap, iou(best.box, box));
        }
        row.faces += reference.length;
        row.paired += used.size;
        row.extra += faces.length - used.size;
      }
      rows.push(row);
    }
    await detector.dispose();
  }
  await session.dispose();
}
const largest = Math.max(...rows.map(({ offset }) => offset));
if (options.json) {
  console.log(
    JSON.stringify({ reference: options.python ? 'scrfd_reference.py' : 'scrfd-reference.ts', largest, rows }, null, 2),
  );
} else {
  const head = ['picture', 'size', 'setup', 'faces', 'paired', 'extra', 'largest offset', 'px', 'smallest IoU'];
  console.log(
    table(
      head,
      rows.map((r) => [
        r.picture,
        r.size,
        r.setup,
        String(r.faces),
        String(r.paired),
        String(r.extra),
        percent(r.offset, 2),
        r.pixels.toFixed(2),
        r.overlap.toFixed(3),
      ]),
    ),
  );
  const peer = options.python ? 'scrfd_reference.py' : 'the same rules in TypeScript';
  console.log(`\nlargest offset ${percent(largest, 2)} of the face's width, against ${peer}`);
}
