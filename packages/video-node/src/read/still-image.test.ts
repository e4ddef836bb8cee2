import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Box, PixelBuffer } from '@facedet/core';
import { readImage, writeImage } from '@facedet/runtime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../fixtures.ts';
import { openVideo } from './open-video.ts';
import { decodeStillImage } from './still-image.ts';

const has = (program: string, ...parameters: string[]) => spawnSync(program, parameters).error === undefined;
const tools = {
  heif: has('heif-enc', '--help'),
  convert: has('heif-convert', '--help'),
  jxl: has('cjxl', '--version'),
  ffmpeg: has('ffmpeg', '-version'),
};
for (const [tool, found] of Object.entries({ 'heif-enc': tools.heif, cjxl: tools.jxl, ffmpeg: tools.ffmpeg })) {
  if (!found) process.stderr.write(`Tests of still pictures that need ${tool} are skipped: it is not installed.\n`);
}

const folder = tempFolder();
const at = (name: string) => join(folder, name);
const source = { width: 300, height: 200 };

/** Smooth colors that differ in all corners, so that each orientation and each misplaced tile shows. */
function corners(width: number, height: number): PixelBuffer {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[i++] = Math.round((x / (width - 1)) * 220);
      data[i++] = Math.round((y / (height - 1)) * 220);
      data[i++] = x * 3 < width && y * 2 < height ? 200 : 40;
    }
  }
  return { data, width, height, format: 'rgb' };
}

/** The mean absolute difference of samples, on the 8-bit scale. */
function difference(a: PixelBuffer, b: PixelBuffer): number {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!);
  return sum / a.data.length;
}

/** Pixels as a HEIF step or an EXIF orientation shows them. */
function mapped(
  { data, width }: PixelBuffer,
  w: number,
  h: number,
  from: (x: number, y: number) => [number, number],
): PixelBuffer {
  const to = new Uint8Array(w * h * 3);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [sx, sy] = from(x, y);
      to.set(data.subarray(3 * (sy * width + sx), 3 * (sy * width + sx) + 3), 3 * (y * w + x));
    }
  }
  return { data: to, width: w, height: h, format: 'rgb' };
}

