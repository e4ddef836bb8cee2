import { existsSync, readFileSync } from 'node:fs';
import { readImage } from '@facedet/runtime-node';
import { openVideo } from '@facedet/video-node';
import type { Ended } from './run-command.ts';

/** Milliseconds that a command may take. */
export const LONGEST_MS = 20_000;
const MOST_BYTES = 1e9;
/** A mask is black; encoders of films lose a little. */
const DARK = 40;

/** Calls the command. */
export type Command = (args: readonly string[]) => Promise<Ended>;

/** How a command ended, and what is wrong with that and with what it wrote. */
export interface Checked {
  readonly ended: Ended;
  readonly faults: string[];
}

function faultsOfEnd({ code, signal, stderr, isHung, peak }: Ended, allowed: readonly number[]): string[] {
  const faults: string[] = [];
  if (isHung) faults.push(`did not end within ${LONGEST_MS / 1000} s`);
  else if (signal !== null) faults.push(`ended by ${signal}`);
  else if (!allowed.includes(code!)) faults.push(`exit code ${code}`);
  if (/\[INTERNAL\]/.test(stderr)) faults.push('INTERNAL');
  if (stderr.split('\n').some((line) => /^ {1,8}at .*:\d/.test(line))) faults.push('a stack on standard error');
  if (stderr.split('\n').some((line) => line.length > 1300)) faults.push('a line of more than 1,300 characters');
  if (code === 1 && !/\[[A-Z_]+\]/.test(stderr)) faults.push('exit code 1 without a reason');
  if (peak > MOST_BYTES) faults.push(`${Math.round(peak / 1e6)} MB of memory`);
  return faults;
}

/** Frames of an output, all of which have to be masked; throws where it does not play. */
async function maskedFrames(path: string): Promise<{ frames: number; faults: string[] }> {
  const video = await openVideo(path);
  const faults: string[] = [];
  let frames = 0;
  try {
    for await (const frame of video) {
      const { data } = await frame.rasterize(48, 32);
      frame.close();
      if (data.some((value) => value > DARK) && faults.length === 0) faults.push(`frame ${frames} is not masked`);
      frames++;
    }
  } finally {
    await video.close();
  }
  return { frames, faults };
}

function rowsOf(path: string): { rows: number; faults: string[] } {
  const rows = readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { frame: number; timestamp: number });
  const wrong = rows.findIndex(
    ({ frame, timestamp }, i) => frame !== i || !(timestamp > (rows[i - 1]?.timestamp ?? -1)),
  );
  return { rows: rows.length, faults: wrong < 0 ? [] : [`row ${wrong} is out of order`] };
}

/** `video --jsonl`: rows of a film; their number is known where the command has succeeded. */
export async function follow(facedet: Command, input: string, stem: string): Promise<Checked & { rows?: number }> {
  const output = `${stem}.jsonl`;
  const ended = await facedet(['video', input, '--jsonl', output]);
  const faults = faultsOfEnd(ended, [0, 1]);
  if (existsSync(output) !== (ended.code === 0))
    faults.push(ended.code === 0 ? 'no rows' : 'rows under their final name');
  const path = [output, `${output}.partial`].find(existsSync);
  if (path === undefined) return { ended, faults };
  const { rows, faults: wrong } = rowsOf(path);
  return { ended, faults: [...faults, ...wrong], ...(ended.code === 0 && { rows }) };
}

/** `anonymize` of a film; `rows` is the number of frames where that is known. */
export async function hideFilm(facedet: Command, input: string, output: string, rows?: number): Promise<Checked> {
  const ended = await facedet(['anonymize', input, '-o', output, '--effect', 'solid']);
  // A picture in place of a film has no place under a film's name.
  const faults = faultsOfEnd(ended, [0, 1, 2]);
  if (existsSync(output) !== (ended.code === 0))
    faults.push(ended.code === 0 ? 'no output' : 'an output under its final name');
  const path = [output, output.replace(/(\.\w+)$/, '.partial$1')].find(existsSync);
  if (path === undefined) return { ended, faults };
  try {
    const { frames, faults: bare } = await maskedFrames(path);
    faults.push(...bare);
    if (ended.code === 0 && rows !== undefined && frames !== rows) faults.push(`${frames} frames, ${rows} rows`);
  } catch (error) {
    // What a run left that ended before its first fragment has no picture.
    if (ended.code === 0) faults.push(`the output does not play: ${(error as Error).message}`);
  }
  return { ended, faults };
}

/** `anonymize` of a picture into a PNG. */
export async function hidePicture(facedet: Command, input: string, output: string): Promise<Checked> {
  const ended = await facedet(['anonymize', input, '-o', output, '--effect', 'solid']);
  const faults = faultsOfEnd(ended, [0, 1, 2]);
  if (existsSync(output) !== (ended.code === 0))
    faults.push(ended.code === 0 ? 'no output' : 'an output under its final name');
  if (!existsSync(output)) return { ended, faults };
  const image = await readImage(output);
  try {
    const { data } = await image.pixels();
    if (data.some((value, i) => value > DARK && i % 4 !== 3)) faults.push('the picture is not masked');
  } finally {
    image.close();
  }
  return { ended, faults };
}

/** `detect --json`: faces of a picture. */
export async function detect(facedet: Command, input: string): Promise<Checked> {
  const ended = await facedet(['detect', input, '--json']);
  return { ended, faults: faultsOfEnd(ended, [0, 1]) };
}
