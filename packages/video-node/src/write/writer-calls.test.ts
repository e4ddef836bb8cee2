import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { numberedPicture, evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import { WRITER_CALLS, decodedFrames, runWriterCalls } from '../testing/writer-calls.ts';
import { createVideoWriter } from './writer.ts';

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// `node apps/bench/run.mjs writer-stress` tries thousands.
const SEQUENCES = 200;

const open = (path: string) =>
  createVideoWriter(path, { like: { width: 64, height: 48, fps: 25 }, preset: 'ultrafast', threads: 1 });
const frame = (index: number) => ({ ...numberedPicture(index, 64, 48), timestamp: index / 25 });

describe('calls that are not awaited', () => {
  it('run in order: write, write, finish', async () => {
    const path = join(folder, 'a.mp4');
    const writer = await open(path);
    for (let index = 0; index < 12; index++) void writer.write(frame(index), () => {});
    await writer.finish();
    expect(writer.frames).toBe(12);
    const times: number[] = [];
    for await (const picture of await openVideo(path)) {
      times.push(picture.timestamp);
      picture.close();
    }
    expect(times).toEqual(evenTimes(12).map((time) => expect.closeTo(time, 3)));
  });

  it('keep decoded frames that are closed right after the call', async () => {
    const source = await writeNumbered(join(folder, 'source.mp4'), evenTimes(20));
    const video = await openVideo(source);
    const writer = await createVideoWriter(join(folder, 'b.mp4'), { like: video.metadata });
    const calls: Promise<void>[] = [];
    for await (const picture of video) {
      calls.push(writer.write(picture));
      picture.close();
    }
    await Promise.all([...calls, writer.finish()]);
    expect(writer.frames).toBe(20);
  });

  it('reject with a code after the end, except flush and close', async () => {
    const path = join(folder, 'c.mp4');
    const writer = await open(path);
    await writer.write(frame(0));
    const finished = writer.finish();
    await expect(writer.write(frame(1))).rejects.toMatchObject({ code: 'INVALID_STATE' });
    await expect(writer.finish()).rejects.toMatchObject({ code: 'INVALID_STATE' });
    await finished;
    await writer.flush();
    await writer.close();
    await writer.close();
    expect(existsSync(path)).toBe(true);
    const ended = await open(join(folder, 'd.mp4'));
    await ended.flush();
    await expect(ended.finish()).rejects.toMatchObject({ code: 'INVALID_STATE' });
    await expect(ended.complete()).rejects.toMatchObject({ code: 'INVALID_STATE' });
  });

  it('reject within an edit of the same writer, at any depth, and work again after it', async () => {
    const writer = await open(join(folder, 'e.mp4'));
    const other = await open(join(folder, 'f.mp4'));
    const calls: [string, () => Promise<void>][] = [
      ['write', () => writer.write(frame(1))],
      ['write with an edit', () => writer.write(frame(1), () => {})],
      ['flush', () => writer.flush()],
      ['complete', () => writer.complete()],
      ['finish', () => writer.finish()],
      ['through a timer', () => new Promise<void>((done) => setTimeout(done)).then(() => writer.write(frame(1)))],
      ['through another writer', () => other.write(frame(0), () => writer.write(frame(1)))],
    ];
    for (const [name, call] of calls)
      await expect(writer.write(frame(0), call), name).rejects.toMatchObject({ code: 'INVALID_STATE' });
    let later!: Promise<void>;
    const leftBehind = () => {
      later = new Promise<void>((done) => setTimeout(done, 20)).then(() => writer.write(frame(3)));
    };
    await Promise.all([writer.write(frame(2), leftBehind), writer.write(frame(2))]);
    await later;
    expect(writer.frames).toBe(3);
    await expect(writer.write(frame(4), () => writer.close())).resolves.toBeUndefined();
    await writer.close();
    await other.close();
  });

  it('settle in any order, without ending the process', async () => {
    const call = fc.constantFrom(...WRITER_CALLS);
    const decoded = await decodedFrames();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 10 }), async (names) => {
        const place = join(folder, String(number++));
        mkdirSync(place);
        const { settled } = await runWriterCalls(join(place, 'a.mkv'), names, decoded);
        expect(settled).toBe(names.filter((name) => name !== 'wait').length);
        rmSync(place, { recursive: true });
      }),
      { numRuns: SEQUENCES },
    );
    await decoded.close();
  }, 600_000);
});