beforeAll(async () => {
  await writeImage(at('source.png'), corners(source.width, source.height));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const box = (type: string, ...parts: Buffer[]) => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const u = (bytes: number, ...values: number[]) =>
  Buffer.concat(
    values.map((value) => {
      const buffer = Buffer.alloc(bytes);
      buffer.writeUIntBE(value, 0, bytes);
      return buffer;
    }),
  );

interface Coded {
  configuration: Buffer;
  data: Buffer;
}

/** The one HEVC picture of a file that heif-enc wrote. */
async function coded(pixels: PixelBuffer, name: string): Promise<Coded> {
  await writeImage(at(`${name}.png`), pixels);
  execFileSync('heif-enc', ['-q', '95', '-o', at(`${name}.heic`), at(`${name}.png`)], { stdio: 'pipe' });
  const { parseHeif } = await import('./heif.ts');
  const { tiles } = parseHeif(readFileSync(at(`${name}.heic`)), name);
  return tiles[0]!;
}

/** A HEIF file as phones write it: a grid of 3 × 5 tiles of 64 × 64 pixels, cropped, rotated and mirrored. */
function gridFile(
  tiles: Coded[],
  [width, height]: readonly [number, number],
  transforms: readonly Buffer[] = [],
): Buffer {
  const [rows, columns, tileWidth, tileHeight] = [3, 5, 64, 64];
  const properties = [
    box('hvcC', tiles[0]!.configuration),
    box('ispe', u(4, 0, tileWidth, tileHeight)),
    box('ispe', u(4, 0, width, height)),
    ...transforms,
  ];
  const grid = Buffer.concat([Buffer.from([0, 0, rows - 1, columns - 1]), u(2, width, height)]);
  const ids = tiles.map((_, i) => i + 1);
  const primary = tiles.length + 1;
  const build = (start: number) => {
    let offset = start;
    const places = tiles.map(({ data }) => {
      const place = [offset, data.length] as const;
      offset += data.length;
      return place;
    });
    return box(
      'meta',
      u(4, 0),
      box('hdlr', u(4, 0, 0), Buffer.from('pict'), u(4, 0, 0, 0), Buffer.from([0])),
      box('pitm', u(4, 0), u(2, primary)),
      box(
        'iinf',
        u(4, 0),
        u(2, primary),
        ...[...ids, primary].map((id) =>
          box(
            'infe',
            u(4, id === primary ? 0x02000000 : 0x02000001), // tiles are hidden
            u(2, id, 0),
            Buffer.from(id === primary ? 'grid' : 'hvc1'),
            Buffer.from([0]),
          ),
        ),
      ),
      box('iref', u(4, 0), box('dimg', u(2, primary, ids.length, ...ids))),
      box(
        'iprp',
        box('ipco', ...properties),
        box(
          'ipma',
          u(4, 0, primary),
          ...ids.map((id) => Buffer.concat([u(2, id), Buffer.from([2, 0x81, 2])])),
          u(2, primary),
          Buffer.from([1 + transforms.length, 3, ...transforms.map((_, i) => 0x84 + i)]),
        ),
      ),
      box('idat', grid),
      box(
        'iloc',
        u(4, 0x01000000),
        Buffer.from([0x44, 0x00]),
        u(2, primary),
        ...ids.map((id, i) => Buffer.concat([u(2, id, 0, 0, 1), u(4, ...places[i]!)])),
        u(2, primary, 1, 0, 1),
        u(4, 0, grid.length),
      ),
    );
  };
  const ftyp = box('ftyp', Buffer.from('heic'), u(4, 0), Buffer.from('mif1heic'));
  const meta = build(0);
  return Buffer.concat([ftyp, build(ftyp.length + meta.length + 8), box('mdat', ...tiles.map(({ data }) => data))]);
}

/** A crop to `region`. The property has the offsets of the centers, as fractions. */
const crop = ({ x, y, width, height }: Box, [fullWidth, fullHeight]: readonly [number, number]) =>
  box(
    'clap',
    u(4, width, 1, height, 1),
    i32(2 * x + width - fullWidth),
    u(4, 2),
    i32(2 * y + height - fullHeight),
    u(4, 2),
  );
function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value, 0);
  return bytes;
}
const rotate = (turns: number) => box('irot', Buffer.from([turns]));
const mirror = (mode: number) => box('imir', Buffer.from([mode]));

