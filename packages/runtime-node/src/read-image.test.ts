import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { NO_PROXIES, startProxy } from '@facedet/http/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDetector, isFaceDetError, resizeBilinear, type PixelBuffer } from '@facedet/core';
import { onnxBackend } from './backend.ts';
import { readImage, type PictureDecoder } from './read-image.ts';
import type { ImageFormat } from './sharp.ts';

const shared = fileURLToPath(new URL('../../../../shared', import.meta.url));
const hasShared = existsSync(join(shared, 'images'));
if (!hasShared) console.warn('skipped: real photographs are read from ../shared/images, which is not here');

const folder = mkdtempSync(join(tmpdir(), 'facedet-images-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const [WIDTH, HEIGHT] = [48, 32];
/** Four flat quarters: red, green / blue, white. */
function quarters(width = WIDTH, height = HEIGHT): Buffer {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [right, low] = [x >= width / 2, y >= height / 2];
      data.set(
        right && low ? [255, 255, 255] : right ? [0, 255, 0] : low ? [0, 0, 255] : [255, 0, 0],
        3 * (y * width + x),
      );
    }
  }
  return data;
}
const picture = (width = WIDTH, height = HEIGHT) =>
  sharp(quarters(width, height), { raw: { width, height, channels: 3 } });
/** Colors in the middle of the quarters, row by row, rounded to 0 or 255. */
function corners({ data, width, height }: PixelBuffer): string {
  const at = (x: number, y: number) =>
    Array.from(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3), (v) => (v > 127 ? '1' : '0')).join('');
  const [x, y] = [Math.floor(width / 4), Math.floor(height / 4)];
  return [at(x, y), at(width - 1 - x, y), at(x, height - 1 - y), at(width - 1 - x, height - 1 - y)].join(' ');
}
const UPRIGHT = '100 010 001 111';
const failure = async (promise: Promise<unknown>): Promise<Error & { code: string }> =>
  promise.then(
    () => expect.unreachable('it did not fail'),
    (error) => error,
  );

