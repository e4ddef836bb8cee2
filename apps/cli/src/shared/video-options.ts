import { extname } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { TrackerPreset, TrackerOptions } from '@facedet/tracker';
import type { VideoCodec, VideoWriterOptions } from '@facedet/video-node';
import { usageError } from './errors.ts';
import type { DetectorFlags } from './model-option.ts';
import { integerIn, numberIn, oneOf } from './options.ts';
import { isStandardOutput } from './paths.ts';

/** What `withTrackingOptions` parses. */
export interface TrackingFlags {
  trackerPreset?: TrackerPreset;
}

/** What `withEncodingOptions` parses. */
export interface EncodingFlags {
  codec?: VideoCodec;
  bitDepth?: 8 | 10;
  toneMap?: 'sdr';
  crf?: number;
  encoderPreset?: string;
  encoderThreads?: number;
  audio?: boolean;
}

/** Adds the options of the tracker; `preset` is the command's default. */
export function withTrackingOptions(
  command: Command,
  { preset = 'balanced' }: { preset?: TrackerPreset } = {},
): Command {
  return command.addOption(
    new Option(
      '--tracker-preset <name>',
      `conservative: fewer tracks; aggressive: more tracks (default: ${preset})`,
    ).argParser(oneOf('conservative', 'balanced', 'aggressive')),
  );
}

/** Adds the options of the encoder; `audio: false` for commands whose output has no audio. */
export function withEncodingOptions(command: Command, { audio = true } = {}): Command {
  command
    .addOption(
      new Option('--codec <name>', 'h264, hevc, vp9 or av1 (default: h264; hevc for 10 bits, vp9 in .webm)').argParser(
        oneOf('h264', 'hevc', 'vp9', 'av1'),
      ),
    )
    .addOption(
      new Option(
        '--bit-depth <bits>',
        'bits per sample, 8 or 10; 10 keeps 10-bit sources (HDR) as they are, not with h264 (default: 8)',
      ).argParser(parseBitDepth),
    )
    .addOption(
      new Option(
        '--tone-map <what>',
        'sdr converts HDR sources (HLG, PQ) to SDR (BT.709); other sources stay as they are',
      ).argParser(oneOf('sdr')),
    )
    .addOption(
      new Option(
        '--crf <quality>',
        'constant quality, lower is better (default: 23 for h264, 25 for hevc, 33 for vp9, 35 for av1)',
      ).argParser(numberIn(0, 63)),
    )
    .option(
      '--encoder-preset <name>',
      "the encoder's speed setting: ultrafast to placebo for h264 (default: veryfast) and hevc (superfast), " +
        '0 to 8 for vp9 (5), 0 to 13 for av1 (10)',
    )
    .addOption(
      new Option(
        '--encoder-threads <count>',
        'threads of the encoder (default: one per core up to 8, half the cores above 16)',
      ).argParser(integerIn(1, 64)),
    );
  return audio ? command.option('--no-audio', 'drop the audio of the source') : command;
}

/** What `withOnErrorOption` parses. */
export interface ErrorFlags {
  onError?: 'skip' | 'stop';
}

/** Adds `--on-error`. */
export function withOnErrorOption(command: Command, help: string): Command {
  return command.addOption(new Option('--on-error <what>', help).argParser(oneOf('skip', 'stop')));
}

/** `10` or `forever`. */
export function parseReconnects(text: string): number | 'forever' {
  const word = text.trim();
  if (word === 'forever') return word;
  if (!/^\d{1,9}$/.test(word)) throw new InvalidArgumentError('Expected a whole number of at least 0, or forever.');
  return Number(word);
}

/** `8` or `10`. */
export function parseBitDepth(text: string): 8 | 10 {
  const bits = Number(text);
  if (bits !== 8 && bits !== 10) throw new InvalidArgumentError('Expected 8 or 10.');
  return bits;
}

/** The flags as options of the writer. */
export function encodingOptions({
  codec,
  bitDepth,
  toneMap,
  crf,
  encoderPreset,
  encoderThreads,
  audio,
}: EncodingFlags): Omit<VideoWriterOptions, 'like' | 'resume'> {
  return {
    ...(audio !== undefined && { audio }),
    ...(codec && { codec }),
    // The default is left out: with and without it a run is the same, and can be continued.
    ...(bitDepth === 10 && { bitDepth }),
    ...(toneMap && { toneMap }),
    ...(crf !== undefined && { crf }),
    ...(encoderPreset && { preset: encoderPreset }),
    ...(encoderThreads && { threads: encoderThreads }),
  };
}

/** The score threshold of a detector in front of a tracker: its second association needs faces of low scores. */
export const TRACKER_LOW = 0.1;

