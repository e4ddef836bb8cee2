import type { FormatContext } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';

/** A named part of a video. */
export interface Chapter {
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  readonly title: string;
}

// FFmpeg's log has one callback per process, so the descriptions are made one after the other.
let last: Promise<unknown> = Promise.resolve();

/**
 * The chapters of an open container, with times on the container's clock. node-av has no list of them, so they are
 * parsed from the description of the container that FFmpeg writes to its log.
 */
export function readChapters(ffmpeg: Ffmpeg, format: FormatContext): Promise<Chapter[]> {
  const made = last.then(async () => parseChapters(await describe(ffmpeg, format)));
  last = made.catch(() => {});
  return made;
}

async function describe({ constants, Log }: Ffmpeg, format: FormatContext): Promise<string[]> {
  const parts: string[] = [];
  const end = `facedet ${Math.random()}`;
  await new Promise<void>((done) => {
    // Time limit in case the end marker never arrives.
    const limit = setTimeout(done, 500);
    Log.setCallback(
      (_, message) => {
        if (message.includes(end)) {
          clearTimeout(limit);
          done();
        } else parts.push(message);
      },
      { maxLevel: constants.AV_LOG_INFO },
    );
    format.dumpFormat(0, '', false);
    Log.log(constants.AV_LOG_INFO, end);
  });
  Log.setCallback(null);
  return parts;
}

/** Parses FFmpeg's description; exported for its test. */
export function parseChapters(parts: readonly string[]): Chapter[] {
  const chapters: { start: number; end: number; title: string }[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (/^\s*Chapter #\d+:\d+: $/.test(part)) {
      // Other threads may log between these lines.
      const near = parts.slice(i + 1, i + 9);
      const start = near.map((next) => /^start (-?\d+(?:\.\d+)?), $/.exec(next)).find(Boolean);
      const end = near.map((next) => /^end (-?\d+(?:\.\d+)?)$/.exec(next)).find(Boolean);
      if (start && end) chapters.push({ start: Number(start[1]), end: Number(end[1]), title: '' });
    } else if (/^ {8}title {11}: $/.test(part) && chapters.length > 0) {
      const lines = [parts[i + 1] ?? ''];
      for (i += 2; /^\n\s+: $/.test(parts[i] ?? ''); i += 2) lines.push(parts[i + 1] ?? '');
      i--;
      chapters.at(-1)!.title = lines.join(' ').trim();
    } else if (/^\s*Stream #/.test(part)) break;
  }
  return chapters;
}

/** Chapters on the output's clock, without those that end before its start. */
export function moveChapters(chapters: readonly Chapter[], startTime: number): Chapter[] {
  return chapters
    .map(({ start, end, title }) => ({ start: Math.max(0, start - startTime), end: end - startTime, title }))
    .filter(({ end }) => end > 0);
}

/**
 * Nero's chapter list for MP4 files (`chpl` in the movie's `udta`), which FFmpeg, VLC, mpv and others read: at most 255
 * chapters, each with a start in units of 100 ns and a title of at most 255 bytes.
 */
export function chapterBox(chapters: readonly Chapter[]): Buffer {
  const entries = chapters.slice(0, 255).map(({ start, title }) => {
    let name = Buffer.from(title);
    // Never cut within a character.
    for (let length = title.length; name.length > 255;) name = Buffer.from(title.slice(0, --length));
    const entry = Buffer.alloc(9);
    entry.writeBigUInt64BE(BigInt(Math.round(start * 1e7)), 0);
    entry.writeUInt8(name.length, 8);
    return Buffer.concat([entry, name]);
  });
  const head = Buffer.alloc(9);
  head.writeUInt8(1, 0);
  head.writeUInt8(entries.length, 8);
  return box('chpl', head, ...entries);
}

/** A movie index with one more box in its user data. */
export function withUserData(moov: Buffer, added: Buffer): Buffer {
  for (let at = 8; at + 8 <= moov.length;) {
    const size = moov.readUInt32BE(at);
    if (size < 8) break;
    if (moov.toString('latin1', at + 4, at + 8) === 'udta') {
      const userData = box('udta', moov.subarray(at + 8, at + size), added);
      return box('moov', moov.subarray(8, at), userData, moov.subarray(at + size));
    }
    at += size;
  }
  return box('moov', moov.subarray(8), box('udta', added));
}

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}