describe('readImage', () => {
  it.each(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as ImageFormat[])('reads %s', async (format) => {
    const image = await readImage(await picture().toFormat(format).toBuffer());
    expect(image).toMatchObject({ width: WIDTH, height: HEIGHT, format });
    const pixels = await image.pixels();
    expect(pixels).toMatchObject({ width: WIDTH, height: HEIGHT, format: 'rgb' });
    expect(pixels.data.length).toBe(WIDTH * HEIGHT * 3);
    expect(corners(pixels)).toBe(UPRIGHT);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('applies EXIF orientation %i', async (orientation) => {
    // What a camera held that way stores: the upright picture, turned back.
    const turned = await picture()
      .rotate([0, 0, 180, 180, 90, 270, 270, 90][orientation - 1]!)
      .png()
      .toBuffer();
    const stored = [2, 4, 5, 7].includes(orientation) ? sharp(turned).flop() : sharp(turned);
    for (const format of ['jpeg', 'tiff', 'webp', 'png'] as const) {
      const bytes = await sharp(await stored.clone().png().toBuffer())
        .withMetadata({ orientation })
        .toFormat(format)
        .toBuffer();
      const image = await readImage(bytes);
      expect([format, image.width, image.height]).toEqual([format, WIDTH, HEIGHT]);
      expect([format, corners(await image.pixels())]).toEqual([format, UPRIGHT]);
      expect(corners(await image.rasterize(24, 16))).toBe(UPRIGHT);
    }
  });

  it('lays alpha on black', async () => {
    const rgba = await picture().ensureAlpha(0).png().toBuffer();
    expect(corners(await (await readImage(rgba)).pixels())).toBe('000 000 000 000');
    const half = await picture().ensureAlpha(0.5).webp({ lossless: true }).toBuffer();
    expect((await (await readImage(half)).pixels()).data[0]).toBeGreaterThan(120);
    expect((await (await readImage(half)).pixels()).data[0]).toBeLessThan(136);
  });

  it.each([
    ['gray JPEG', () => picture().greyscale().jpeg()],
    ['gray PNG with alpha', () => picture().greyscale().ensureAlpha(1).png()],
    ['PNG of 16 bits', () => picture().toColourspace('rgb16').png()],
    ['TIFF of 16 bits', () => picture().toColourspace('rgb16').tiff()],
    ['gray PNG of 16 bits', () => picture().toColourspace('grey16').png()],
    ['PNG with a palette', () => picture().png({ palette: true })],
    ['PNG of one bit', () => picture().greyscale().threshold(200).png({ palette: true, colors: 2 })],
    ['CMYK JPEG', () => picture().toColourspace('cmyk').jpeg()],
    ['CMYK TIFF', () => picture().toColourspace('cmyk').tiff()],
    ['progressive JPEG', () => picture().jpeg({ progressive: true })],
    ['interlaced PNG', () => picture().png({ progressive: true })],
  ])('makes 8-bit RGB of a %s', async (label, make) => {
    const pixels = await (await readImage(await make().toBuffer())).pixels();
    expect(pixels.data.length).toBe(WIDTH * HEIGHT * (pixels.format === 'rgb' ? 3 : 1));
    const white = pixels.data.at(-1)!;
    expect(white).toBeGreaterThan(240);
    // Pure green can't be printed: in CMYK its red is uncertain.
    if (!/gray|one bit/.test(label))
      expect(corners(pixels)).toMatch(label.startsWith('CMYK') ? /^100 [01]10 001 111$/ : UPRIGHT);
  });

  it('takes the first picture of several', async () => {
    const frames = Buffer.concat([quarters(), Buffer.alloc(WIDTH * HEIGHT * 3)]);
    const gif = await sharp(frames, { raw: { width: WIDTH, height: 2 * HEIGHT, channels: 3, pageHeight: HEIGHT } })
      .gif({ delay: [100, 100] })
      .toBuffer();
    const image = await readImage(gif);
    expect([image.width, image.height, image.pages]).toEqual([WIDTH, HEIGHT, 2]);
    expect(corners(await image.pixels())).toBe(UPRIGHT);
    expect(await readImage(await picture().gif().toBuffer())).toMatchObject({ pages: 1 });
    const still = await picture().png().toBuffer();
    const control = Buffer.concat([
      Buffer.from([0, 0, 0, 8]),
      Buffer.from('acTL'),
      Buffer.from([0, 0, 0, 3, 0, 0, 0, 0]),
    ]);
    const mark = Buffer.alloc(4);
    mark.writeUInt32BE(crc32(control.subarray(4)));
    expect(await readImage(Buffer.concat([still.subarray(0, 33), control, mark, still.subarray(33)]))).toMatchObject({
      pages: 3,
    });
  });

  it('takes a path, URLs and bytes of any kind', async () => {
    const bytes = await picture().png().toBuffer();
    const path = file('with space & ünïcode#1.png', bytes);
    const sources = [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      `data:image/png;base64,${bytes.toString('base64')}`,
      bytes,
      new Uint8Array(bytes),
      Uint8Array.from(bytes).buffer,
    ];
    for (const source of sources) expect(corners(await (await readImage(source)).pixels())).toBe(UPRIGHT);
    await expect(readImage('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(readImage(5 as unknown as string)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(readImage(new URL('ftp://example.org/a.png'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(readImage(bytes, { pixelLimit: NaN })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('goes down to one pixel', async () => {
    const pixels = await (
      await readImage(
        await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
          .png()
          .toBuffer(),
      )
    ).rasterize(5, 3);
    expect(Array.from(pixels.data)).toEqual(new Array(45).fill(255));
  });

  it('decodes once, for calls at the same time too, and lets go of the pixels when closed', async () => {
    const image = await readImage(await picture().png().toBuffer());
    const [a, b] = await Promise.all([image.pixels(), image.pixels()]);
    expect(a).toBe(b);
    image.close();
    await expect(image.pixels()).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(image.rasterize(8, 8)).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it("rejects with the signal's reason", async () => {
    const bytes = await picture().png().toBuffer();
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(readImage(bytes, { signal })).rejects.toBe(reason);
    const image = await readImage(bytes);
    await expect(image.rasterize(8, 8, { signal })).rejects.toBe(reason);
    expect(await image.rasterize(8, 8)).toMatchObject({ width: 8 });
  });
});

describe('rasterize', () => {
  it('is the bilinear scaling of the whole picture or a region', async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * 2654435761) >>> 24));
    const image = await readImage(
      await sharp(noise, { raw: { width: 90, height: 70, channels: 3 } })
        .png()
        .toBuffer(),
    );
    const pixels = await image.pixels();
    for (const [width, height, region] of [
      [31, 20, undefined],
      [90, 70, undefined],
      [40, 40, { x: 10.5, y: 20, width: 33.3, height: 30 }],
      [64, 64, { x: -10, y: -5, width: 120, height: 90 }],
    ] as const) {
      expect(await image.rasterize(width, height, region ? { region } : {})).toEqual(
        resizeBilinear(pixels, width, height, region),
      );
    }
  });

  it('shrinks a JPEG while it is decoded where far fewer pixels are wanted, with similar colors', async () => {
    for (const orientation of [1, 6]) {
      const image = await readImage(await picture(1003, 757).withMetadata({ orientation }).jpeg().toBuffer());
      const small = await image.rasterize(40, 30);
      const exact = resizeBilinear(await image.pixels(), 40, 30);
      const off = Array.from(small.data, (v, i) => Math.abs(v - exact.data[i]!));
      expect(off.reduce((a, b) => a + b) / off.length).toBeLessThan(4);
      expect(corners(small)).toBe(corners(exact));
      const region = { x: image.width / 2, y: 0, width: image.width / 2, height: image.height / 2 };
      expect(corners(await image.rasterize(20, 20, { region }))).toBe(
        corners(resizeBilinear(await image.pixels(), 20, 20, region)),
      );
    }
  });

  it.skipIf(!hasShared)(
    'finds the same faces in a JPEG shrunk by the decoder [needs ../shared]',
    async () => {
      const detector = await createDetector({
        backend: onnxBackend(),
        model: join(shared, 'models', 'scrfd_500m_kps.onnx'),
        inputSize: 320,
      });
      // A photograph of 27 megapixels, which 320 pixels show at a twentieth.
      const image = await readImage(
        await sharp(join(shared, 'images', 'six_people.jpg'))
          .resize(6400)
          .jpeg()
          .toBuffer(),
      );
      const wanted = await detector.detect(await image.pixels());
      const faces = await detector.detect(image);
      expect(wanted).toHaveLength(6);
      expect(faces).toHaveLength(6);
      for (const face of faces) {
        const near = wanted.find(
          ({ box }) =>
            Math.hypot(box.x - face.box.x, box.y - face.box.y) < 0.05 * box.width &&
            Math.abs(box.width - face.box.width) < 0.08 * box.width,
        );
        expect(near, JSON.stringify(face)).toBeDefined();
        expect(Math.abs(near!.score - face.score)).toBeLessThan(0.05);
      }
      await detector.dispose();
    },
    120_000,
  );
});

/** A valid PNG of black pixels, one bit each. */
function png(width: number, height: number, rows = height): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const out = Buffer.alloc(12 + body.length);
    out.writeUInt32BE(body.length);
    out.write(type, 4, 'latin1');
    body.copy(out, 8);
    out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(rows * (1 + Math.ceil(width / 8))))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('pictures that sharp does not read', () => {
  const bmp = Buffer.alloc(60);
  bmp.write('BM');
  bmp[14] = 40;
  const pixels: PixelBuffer = { data: new Uint8Array(quarters()), width: WIDTH, height: HEIGHT, format: 'rgb' };

  it('are decoded by the first decoder that can', async () => {
    const asked: unknown[] = [];
    const refuse: PictureDecoder = async () => {
      throw new Error('not mine');
    };
    const decode: PictureDecoder = async (bytes, options) => (asked.push(bytes.length, options), pixels);
    const image = await readImage(file('a.bmp', bmp), { pixelLimit: 9000, decoders: [refuse, decode, refuse] });
    expect(image).toMatchObject({ width: WIDTH, height: HEIGHT, format: 'bmp', pages: 1, tags: {} });
    expect(asked).toEqual([60, { pixelLimit: 9000, name: join(folder, 'a.bmp') }]);
    expect(corners(await image.pixels())).toBe(UPRIGHT);
    expect(corners(await image.rasterize(24, 16))).toBe(UPRIGHT);
    image.close();
    await expect(image.pixels()).rejects.toMatchObject({ code: 'DISPOSED' });
    // What sharp reads is not theirs.
    expect(await readImage(await picture().png().toBuffer(), { decoders: [refuse] })).toMatchObject({ format: 'png' });
  });

  it('fail with the reason and the way out', async () => {
    expect(await failure(readImage(bmp))).toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringMatching(/holds BMP; pass decodeStillImage/),
    });
    const decoders = (answer: Partial<PixelBuffer> | Error): PictureDecoder[] => [
      async () => {
        if (answer instanceof Error) throw answer;
        return { ...pixels, ...answer };
      },
    ];
    expect(await failure(readImage(bmp, { decoders: decoders(new Error('broken')) }))).toMatchObject({
      message: 'broken',
    });
    expect(await failure(readImage(bmp, { decoders: decoders({ format: 'rgba' }) }))).toMatchObject({
      code: 'IMAGE_UNREADABLE',
    });
    expect(await failure(readImage(bmp, { decoders: decoders({}), pixelLimit: WIDTH * HEIGHT - 1 }))).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    });
  });
});

