import { describe, expect, it } from 'vitest';
import { createProgram } from '../program.ts';
import { checkVideo } from './video-options.ts';

/** The help text on one line. */
function help(name: string): string {
  return createProgram()
    .commands.find((command) => command.name() === name)!
    .helpInformation()
    .replace(/\s+/g, ' ');
}

describe('the help', () => {
  it('shows the defaults of each command', () => {
    expect(help('detect')).toContain('score threshold, 0 to 1; higher returns fewer false faces (default: 0.5)');
    expect(help('video')).toContain('score threshold, 0 to 1; higher returns fewer false faces (default: 0.5)');
    expect(help('video')).toContain('(default: balanced)');
    expect(help('anonymize')).toContain('(default: 0.2 for pictures; all detections of a track together for videos)');
    expect(help('anonymize')).toContain('(default: aggressive)');
  });

  it('offers to leave out sound only where there may be some', () => {
    expect(help('video')).toContain('--no-audio');
    expect(help('anonymize')).toContain('--no-audio');
    expect(help('synth')).not.toContain('--no-audio');
  });
});

describe('how a video is to be written', () => {
  it('takes what its encoder knows', () => {
    for (const [path, flags] of [
      ['a.mp4', { encoderPreset: 'slow', crf: 51 }],
      ['a.webm', { encoderPreset: '8', crf: 63 }],
      ['a.mkv', { codec: 'av1', encoderPreset: '13' }],
      ['a.mp4', { codec: 'hevc', encoderPreset: 'slow', crf: 51 }],
      ['a.mp4', { bitDepth: 10, encoderPreset: 'slow' }],
      ['a.webm', { bitDepth: 10, encoderPreset: '8', crf: 63 }],
      ['a.mp4', { bitDepth: 10, codec: 'av1', encoderPreset: '13' }],
      ['a.mp4', { bitDepth: 8, codec: 'h264' }],
    ] as const)
      expect(() => checkVideo(path, flags)).not.toThrow();
  });

  it('is refused before anything runs where the encoder would refuse it', () => {
    for (const [path, flags, message] of [
      ['a.avi', {}, /ends in \.mp4/],
      ['a.webm', { codec: 'h264' }, /expected vp9 or av1/],
      ['a.mp4', { encoderPreset: 'quick' }, /ultrafast, .*, placebo for h264 but received quick/],
      ['a.webm', { encoderPreset: 'fast' }, /0 to 8 for vp9 but received fast/],
      ['a.mp4', { codec: 'av1', encoderPreset: '14' }, /0 to 13 for av1/],
      ['a.mov', { crf: 52 }, /0 to 51 for h264 but received 52/],
      ['a.webm', { codec: 'hevc' }, /expected vp9 or av1/],
      ['a.mp4', { codec: 'h264', bitDepth: 10 }, /hevc, av1 or vp9 for --bit-depth 10 but received h264/],
      ['a.mp4', { bitDepth: 10, crf: 52 }, /0 to 51 for hevc/],
      ['a.mp4', { bitDepth: 10, encoderPreset: '5' }, /placebo for hevc but received 5/],
    ] as const)
      expect(() => checkVideo(path, flags)).toThrow(message);
  });
});