/**
 * The score threshold of `facedet anonymize`. It is lower than that of detection: a false face costs a patch of
 * background, a missed one shows a person.
 */
export const ANONYMIZE_SCORE = 0.2;

/**
 * The tracker preset of `facedet anonymize`: tracks start early and stay alive long, to mask a face between two
 * detections.
 */
export const ANONYMIZE_PRESET: TrackerPreset = 'aggressive';

/** The lowest score of an anonymizing tracker's first association, and its look-ahead in seconds. */
export const ANONYMIZE_HIGH = 0.3;
export const ANONYMIZE_LOOK_AHEAD = 1;

/** The flags as options of the tracker; `--score` is its high threshold. */
export function trackerOptions({ trackerPreset, score }: TrackingFlags & Pick<DetectorFlags, 'score'>): TrackerOptions {
  return {
    ...(trackerPreset && { preset: trackerPreset }),
    ...(score !== undefined && { highScoreThreshold: score, lowScoreThreshold: Math.min(TRACKER_LOW, score) }),
  };
}

/** `3` or `auto`. */
export function parseDetectEvery(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (!(value >= 1 && value <= 10_000))
    throw new InvalidArgumentError('Expected a whole number of at least 1, or auto.');
  return value;
}

/** The videos that are written. */
export const WRITTEN_VIDEOS = ['.mp4', '.m4v', '.mov', '.mkv', '.webm'];

const NAMED_PRESETS = [
  'ultrafast',
  'superfast',
  'veryfast',
  'faster',
  'fast',
  'medium',
  'slow',
  'slower',
  'veryslow',
  'placebo',
];

/** The speed settings that each encoder knows, slowest last where they have names. */
const ENCODER_PRESETS: Record<VideoCodec, readonly string[]> = {
  h264: NAMED_PRESETS,
  hevc: NAMED_PRESETS,
  vp9: Array.from({ length: 9 }, (_, speed) => String(speed)),
  av1: Array.from({ length: 14 }, (_, speed) => String(speed)),
};

/** Throws a usage error (exit code 2) where no video can be written under this name with these settings. */
export function checkVideo(path: string, { codec, bitDepth, crf = 0, encoderPreset }: EncodingFlags): void {
  const extension = extname(path).toLowerCase();
  if (isStandardOutput(path))
    throw usageError(
      'expected a file for the video but received standard output; name a file, as the encoder has to seek in it',
    );
  if (!WRITTEN_VIDEOS.includes(extension))
    throw usageError(`${path}: expected a name that ends in ${WRITTEN_VIDEOS.join(', ')}`);
  if (extension === '.webm' && (codec === 'h264' || codec === 'hevc'))
    throw usageError(`${path}: expected vp9 or av1 in a WebM but received ${codec}`);
  if (extension === '.mov' && (codec === 'vp9' || codec === 'av1'))
    throw usageError(`${path}: expected h264 or hevc in QuickTime but received ${codec}; name the file .mp4 or .mkv`);
  const chosen = codec ?? (extension === '.webm' ? 'vp9' : bitDepth === 10 ? 'hevc' : 'h264');
  if (bitDepth === 10 && chosen === 'h264')
    throw usageError(
      'expected --codec hevc, av1 or vp9 for --bit-depth 10 but received h264; few players decode 10-bit H.264',
    );
  if ((chosen === 'h264' || chosen === 'hevc') && crf > 51)
    throw usageError(`expected --crf from 0 to 51 for ${chosen} but received ${crf}`);
  const known = ENCODER_PRESETS[chosen];
  if (encoderPreset !== undefined && !known.includes(encoderPreset))
    throw usageError(`expected --encoder-preset ${listed(known)} for ${chosen} but received ${encoderPreset}`);
}

function listed(presets: readonly string[]): string {
  return presets[0] === '0' ? `0 to ${presets.at(-1)}` : presets.join(', ');
}

/** `ff8000` → red, green, blue. */
export function parseColor(text: string): [number, number, number] {
  const found = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim());
  if (!found) throw new InvalidArgumentError('Expected a color as six hexadecimal digits, like ff8000.');
  return [parseInt(found[1]!, 16), parseInt(found[2]!, 16), parseInt(found[3]!, 16)];
}

/** `3,7` → track IDs. */
export function parseTrackIds(text: string): number[] {
  const ids = text.split(',').map((id) => (/^\s*\d+\s*$/.test(id) ? Number(id) : 0));
  if (!ids.every((id) => Number.isSafeInteger(id) && id >= 1))
    throw new InvalidArgumentError('Expected track IDs as whole numbers, like 3,7.');
  return ids;
}
