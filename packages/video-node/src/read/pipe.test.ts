import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbersOf, show, evenTimes, tempFolder, writeByGraph, writeNumbered } from '../fixtures.ts';
import { createVideoWriter } from '../write/writer.ts';
import { openVideo } from './open-video.ts';

const hasFifo = process.platform !== 'win32' && spawnSync('mkfifo', ['--version']).error === undefined;
if (!hasFifo) process.stderr.write('Tests of named pipes are skipped: there is no mkfifo.\n');
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).error === undefined;
if (!hasFfmpeg)
  process.stderr.write(
    'Tests of an MP4 with its index behind and of further streams are skipped: ffmpeg is not installed.\n',
  );

const folder = tempFolder();
const at = (name: string) => join(folder, name);
const spools = () => readdirSync(tmpdir()).filter((name) => name.startsWith('facedet-pipe-'));
let count = 0;

/** A named pipe that a file is written into, as by another program. */
function fifo(path: string, bytesPerSecond = Infinity): string {
  const pipe = at(`pipe${count++}`);
  execFileSync('mkfifo', [pipe]);
  const from = createReadStream(path, { highWaterMark: 4096 });
  const to = createWriteStream(pipe);
  // Who leaves before the end breaks the pipe.
  to.on('error', () => {});
  if (bytesPerSecond === Infinity) from.pipe(to);
  else
    from
      .on(
        'data',
        (chunk) => (
          from.pause(),
          to.write(chunk),
          setTimeout(() => from.resume(), (chunk.length / bytesPerSecond) * 1000)
        ),
      )
      .on('end', () => to.end());
  return pipe;
}

beforeAll(async () => {
  await writeNumbered(at('front.mp4'), evenTimes(40));
  await writeNumbered(at('film.mkv'), evenTimes(40));
  await writeByGraph(at('film.ts'), { encoder: 'mpeg2video', pixelFormat: 'yuv420p', frames: 40 });
  if (hasFfmpeg) execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', at('film.mkv'), '-c', 'copy', at('behind.mp4')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasFifo)('a named pipe [needs mkfifo]', () => {
  it.each(['front.mp4', 'film.mkv', 'film.ts', ...(hasFfmpeg ? ['behind.mp4'] : [])])(
    'of %s gives the frames of the file',
    async (name) => {
      const before = spools();
      const [piped, file] = [await show(fifo(at(name))), await show(at(name))];
      expect(piped.error).toBeUndefined();
      expect([piped.times.length, piped.times, piped.levels]).toEqual([40, file.times, file.levels]);
      expect(spools()).toEqual(before);
    },
  );

  it('that is slow is read as it arrives', async () => {
    const { levels } = await show(fifo(at('film.mkv'), 200_000));
    expect(numbersOf(levels).length).toBe(40);
  });

  it.skipIf(!hasFfmpeg)('names what it holds besides pictures, sound and subtitles', async () => {
    writeFileSync(at('chapters.txt'), ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n');
    const inputs = ['film.mkv', 'film.mkv', 'chapters.txt'].flatMap((name) => ['-i', at(name)]);
    const attached = ['-attach', at('chapters.txt'), '-metadata:s:t', 'mimetype=text/plain'];
    const streams = ['-map', '0', '-map', '1', '-map_metadata', '2', '-map_chapters', '2', '-c', 'copy'];
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...inputs, ...streams, ...attached, at('rich.mkv')]);
    await using video = await openVideo(fifo(at('rich.mkv')));
    const kinds = video.metadata.otherStreams?.map(({ kind }) => kind);
    expect(kinds).toEqual(['video', 'attachment', 'chapters']);
    const writer = await createVideoWriter(at('rich.out.mkv'), { like: video.metadata });
    expect(writer.leftOut.map(({ kind }) => kind)).toEqual(kinds);
    await writer.close();
    await using file = await openVideo(at('rich.mkv'));
    expect(file.metadata.otherStreams).toBeUndefined();
  });

  it('can be left in the middle', async () => {
    const video = await openVideo(fifo(at('film.ts')));
    for await (const frame of video) {
      frame.close();
      if (frame.index === 3) break;
    }
    await video.close();
  });

  it('ends with the reason of a signal while nothing comes', async () => {
    const pipe = at('silent');
    execFileSync('mkfifo', [pipe]);
    const writer = createWriteStream(pipe);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 200);
    await expect(openVideo(pipe, { signal: stop.signal })).rejects.toThrow('enough');
    writer.destroy();
  });

  it('continues after a frame by reading from the start', async () => {
    const whole = await show(at('film.mkv'));
    const rest = await show(fifo(at('film.mkv')), { after: { index: 29, timestamp: whole.times[29]! } });
    expect([rest.indices[0], rest.times.length]).toEqual([30, 10]);
  });

  it('reports invalid input by error codes', async () => {
    writeFileSync(at('nothing'), '');
    writeFileSync(at('text'), 'text\n'.repeat(100));
    await expect(openVideo(fifo(at('nothing')))).rejects.toMatchObject({ code: 'VIDEO_EMPTY' });
    await expect(openVideo(fifo(at('text')))).rejects.toMatchObject({ code: 'VIDEO_UNREADABLE' });
    if (!hasFfmpeg) return;
    const before = spools();
    await expect(openVideo(fifo(at('behind.mp4')), { spoolLimit: 2000 })).rejects.toMatchObject({
      code: 'INPUT_TOO_LARGE',
    });
    expect(spools()).toEqual(before);
  });
});

describe('standard input', () => {
  // Beside the package's modules, so that node-av is found.
  const program = join(import.meta.dirname, `../../node_modules/.facedet-stdin-${process.pid}.mjs`);
  beforeAll(() =>
    build({
      stdin: {
        contents: `import { createVideoWriter } from '../write/writer.ts';
import { openVideo } from './open-video.ts';
          const video = await openVideo('-');
          let frames = 0;
          for await (const frame of video) { frame.close(); if (++frames === Number(process.argv[2])) break; }
          await video.close();
          console.log(video.metadata.source, frames);`,
        resolveDir: import.meta.dirname,
      },
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@facedet/source'],
      external: ['node-av', 'sharp'],
      logLevel: 'silent',
    }),
  );
  afterAll(() => rmSync(program, { force: true }));

  async function run(input: string, most = 0): Promise<{ output: string; errors: string; code: unknown }> {
    const child = spawn(process.execPath, [program, String(most)]);
    // Who leaves before the end breaks the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(readFileSync(at(input)));
    let [output, errors] = ['', ''];
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (errors += text));
    return { code: await new Promise((done) => child.on('close', done)), output, errors };
  }

  it.each(['film.mkv', 'film.ts', ...(hasFfmpeg ? ['behind.mp4'] : [])])(
    'of %s gives the frames of the file',
    async (name) => {
      expect(await run(name)).toEqual({ output: 'standard input 40\n', errors: '', code: 0 });
    },
  );

  it('does not keep the process alive when it is left in the middle', async () => {
    expect(await run('film.mkv', 3)).toEqual({ output: 'standard input 3\n', errors: '', code: 0 });
  });
});
