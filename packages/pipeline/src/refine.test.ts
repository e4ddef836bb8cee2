import type { Box, Detector, DetectOptions, Face, ImageSource, PixelBuffer } from '@facedet/core';
import { rasterSourceConformance } from '@facedet/core/testing';
import { describe, expect, it } from 'vitest';
import { cropsAround, detectAround, regionSource } from './refine.ts';

const [WIDTH, HEIGHT] = [400, 300];

/**
 * A picture whose every pixel tells its place: red is half the column, green half the row, blue what is left of them.
 */
const picture: PixelBuffer = { width: WIDTH, height: HEIGHT, format: 'rgb', data: new Uint8Array(WIDTH * HEIGHT * 3) };
for (let y = 0; y < HEIGHT; y++)
  for (let x = 0; x < WIDTH; x++) picture.data.set([x >> 1, y >> 1, (x & 1) + 2 * (y & 1)], 3 * (y * WIDTH + x));

/** A detector that finds, of `faces`, what a crop shows of each: it knows where a crop lies by its first pixel. */
function knower(faces: readonly Face[]) {
  const calls: { crops: Box[]; inputSize: DetectOptions['inputSize'] | undefined }[] = [];
  const detectBatch: Detector['detectBatch'] = async (images, { inputSize } = {}) => {
    const crops = await Promise.all(
      images.map(async (image): Promise<Box> => {
        const { data } = 'rasterize' in image ? await image.rasterize(image.width, image.height) : image;
        return {
          x: 2 * data[0]! + (data[2]! & 1),
          y: 2 * data[1]! + (data[2]! >> 1),
          width: image.width,
          height: image.height,
        };
      }),
    );
    calls.push({ crops, inputSize });
    return crops.map((crop) =>
      faces.flatMap(({ box, score }) => {
        const [left, top] = [Math.max(box.x, crop.x), Math.max(box.y, crop.y)];
        const [right, bottom] = [
          Math.min(box.x + box.width, crop.x + crop.width),
          Math.min(box.y + box.height, crop.y + crop.height),
        ];
        return right - left < 8 || bottom - top < 8
          ? []
          : [{ box: { x: left - crop.x, y: top - crop.y, width: right - left, height: bottom - top }, score }];
      }),
    );
  };
  const detector: Detector = {
    concurrency: 1,
    detect: async (image) => (await detectBatch([image]))[0]!,
    detectBatch,
    warmup: async () => {},
    drain: async () => {},
    dispose: async () => {},
  };
  return { detector, calls };
}

const face = (x: number, y: number, score = 0.9): Face => ({ box: { x, y, width: 40, height: 48 }, score });

describe('cropsAround', () => {
  it('gives squares of whole pixels about the faces, moved inside the picture, and no larger than it', () => {
    const crops = cropsAround(
      [
        { x: 100.4, y: 80.7, width: 40, height: 50 },
        { x: -20, y: 280, width: 40, height: 50 },
        { x: 0, y: 0, width: 390, height: 290 },
      ],
      WIDTH,
      HEIGHT,
      2,
    );
    expect(crops).toEqual([
      { x: 70, y: 56, width: 100, height: 100 },
      { x: 0, y: 200, width: 100, height: 100 },
      { x: 0, y: 0, width: 400, height: 300 },
    ]);
  });
});

