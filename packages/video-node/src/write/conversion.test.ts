import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerFor, extensionFor } from './containers.ts';
import { createSideClock, type Position } from './side-clock.ts';
import { convertSubtitle } from './subtitle-conversion.ts';

describe('containerFor', () => {
  const chosen = (source: string, audio: string[], subtitles: string[] = [], container = 'x') =>
    containerFor({
      source,
      container,
      audioStreams: audio.map((codec, index) => ({ codec, index })),
      subtitleStreams: subtitles.map((codec, index) => ({ codec, index })),
    });

  it('names the container that keeps most of a source', () => {
    expect(chosen('a.mp4', ['aac'], ['mov_text'])).toBe('mp4');
    expect(chosen('a.ts', ['aac', 'mp2'])).toBe('mp4');
    expect(chosen('a.avi', ['pcm_s16le'])).toBe('mov');
    expect(chosen('a.avi', ['adpcm_ima_wav'])).toBe('mkv');
    expect(chosen('a.MOV', ['aac'])).toBe('mov');
    expect(chosen('a.mkv', ['aac'], ['hdmv_pgs_subtitle'], 'matroska,webm')).toBe('mkv');
    expect(chosen('a.ts', ['ac3'], ['dvb_subtitle'])).toBe('mkv');
    expect(chosen('a.webm', ['vorbis'], [], 'matroska,webm')).toBe('mkv');
    expect(chosen('a.mkv', [], [], 'matroska,webm')).toBe('mkv');
    expect(chosen('a.avi', [])).toBe('mp4');
  });
});

describe('extensionFor', () => {
  const extension = (source: string, audio: string[], subtitles: string[] = [], choice = {}) =>
    extensionFor(
      {
        source,
        container: 'x',
        audioStreams: audio.map((codec, index) => ({ codec, index })),
        subtitleStreams: subtitles.map((codec, index) => ({ codec, index })),
      },
      choice,
    );

  it('keeps a supported extension, unless another container keeps more', () => {
    expect(['a.mp4', 'a.M4V', 'a.mov', 'a.mkv', 'a.webm'].map((name) => extension(name, []))).toEqual([
      '.mp4',
      '.M4V',
      '.mov',
      '.mkv',
      '.webm',
    ]);
    // Audio is converted; bitmap subtitles can't be.
    expect(extension('a.mp4', ['pcm_s16le'])).toBe('.mp4');
    expect(extension('a.mp4', ['aac'], ['hdmv_pgs_subtitle'])).toBe('.mkv');
    expect(extension('a.avi', ['pcm_s16le'])).toBe('.mov');
    expect(extension('a.avi', ['pcm_s16le'], [], { audio: false })).toBe('.mp4');
  });

  it('chooses a container that supports the video codec', () => {
    expect(extension('a.mov', ['pcm_s16le'], [], { codec: 'vp9' })).toBe('.mkv');
    expect(extension('a.mov', ['aac'], [], { codec: 'av1' })).toBe('.mp4');
    expect(extension('a.webm', ['opus'], [], { codec: 'h264' })).toBe('.mp4');
    expect(extension('a.webm', ['opus'], [], { codec: 'av1' })).toBe('.webm');
  });
});

describe('text subtitles', () => {
  const text = (data: string, from: string, to: 'mov_text' | 'subrip' | 'webvtt') =>
    convertSubtitle(Buffer.from(data), from, to)?.toString('utf8', to === 'mov_text' ? 2 : 0);

  it('keep their words, lines and simple styles', () => {
    expect(text('<font color="red">Hi</font> <i>you</i>\r\n2 < 3', 'subrip', 'webvtt')).toBe('Hi <i>you</i>\n2 &lt; 3');
    expect(text('Hi <i>you</i>', 'subrip', 'mov_text')).toBe('Hi you');
    expect(text('0,0,Default,,0,0,0,,{\\i1}One, two{\\i0}\\N{\\an8}three', 'ass', 'subrip')).toBe(
      '<i>One, two</i>\nthree',
    );
    expect(text('1,0,Default,,0,0,0,,{\\p1}m 0 0 l 1 1', 'ass', 'subrip')).toBeUndefined();
    expect(text('<v Anna>Hello</v> <00:00:01.000>there &amp; here', 'webvtt', 'subrip')).toBe('Hello there & here');
    expect(convertSubtitle(Buffer.from('\0\x02Hi????'), 'mov_text', 'subrip')?.toString()).toBe('Hi');
    expect(convertSubtitle(Buffer.from('\0\0'), 'mov_text', 'subrip')).toBeUndefined();
  });

  it('convert any bytes to text or nothing, quickly', () => {
    const codec = fc.constantFrom('subrip', 'ass', 'mov_text', 'webvtt', 'text');
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        codec,
        fc.constantFrom('mov_text', 'subrip', 'webvtt'),
        (bytes, from, to) => {
          const made = convertSubtitle(Buffer.from(bytes), from, to as 'subrip');
          if (made && to === 'mov_text') expect(made.readUInt16BE(0)).toBe(made.length - 2);
          if (made && to === 'webvtt') expect(made.toString()).not.toMatch(/<(?!\/?[biu]>)/);
        },
      ),
    );
    expect(text('<'.repeat(100_000), 'subrip', 'webvtt')?.length).toBe(400_000);
    expect(text('{'.repeat(100_000), 'ass', 'webvtt')?.length).toBe(100_000);
  });
});

describe('side clock', () => {
  it('moves audio with the pictures, waits for them, and closes a jump of the audio clock alone', () => {
    const clock = createSideClock(10, true);
    const sound: Position = { origin: 0 };
    const place = (seconds: number, reached = 100) => {
      const out = clock.place(sound, seconds, reached, false);
      if (out !== undefined) sound.end = out + 0.1;
      return out;
    };
    expect(place(10)).toBeCloseTo(0, 6);
    expect(place(10.1)).toBeCloseTo(0.1, 6);
    // The clock starts over: it is not known yet whether that of the pictures does.
    expect(place(0, 0.2)).toBeUndefined();
    clock.jump(0.2, -0.2);
    expect(place(0, 0.2)).toBeCloseTo(0.2, 6);
    expect(place(0.1)).toBeCloseTo(0.3, 6);
    // Only the audio clock jumped: the audio continues where it was.
    expect(place(5000, 1)).toBeUndefined();
    expect(place(5000, 4)).toBeCloseTo(0.4, 6);
    expect(place(5000.1, 4)).toBeCloseTo(0.5, 6);
  });
});