describe.skipIf(!tools.heif)('HEIC [needs heif-enc]', () => {
  it('of one picture and its odd sizes', async () => {
    for (const [width, height] of [
      [300, 200],
      [65, 91],
      [64, 64],
    ] as const) {
      const pixels = corners(width, height);
      await coded(pixels, `single-${width}`);
      expect(difference(await decodeStillImage(at(`single-${width}.heic`)), pixels)).toBeLessThan(3);
    }
  });

  it('of a grid of tiles comes whole, with every rotation, mirror and crop', async () => {
    const [width, height] = [300, 170];
    const whole = corners(width, height);
    const tiles: Coded[] = [];
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 5; column++) {
        const tile = mapped(whole, 64, 64, (x, y) => [
          Math.min(width - 1, column * 64 + x),
          Math.min(height - 1, row * 64 + y),
        ]);
        tiles.push(await coded(tile, `tile-${row}-${column}`));
      }
    }
    const turns: ((pixels: PixelBuffer) => PixelBuffer)[] = [
      (p) => p,
      (p) => mapped(p, p.height, p.width, (x, y) => [p.width - 1 - y, x]),
      (p) => mapped(p, p.width, p.height, (x, y) => [p.width - 1 - x, p.height - 1 - y]),
      (p) => mapped(p, p.height, p.width, (x, y) => [y, p.height - 1 - x]),
    ];
    const mirrors: ((pixels: PixelBuffer) => PixelBuffer)[] = [
      (p) => mapped(p, p.width, p.height, (x, y) => [x, p.height - 1 - y]),
      (p) => mapped(p, p.width, p.height, (x, y) => [p.width - 1 - x, y]),
    ];
    const cropped = mapped(whole, 250, 121, (x, y) => [x + 31, y + 24]);
    for (const clap of [false, true]) {
      for (let turn = 0; turn < 4; turn++) {
        for (let mode = -1; mode < 2; mode++) {
          const steps = [
            ...(clap ? [crop({ x: 31, y: 24, width: 250, height: 121 }, [width, height])] : []),
            ...(turn > 0 ? [rotate(turn)] : []),
            ...(mode >= 0 ? [mirror(mode)] : []),
          ];
          const turned = turns[turn]!(clap ? cropped : whole);
          const wanted = mode >= 0 ? mirrors[mode]!(turned) : turned;
          const path = at(`grid-${clap}-${turn}-${mode}.heic`);
          writeFileSync(path, gridFile(tiles, [width, height], steps));
          expect(difference(await decodeStillImage(path), wanted), path).toBeLessThan(4);
          // libheif is a reference of its own for what the properties mean.
          if (tools.convert) {
            execFileSync('heif-convert', [path, `${path}.png`], { stdio: 'pipe' });
            const reference = await readImage(`${path}.png`);
            expect(
              difference(await reference.rasterize(reference.width, reference.height), wanted),
              `heif-convert ${path}`,
            ).toBeLessThan(4);
          }
        }
      }
    }
    const video = await openVideo(at('grid-false-1-1.heic'));
    expect([video.metadata.width, video.metadata.height]).toEqual([height, width]);
    for await (const frame of video) {
      expect(difference(await frame.rasterize(frame.width, frame.height), mirrors[1]!(turns[1]!(whole)))).toBeLessThan(
        4,
      );
      frame.close();
    }

    const image = await readImage(at('grid-false-1-1.heic'), { decoders: [decodeStillImage] });
    expect(image).toMatchObject({ width: height, height: width, format: 'heic', pages: 1 });
    expect(difference(await image.pixels(), mirrors[1]!(turns[1]!(whole)))).toBeLessThan(4);

    // Under another name and another first brand it is the same picture; from elsewhere than a file, an error.
    const odd = Buffer.from(readFileSync(at('grid-false-1-1.heic')));
    odd.write('MiHE', 8, 'latin1');
    writeFileSync(at('odd.mp4'), odd);
    expect((await decodeStillImage(at('odd.mp4'))).width).toBe(height);
    const server = createServer((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(206, {
        'accept-ranges': 'bytes',
        'content-length': odd.length - from,
        'content-range': `bytes ${from}-${odd.length - 1}/${odd.length}`,
      });
      response.end(odd.subarray(from));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      await expect(
        openVideo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x.heic`),
      ).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE', message: expect.stringContaining('tiles') });
    } finally {
      server.closeAllConnections();
      server.close();
    }

    // Never one tile of several, whatever is missing.
    const bytes = gridFile(tiles, [width, height]);
    for (const broken of [
      gridFile(tiles.slice(0, 14), [width, height]),
      gridFile(tiles, [400, 170]),
      bytes.subarray(0, bytes.length - 200),
      bytes.subarray(0, 300),
    ])
      await expect(decodeStillImage(broken)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(decodeStillImage(bytes, { pixelLimit: width * height - 1 })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    });
    // Mutated files end with a code or with pixels of the size they state.
    for (let seed = 1, at = 7; seed < 300; seed++) {
      const mutated = Buffer.from(bytes);
      for (let flips = 0; flips < 4; flips++) {
        at = (at * 48_271 + seed) % 2_147_483_647;
        mutated[at % 900] = at & 255;
      }
      const result = await decodeStillImage(mutated, { pixelLimit: 1e6 }).catch(
        (error: { code?: string }) => error.code,
      );
      if (typeof result === 'string') expect(result).toMatch(/^IMAGE_/);
      else
        expect((result as PixelBuffer).data.length).toBe(
          (result as PixelBuffer).width * (result as PixelBuffer).height * 3,
        );
    }
  }, 60_000);

  it('gives its titles and dates, and is turned once', async () => {
    const tags = { Make: 'Maker', DateTimeOriginal: '2024:05:01 12:30:00' };
    const { data, width, height } = corners(96, 64);
    const sharp = (await import('sharp')).default;
    const exif = { IFD0: { Make: tags.Make, Orientation: '6' }, IFD2: { DateTimeOriginal: tags.DateTimeOriginal } };
    await sharp(data, { raw: { width, height, channels: 3 } })
      .withExif(exif)
      .jpeg({ quality: 95 })
      .toFile(at('tagged.jpg'));
    execFileSync('heif-enc', ['-q', '95', '-o', at('tagged.heic'), at('tagged.jpg')], { stdio: 'pipe' });
    const image = await readImage(at('tagged.heic'), { decoders: [decodeStillImage] });
    const jpeg = await readImage(at('tagged.jpg'));
    expect([image.tags, image.width, image.height]).toEqual([jpeg.tags, jpeg.width, jpeg.height]);
    expect(image.tags).toMatchObject(tags);
    expect(difference(await image.pixels(), await jpeg.pixels())).toBeLessThan(4);
  });

  it('is a picture of a folder, fitted as others', async () => {
    await coded(corners(128, 96), 'one');
    const pictures = at('mixed');
    mkdirSync(pictures);
    writeFileSync(join(pictures, '1.heic'), readFileSync(at('one.heic')));
    await writeImage(join(pictures, '2.png'), corners(128, 96));
    const video = await openVideo(pictures);
    expect([video.metadata.width, video.metadata.height, video.metadata.frameCount]).toEqual([128, 96, 2]);
    for await (const frame of video) {
      expect(difference(await frame.rasterize(128, 96), corners(128, 96))).toBeLessThan(4);
      frame.close();
    }
  });
});

describe.skipIf(!tools.ffmpeg)('by FFmpeg [needs ffmpeg]', () => {
  it.each([
    ['bmp', []],
    ['ppm', []],
    ['pgm', []],
    ['pam', []],
    ['tga', []],
    ['jp2', ['-c:v', 'jpeg2000', '-pix_fmt', 'rgb24']],
    ['j2k', ['-c:v', 'jpeg2000', '-pix_fmt', 'rgb24']],
  ] as const)('%s', async (extension, parameters) => {
    const path = at(`picture.${extension}`);
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', at('source.png'), ...parameters, path]);
    const decoded = await decodeStillImage(path);
    if (extension === 'pgm') expect([decoded.width, decoded.height]).toEqual([300, 200]);
    else expect(difference(decoded, corners(300, 200))).toBeLessThan(2);
    const image = await readImage(path, { decoders: [decodeStillImage] });
    expect([image.format, (await image.pixels()).data]).toEqual([
      { pgm: 'ppm', pam: 'ppm', j2k: 'jp2' }[extension as string] ?? extension,
      decoded.data,
    ]);
    const video = await openVideo(path);
    expect([video.metadata.width, video.metadata.height]).toEqual([300, 200]);
    for await (const frame of video) {
      if (extension !== 'pgm') expect(difference(await frame.rasterize(300, 200), corners(300, 200))).toBeLessThan(2);
      frame.close();
    }
    await expect(decodeStillImage(path, { pixelLimit: 59_999 })).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAGE_/),
    });
    await expect(decodeStillImage(readFileSync(path).subarray(0, 9), { name: path })).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
    });
  });

  it.each([
    ['webp', ['-c:v', 'libwebp_anim', '-lossless', '1', '-loop', '0']],
    ['png', ['-f', 'apng', '-plays', '0']],
    ['apng', ['-f', 'apng', '-plays', '0']],
  ] as const)('an animated %s is a film with its times', async (extension, parameters) => {
    const path = at(`film.${extension}`);
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=96x64:rate=10:duration=1.2',
      ...parameters,
      path,
    ]);
    const video = await openVideo(path);
    const times: number[] = [];
    for await (const frame of video) {
      times.push(frame.timestamp);
      frame.close();
    }
    expect(times).toEqual(Array.from({ length: 12 }, (_, i) => expect.closeTo(i / 10, 2)));
  });
});

describe.skipIf(!tools.jxl)('JPEG XL [needs cjxl]', () => {
  it('is read', async () => {
    execFileSync('cjxl', [at('source.png'), at('picture.jxl'), '-q', '95'], { stdio: 'pipe' });
    expect(difference(await decodeStillImage(at('picture.jxl')), corners(300, 200))).toBeLessThan(3);
    await expect(decodeStillImage(at('picture.jxl'), { pixelLimit: 1000 })).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAGE_/),
    });
  });
});

describe('a source that is not a still picture', () => {
  it('is reported by an error code', async () => {
    await expect(decodeStillImage(at('none.heic'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(decodeStillImage(at('source.png'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(decodeStillImage(new Uint8Array(0))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(decodeStillImage(folder)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(decodeStillImage(at('source.png'), { pixelLimit: 0 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect((await readImage(at('source.png'))).width).toBe(300);
  });
});
