import { expect, it } from 'vitest';
import { damageLines, earlyLines, streamLines } from './streams-report.ts';

it('names what is left out, converted, repaired and dropped, and nothing else', () => {
  const copied = { kind: 'audio', from: 'aac', to: 'aac', packets: 9, repaired: 0, dropped: 0 } as const;
  expect(streamLines('a.mp4', { leftOut: [], sideStreams: [copied] })).toEqual([]);
  const lines = streamLines('a.mp4', {
    leftOut: [
      { kind: 'subtitles', codec: 'hdmv_pgs_subtitle', reason: 'MP4 has no bitmap subtitles' },
      { kind: 'chapters', codec: 'none', reason: 'they are metadata' },
      { kind: 'video', codec: 'h264', reason: 'one is written' },
      { kind: 'hdr', codec: 'HDR10+', reason: 'it is not written' },
    ],
    sideStreams: [
      { ...copied, from: 'pcm_s16le' },
      { ...copied, repaired: 2, dropped: 1 },
    ],
  });
  expect(lines).toEqual([
    'facedet: a.mp4: subtitles (hdmv_pgs_subtitle) are left out: MP4 has no bitmap subtitles',
    'facedet: a.mp4: the chapters are left out: they are metadata',
    'facedet: a.mp4: a further video track (h264) is left out: one is written',
    'facedet: a.mp4: HDR metadata (HDR10+) is left out: it is not written',
    'facedet: a.mp4: sound converted from pcm_s16le to aac',
    'facedet: a.mp4: sound: of 10 packets 2 had bad times that were repaired, 1 were dropped',
  ]);
});

it('says where look-ahead was shorter than asked for', () => {
  expect(earlyLines('a.mp4', { earlyResults: 0 })).toEqual([]);
  expect(earlyLines('a.mp4', { earlyResults: 3 })).toEqual([
    expect.stringMatching(/^facedet: a\.mp4: look-ahead was shorter .* in 3 frames: /),
  ]);
});

it('says how many frames are damaged in the source', () => {
  expect(damageLines('a.ts', { damagedFrames: 0, totalFrames: 9 })).toEqual([]);
  const rest = 'the decoder filled in what is missing, faces there may not be found';
  expect([
    ...damageLines('a.ts', { damagedFrames: 1, firstDamage: 0, totalFrames: 1 }),
    ...damageLines('a.ts', { damagedFrames: 2, firstDamage: 1.324, totalFrames: 9 }),
  ]).toEqual([
    `facedet: a.ts: 1 of 1 frame is damaged in the source, the first at 0.00 s; ${rest}`,
    `facedet: a.ts: 2 of 9 frames are damaged in the source, the first at 1.32 s; ${rest}`,
  ]);
});
