import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeImage } from '@facedet/runtime-node';
import { numberedPicture, show, evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { openVideo, type OpenVideoOptions } from './open-video.ts';
import { resolveSource, type VideoSource } from './source.ts';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
const refusal = async (source: VideoSource, options: OpenVideoOptions = {}) =>
  openVideo(source, options).then(
    async (video) => {
      await video.close();
      return undefined;
    },
    (error: Error & { code?: string }) => error,
  );

beforeAll(async () => {
  await writeNumbered(at('film.mp4'), evenTimes(10));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('source strings', () => {
  const written = join(folder, 'written.txt');
  it.each([
    `lavfi:testsrc2=duration=0.1,signalstats,metadata=mode=print:file=${written}`,
    'LAVFI:testsrc2',
    'concat:film.mp4|film.mp4',
    'subfile:film.mp4',
    'udp://127.0.0.1:9999',
    'tcp://127.0.0.1:9999',
    'rtp://127.0.0.1:9999',
    'srt://127.0.0.1:9999',
    'rtmp://127.0.0.1/live',
    'ftp://127.0.0.1/film.mp4',
    'gopher://127.0.0.1/film.mp4',
    'data:video/mp4;base64,AAAA',
    'pipe:0',
    'fd:0',
    'cache:film.mp4',
    'crypto:film.mp4',
    'hls+http://127.0.0.1/x.m3u8',
    'async:film.mp4',
    'http:film.mp4',
    'ffrtmphttp://127.0.0.1/x',
    new URL('udp://127.0.0.1:9999'),
    new URL('data:video/mp4;base64,AAAA'),
  ])('%s is refused, and the error names the option', async (source) => {
    const error = await refusal(source);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(error!.message).toMatch(String(source).toLowerCase().startsWith('lavfi') ? /\{ lavfi: / : /protocols: \['/);
    expect(existsSync(written)).toBe(false);
  });

  it('with further protocols are streams; a filter graph never is one', async () => {
    expect(await resolveSource('udp://127.0.0.1:9999', ['udp'])).toMatchObject({ kind: 'stream' });
    expect(await refusal('film.mp4', { protocols: ['lavfi'] })).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await refusal('film.mp4', { protocols: ['a b'] })).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('of FFmpeg with commas are paths', async () => {
    expect(await refusal(`subfile,,start,0,end,99,,:${at('film.mp4')}`)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refusal('film\0.mp4')).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('that name a file which exists are that file, whatever it is called', async () => {
    for (const name of ['lavfi:testsrc2', 'a%d.mp4', 'b*.mp4', 'c{1}.mp4', 'udp:x.mp4']) {
      writeFileSync(at(name), readFileSync(at('film.mp4')));
      expect((await show(at(name))).times.length).toBe(10);
    }
  });
});

describe('names in messages', () => {
  it('have no credentials, terminal escapes or line breaks', async () => {
    for (const source of [
      'http://user:s3cret@127.0.0.1:9/x?token=s3cret',
      'rtsp://u:s3cret@127.0.0.1:9/x',
      'missing\u001b[2Js.mp4',
      'missing\n.mp4',
      'none\u202e/*.png',
      'none\u001b.heic',
      { lavfi: 'no\u001b[2Jsuch' },
    ]) {
      const { message } = (await refusal(source))!;
      expect(message).not.toMatch(/s3cret|\p{Cc}|\u202e/u);
    }
    for (const name of ['a\u001b.mp4', 'a\u001b.heic', 'a\u001b.tga']) {
      writeFileSync(at(name), 'no video\n'.repeat(20));
      expect((await refusal(at(name)))!.message).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe('files', () => {
  const playlists: Record<string, string> = {
    ffconcat: 'ffconcat version 1.0\nfile film.mp4\n',
    hls: '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfilm.mp4\n#EXT-X-ENDLIST\n',
    sdp:
      'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 ' +
      'H264/90000\n',
    dash:
      '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" ' +
      'mediaPresentationDuration="PT1S"><Period><AdaptationSet><Representation id="1" ' +
      'mimeType="video/mp4"><BaseURL>film.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>',
    text: 'A text, which FFmpeg would show as a terminal.\n'.repeat(50),
  };
  const names = [
    'evil.mp4',
    'evil.mkv',
    'evil.m3u8',
    'evil.ffconcat',
    'evil.sdp',
    'evil.mpd',
    'evil.jpg',
    'evil%d.mp4',
    'evil',
    'evil*.mp4',
  ];

  it.each(Object.keys(playlists).flatMap((kind) => names.map((name) => [kind, name] as const)))(
    '%s in %s plays nothing',
    async (kind, name) => {
      writeFileSync(at(name), playlists[kind]!);
      expect((await refusal(at(name)))?.code).toBe('VIDEO_UNREADABLE');
    },
  );

  it.each([...Object.keys(playlists), 'film'])('%s as a picture of a folder is refused', async (kind) => {
    const pictures = at(`pictures-${kind}`);
    mkdirSync(pictures);
    await writeImage(join(pictures, '1.png'), numberedPicture(1, 32, 32));
    writeFileSync(join(pictures, 'film.mp4'), readFileSync(at('film.mp4')));
    // A film stays one under a picture's name; only its first picture is shown.
    writeFileSync(join(pictures, '2.jpg'), kind === 'film' ? readFileSync(at('film.mp4')) : playlists[kind]!);
    const { times, error } = await show(pictures);
    expect([times.length, error?.code]).toEqual(kind === 'film' ? [2, undefined] : [1, 'VIDEO_UNREADABLE']);
  });

  it('that are named like a pattern show one picture', async () => {
    await writeImage(at('n1.png'), numberedPicture(40, 32, 32));
    writeFileSync(at('n%d.png'), readFileSync(at('n1.png')));
    await writeImage(at('n2.png'), numberedPicture(2, 32, 32));
    expect((await show(at('n%d.png'))).times.length).toBe(1);
  });
});

describe('addresses', () => {
  it.each([
    ['hls', (path: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${path}\n#EXT-X-ENDLIST\n`],
    ['hls', (path: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nconcat:${path}\n#EXT-X-ENDLIST\n`],
    ['ffconcat', (path: string) => `ffconcat version 1.0\nfile file://${path}\n`],
  ] as const)('%s from a server reads no file of this machine', async (_, text) => {
    const server = createServer((__, response) => response.end(text(at('film.mp4'))));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const error = await refusal(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x.m3u8`);
      expect(error?.code).toMatch(/^(STREAM_UNREACHABLE|STREAM_LOST|VIDEO_\w+)$/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('pixelLimit', () => {
  it('refuses what a container states, before a picture is decoded', async () => {
    const path = await writeNumbered(at('large.mkv'), evenTimes(3), { width: 640, height: 480 });
    expect(await refusal(path, { pixelLimit: 640 * 480 - 1 })).toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    expect(await refusal(path, { pixelLimit: 640 * 480 })).toBeUndefined();
    for (const pixelLimit of [0, -1, NaN])
      expect(await refusal(path, { pixelLimit })).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('keeps a small file of a huge picture from taking memory', async () => {
    writeFileSync(at('huge.png'), blankPng(16_000, 16_000));
    const before = process.memoryUsage().rss;
    const error = await refusal(at('huge.png'));
    expect(error?.code).toMatch(/IMAGE_TOO_LARGE|VIDEO_BROKEN/);
    expect(error?.message).toContain('35,389,440');
    // Decoded, it would take 256 MB.
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  it('ends a video that grows beyond it', async () => {
    const parts = ['small', 'big'].map((name) => at(`${name}.png`));
    await writeImage(parts[0]!, numberedPicture(1, 64, 64));
    await writeImage(parts[1]!, numberedPicture(1, 256, 256));
    const growing = at('growing');
    mkdirSync(growing);
    parts.forEach((path, i) => writeFileSync(join(growing, `${i}.png`), readFileSync(path)));
    const { times, error } = await show(growing, { pixelLimit: 64 * 64 });
    expect(times.length).toBe(1);
    expect(error?.code).toMatch(/IMAGE_TOO_LARGE|VIDEO_BROKEN/);
  });
});

/** A gray PNG of zeros, as small as it gets. */
function blankPng(width: number, height: number): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const bytes = Buffer.alloc(12 + body.length);
    bytes.writeUInt32BE(body.length, 0);
    bytes.write(type, 4, 'latin1');
    body.copy(bytes, 8);
    bytes.writeUInt32BE(crc(bytes.subarray(4, 8 + body.length)), 8 + body.length);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const rows = deflateSync(Buffer.alloc(height * (width + 1)));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}