describe('invalid input', () => {
  it('has an error of its own for each kind', async () => {
    const jpeg = await picture(640, 480).jpeg().toBuffer();
    const truncated = jpeg.subarray(0, Math.floor(jpeg.length * 0.4));
    const cases: [label: string, source: string | Uint8Array, code: string, message: RegExp][] = [
      ['a missing file', join(folder, 'none.jpg'), 'IMAGE_NOT_FOUND', /none\.jpg does not exist/],
      ['a file used as a folder', join(file('a.txt', 'x'), 'b.jpg'), 'IMAGE_NOT_FOUND', /b\.jpg/],
      ['a folder', folder, 'IMAGE_UNREADABLE', /is a folder/],
      ['an empty file', file('empty.jpg', ''), 'IMAGE_EMPTY', /empty\.jpg is empty \(0 bytes\)/],
      ['an empty buffer', new Uint8Array(0), 'IMAGE_EMPTY', /the buffer is empty/],
      ['text', file('text.jpg', 'This is a text, whatever its name says.\n'), 'IMAGE_UNREADABLE', /"This is a text, "/],
      [
        'SVG',
        file('drawing.png', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        'IMAGE_UNREADABLE',
        /holds an SVG drawing/,
      ],
      ['a decompression bomb', png(30_000, 30_000), 'IMAGE_TOO_LARGE', /30000 × 30000/],
      ['100,000 pixels wide', png(100_000, 10), 'IMAGE_TOO_LARGE', /100000 × 10/],
      ['0 pixels wide', png(0, 10), 'IMAGE_UNREADABLE', /./],
      ['0 pixels high', png(10, 0, 1), 'IMAGE_UNREADABLE', /./],
      ['a JPEG that ends in its header', jpeg.subarray(0, 20), 'IMAGE_UNREADABLE', /./],
    ];
    for (const [label, source, code, message] of cases) {
      const error = await failure(readImage(source));
      expect([label, isFaceDetError(error), error.code]).toEqual([label, true, code]);
      expect(error.message, label).toMatch(message);
      expect(error.message, label).not.toContain('\n');
    }
    for (const source of [
      truncated,
      (await picture(640, 480).png().toBuffer()).subarray(0, 400),
      (await picture(640, 480).jpeg({ progressive: true }).toBuffer()).subarray(0, truncated.length),
    ]) {
      const image = await readImage(source);
      const error = await failure(image.rasterize(32, 32));
      expect(error).toMatchObject({
        name: 'FaceDetError',
        code: 'IMAGE_UNREADABLE',
        message: expect.stringContaining('truncated or corrupt'),
      });
    }
  });

  it('is named in short, without credentials, escapes or megabytes', async () => {
    const long = (await picture().png().toBuffer()).toString('base64').repeat(2000);
    const sources: [string | URL, RegExp][] = [
      [long, /Buffer\.from\(text, 'base64'\)/],
      [`${long}${'='.repeat(3)}`, /base64/],
      [`${'/no/folder'.repeat(500)}/a.jpg`, /a\.jpg does not exist; check the path/],
      [join(folder, 'a\x1b]0;pwned\x07\nb.jpg'), /\\x1b\]0;pwned\\x07 b\.jpg/],
      ['http://someone:secret@127.0.0.1:1/a.jpg?token=secret', /\*\*\*@127\.0\.0\.1:1\/a\.jpg\?token=\*\*\*/],
      [new URL('https://someone:secret@[::1]:1/'), /\*\*\*@\[::1\]/],
    ];
    for (const [source, message] of sources) {
      const error = await failure(readImage(source));
      expect(error.message).toMatch(message);
      expect(error.message.length).toBeLessThan(1000);
      expect(error.message).not.toMatch(/secret|\p{Cc}/u);
    }
  });

  it.each([
    [
      'SVG',
      Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      /holds an SVG drawing/,
    ],
    [
      'SVG in UTF-16',
      Buffer.from('\ufeff<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'utf16le'),
      /holds an SVG drawing/,
    ],
    ['compressed SVG', gzipSync('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /holds an archive/],
    ['PDF', Buffer.from('%PDF-1.7\n'), /holds a PDF document/],
    ['a video', Buffer.from('\0\0\0\x18ftypisom\0\0\0\0'), /holds a video/],
  ])('is %s, which no decoder sees', async (_, bytes, message) => {
    const decoders = [async () => expect.unreachable('a decoder was asked')];
    expect(await failure(readImage(bytes, { decoders }))).toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringMatching(message),
    });
  });

  it('is a picture above the byte limit, which can be moved', async () => {
    const bytes = png(100, 100);
    for (const source of [
      bytes,
      file('bytes.png', bytes),
      `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`,
    ]) {
      await expect(readImage(source, { maxBytes: bytes.length - 1 })).rejects.toMatchObject({
        code: 'IMAGE_TOO_LARGE',
      });
      expect(await readImage(source, { maxBytes: bytes.length })).toMatchObject({ width: 100 });
    }
    for (const maxBytes of [0, -1, NaN])
      await expect(readImage(bytes, { maxBytes })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('is a picture above the pixel limit, which can be moved', async () => {
    const bytes = png(100, 100);
    await expect(readImage(bytes, { pixelLimit: 9_999 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    expect((await (await readImage(bytes, { pixelLimit: 10_000 })).pixels()).width).toBe(100);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'is a file that may not be read [not as root]',
    async () => {
      const path = file('secret.png', png(10, 10));
      chmodSync(path, 0);
      await expect(readImage(path)).rejects.toMatchObject({
        code: 'IMAGE_UNREADABLE',
        message: expect.stringContaining('permissions'),
      });
    },
  );
});

describe('pictures on the web', () => {
  let server: Server;
  let base: string;
  beforeAll(async () => {
    const bytes = await picture().png().toBuffer();
    server = createServer((request, response) => {
      switch (request.url) {
        case '/ok.png':
          return response.end(bytes);
        case '/as-page':
          return response.writeHead(200, { 'content-type': 'text/html' }).end(bytes);
        case '/moved':
          return response.writeHead(302, { location: '/ok.png' }).end();
        case '/huge':
          return response.writeHead(200, { 'content-length': 2e9 }).end();
        case '/broken':
          return response
            .writeHead(200, { 'content-length': bytes.length })
            .write(bytes.subarray(0, 50), () => response.destroy());
        case '/500':
          return response.writeHead(500).end('no');
        case '/html':
          return response.end('<html>');
        case '/never':
          return;
        default:
          return response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => (server.closeAllConnections(), server.close()));

  it('are fetched', async () => {
    for (const path of ['/ok.png', '/moved'])
      expect(corners(await (await readImage(base + path)).pixels())).toBe(UPRIGHT);
  });

  it('are fetched through the proxy of the environment, and refused beyond maxBytes', async () => {
    const proxy = await startProxy((server.address() as AddressInfo).port);
    for (const [name, value] of Object.entries({ ...NO_PROXIES, HTTP_PROXY: proxy.url })) vi.stubEnv(name, value);
    try {
      // The content decides, whatever type a server claims.
      for (const path of ['/ok.png', '/as-page'])
        expect(corners(await (await readImage(`http://pictures.invalid${path}`)).pixels())).toBe(UPRIGHT);
      expect(proxy.through).toEqual(['GET http://pictures.invalid/ok.png', 'GET http://pictures.invalid/as-page']);
      await expect(readImage('http://pictures.invalid/ok.png', { maxBytes: 50 })).rejects.toMatchObject({
        code: 'IMAGE_TOO_LARGE',
      });
    } finally {
      vi.unstubAllEnvs();
      await proxy.close();
    }
  });

  it('fail with codes', async () => {
    for (const [path, code] of [
      ['/none', 'IMAGE_NOT_FOUND'],
      ['/500', 'IMAGE_UNREADABLE'],
      ['/huge', 'IMAGE_TOO_LARGE'],
      ['/broken', 'IMAGE_UNREADABLE'],
      ['/html', 'IMAGE_UNREADABLE'],
    ]) {
      const error = await failure(readImage(base + path));
      expect([path, error.code]).toEqual([path, code]);
      expect(error.message).toContain(base + path);
    }
    await expect(readImage('http://127.0.0.1:1/a.png')).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(readImage('http://')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const reason = new Error('enough');
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 50);
    await expect(readImage(`${base}/never`, { signal: stop.signal })).rejects.toBe(reason);
  });
});

it('reads a real photograph [needs ../shared]', { skip: !hasShared }, async () => {
  const image = await readImage(readFileSync(join(shared, 'images', 'six_people.jpg')));
  expect(image).toMatchObject({ width: 1280, height: 886, format: 'jpeg' });
});