describe('detectAround', () => {
  it('detects in all crops in one batch and returns faces in coordinates of the picture', async () => {
    const faces = [face(60, 60), face(200, 150, 0.7)];
    const { detector, calls } = knower(faces);
    const found = await detectAround(
      detector,
      picture,
      [
        { x: 64, y: 58, width: 38, height: 50 },
        { x: 196, y: 150, width: 40, height: 50 },
      ],
      {},
    );
    expect(found).toEqual(faces);
    expect(calls).toHaveLength(1);
    expect(calls[0]!.crops).toHaveLength(2);
    expect(calls[0]!.inputSize).toEqual({ width: 64, height: 64 });
  });

  it('returns a face in two crops once, and prefers the crop with the whole face to one that cuts it', async () => {
    const faces = [face(100, 100), face(152, 100, 0.8)];
    const { detector, calls } = knower(faces);
    expect(
      await detectAround(
        detector,
        picture,
        faces.map(({ box }) => box),
        { scale: 2.2 },
      ),
    ).toEqual(faces);
    expect(calls[0]!.crops.map(({ x, width }) => [x, x + width])).toEqual([
      [67, 173],
      [119, 225],
    ]);
    // Alone, the first one's crop shows half of the second.
    expect(await detectAround(detector, picture, [faces[0]!.box], { scale: 2.2 })).toEqual([faces[0]]);
  });

  it("keeps a face that the picture's border cuts, and looks for none that is outside", async () => {
    const { detector, calls } = knower([face(-12, 100)]);
    expect(
      await detectAround(
        detector,
        picture,
        [
          { x: -10, y: 100, width: 40, height: 48 },
          { x: 420, y: 10, width: 40, height: 48 },
        ],
        {},
      ),
    ).toEqual([{ box: { x: 0, y: 100, width: 28, height: 48 }, score: 0.9 }]);
    expect(calls[0]!.crops).toHaveLength(1);
    expect(await detectAround(detector, picture, [{ x: 10, y: -60, width: 40, height: 48 }], {})).toEqual([]);
    expect(calls).toHaveLength(1);
  });
});

it('regionSource returns the same pixels for a pixel buffer and a source that scales, also in regions', async () => {
  const asked: (Box | undefined)[] = [];
  const scaling: ImageSource = {
    width: WIDTH,
    height: HEIGHT,
    rasterize: (width, height, options) => {
      asked.push(options?.region);
      return regionSource(picture, options!.region!).rasterize(width, height) as PixelBuffer;
    },
  };
  for (const part of [undefined, { x: 10, y: 20, width: 30, height: 40 }]) {
    const options = part ? { region: part } : {};
    const [plain, scaled] = [
      await regionSource(picture, { x: 100, y: 60, width: 80, height: 90 }).rasterize(16, 16, options),
      await regionSource(scaling, { x: 100, y: 60, width: 80, height: 90 }).rasterize(16, 16, options),
    ];
    expect(scaled).toEqual(plain);
    expect(2 * plain.data[0]!).toBeCloseTo(part ? 110 : 102, -1);
  }
  expect(asked).toEqual([
    { x: 100, y: 60, width: 80, height: 90 },
    { x: 110, y: 80, width: 30, height: 40 },
  ]);
});

describe('regionSource of plain pixels', () => {
  /** The picture inside a larger one, with another level around it that must not be seen. */
  const create = (inner: PixelBuffer) => {
    const [left, top] = [5, 7];
    const [width, height] = [inner.width + 9, inner.height + 11];
    const data = new Uint8Array(width * height * 3).fill(255);
    const row = 3 * inner.width;
    for (let y = 0; y < inner.height; y++)
      data.set(inner.data.subarray(y * row, (y + 1) * row), 3 * ((y + top) * width + left));
    return regionSource(
      { width, height, format: 'rgb', data },
      { x: left, y: top, width: inner.width, height: inner.height },
    );
  };
  for (const { name, run } of rasterSourceConformance({ create })) it(name, run);
});

it('detectAround refuses what is no result of a detector', async () => {
  const { detector } = knower([]);
  const boxes = [face(60, 60).box, face(200, 150).box];
  const returned = [
    undefined,
    [],
    [[]],
    [[], 'faces'],
    [[], [{ ...face(1, 1), score: NaN }]],
    [[{ box: null, score: 1 }], []],
  ];
  for (const found of returned) {
    const broken = { ...detector, detectBatch: async () => found as never };
    await expect(detectAround(broken, picture, boxes, {})).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_DETECTION', message: expect.stringContaining('check what') }),
    );
  }
});
