import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { openVideo } from './open-video.ts';

/**
 * A small RTSP server (RFC 2326, interleaved over TCP) that sends `frames` pictures of a test source to each client and
 * then hangs up. FFmpeg packs the RTP packets and sends them to a socket here, which passes them on.
 */
async function rtspServer(
  frames: number,
  clients: number,
): Promise<{ url: string; served: () => number; close: () => void }> {
  let served = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    open.add(client);
    client.on('close', () => open.delete(client)).on('error', () => {});
    let text = '';
    client.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end);
        text = text.slice(end + 4);
        void answer(client, request);
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `rtsp://127.0.0.1:${(server.address() as AddressInfo).port}/camera`;
  const sdp =
    'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n' +
    'm=video 0 RTP/AVP 32\r\na=control:track\r\n';

  async function answer(client: Socket, request: string): Promise<void> {
    const [method] = request.split(' ');
    const reply = (headers: string, body = '') => {
      const number = /CSeq: *(\d+)/i.exec(request)?.[1];
      const length = body ? `Content-Length: ${body.length}\r\n` : '';
      client.write(`RTSP/1.0 200 OK\r\nCSeq: ${number}\r\n${headers}${length}\r\n${body}`);
    };
    if (method === 'OPTIONS') reply('Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n');
    else if (method === 'DESCRIBE') reply(`Content-Base: ${url}/\r\nContent-Type: application/sdp\r\n`, sdp);
    else if (method === 'SETUP') reply('Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n');
    else if (method === 'PLAY') {
      reply('Session: 1\r\n');
      if (++served > clients) return void client.destroy();
      await send(client).catch(() => {});
      client.destroy();
    } else reply('Session: 1\r\n');
  }

  async function send(client: Socket): Promise<void> {
    const ffmpeg = await loadFfmpeg();
    const socket: UdpSocket = createSocket('udp4');
    socket.on('message', (packet) => {
      if (!client.writable) return;
      const header = Buffer.from([36, 0, packet.length >> 8, packet.length & 255]);
      client.write(Buffer.concat([header, packet]));
    });
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    const target = `rtp://127.0.0.1:${socket.address().port}`;
    const output = new ffmpeg.FormatContext();
    output.allocOutputContext2(null, 'rtp', target);
    const encoder = new ffmpeg.CodecContext();
    const codec = ffmpeg.Codec.findEncoderByName('mpeg1video' as never)!;
    encoder.allocContext3(codec);
    encoder.width = 128;
    encoder.height = 96;
    encoder.pixelFormat = ffmpeg.constants.AV_PIX_FMT_YUV420P;
    encoder.timeBase = new ffmpeg.Rational(1, 25);
    encoder.framerate = new ffmpeg.Rational(25, 1);
    encoder.gopSize = 5;
    encoder.maxBFrames = 0;
    await encoder.open2(codec, null);
    const stream = output.newStream(null);
    stream.timeBase = encoder.timeBase;
    stream.codecpar.fromContext(encoder);
    await output.openOutput();
    await output.writeHeader(null);
    const packet = new ffmpeg.Packet();
    packet.alloc();
    const source = await openVideo({ lavfi: `testsrc2=size=128x96:rate=25:duration=${frames / 25},format=yuv420p` });
    for await (const frame of source) {
      const picture = frame.native().clone()!;
      picture.pts = BigInt(frame.index);
      await encoder.sendFrame(picture);
      picture.free();
      frame.close();
      while ((await encoder.receivePacket(packet)) >= 0) {
        packet.streamIndex = 0;
        packet.rescaleTs(encoder.timeBase, stream.timeBase);
        await output.writeFrame(packet);
        packet.unref();
      }
      await new Promise((done) => setTimeout(done, 8));
    }
    await output.writeTrailer();
    await output.closeOutput();
    output.freeContext();
    encoder.freeContext();
    packet.free();
    await new Promise((done) => setTimeout(done, 50));
    socket.close();
  }

  return {
    url,
    served: () => served,
    close() {
      for (const client of open) client.destroy();
      server.close();
    },
  };
}

let close: (() => void) | undefined;
afterEach(() => close?.());

it('follows an RTSP camera that goes away and comes back', async () => {
  const server = await rtspServer(100, 2);
  close = server.close;
  const video = await openVideo(server.url, { reconnects: 2, dropLate: false });
  expect([video.metadata.live, video.metadata.kind, video.metadata.duration]).toEqual([true, 'stream', null]);
  const times: number[] = [];
  await expect(async () => {
    for await (const frame of video) {
      expect([frame.width, frame.height, frame.index]).toEqual([128, 96, times.length]);
      times.push(frame.timestamp);
      frame.close();
    }
  }).rejects.toMatchObject({ code: 'STREAM_LOST' });
  await video.close();
  expect(video.statistics.reconnects).toBe(1);
  expect(server.served()).toBeGreaterThanOrEqual(2);
  expect(times.length).toBeGreaterThan(120); // of 200; the first ones tell what the stream is
  times.slice(1).forEach((t, i) => expect(t).toBeGreaterThan(times[i]!));
});
