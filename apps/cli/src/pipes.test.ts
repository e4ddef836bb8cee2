import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeImage } from '@facedet/runtime-node';
import { createVideoWriter } from '@facedet/video-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'main.js');
const hasShell = process.platform !== 'win32' && existsSync('/dev/full');
if (!hasShell) process.stderr.write('Tests of pipes and devices are skipped: there is no /dev/full.\n');
const folder = mkdtempSync(join(tmpdir(), 'facedet-pipes-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a shell command line in which `fd` stands in for `facedet`. */
function sh(line: string): { code: number | null; out: string; err: string } {
  const text = `fd() { "${process.execPath}" "${bin}" "$@"; }; ${line}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', text], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, NODE: process.execPath, BIN: bin, FACEDET_MODELS: at('cache') },
  });
  // A slow machine shows how far it is.
  return { code: status, out: stdout, err: stderr.replace(/^facedet: .* per second\n/gm, '') };
}

const FAST = '--size 160 --workers 1';
const frames = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { frame: number }).frame);
const all = Array.from({ length: 20 }, (_, i) => i);
const stray = () => readdirSync(folder).filter((name) => /partial|lock/.test(name) || name === '-');

beforeAll(async () => {
  if (!existsSync(bin)) throw new Error(`the command is not built: ${bin} is missing (pnpm build)`);
  const pixels = { width: 160, height: 90, format: 'rgb', data: new Uint8Array(160 * 90 * 3).fill(90) } as const;
  const writer = await createVideoWriter(at('film.mkv'), { like: { width: 160, height: 90, fps: 25 } });
  for (const i of all) await writer.write({ ...pixels, timestamp: i / 25 });
  await writer.finish();
  await writeImage(at('photo.png'), pixels);
});

describe.skipIf(!hasShell)('the command among pipes [needs bash and /dev/full]', () => {
  it('writes rows to standard output and everything else to standard error', () => {
    for (const path of ['-', '/dev/stdout', '/dev/fd/1']) {
      const { code, out, err } = sh(`fd video film.mkv --jsonl ${path} --csv rows.csv ${FAST}`);
      expect([code, frames(out)], path).toEqual([0, all]);
      expect(err).toContain('20 frames');
    }
    expect(sh(`fd video film.mkv --csv - ${FAST}`).out.split('\n')[0]).toBe(
      'frame,timestamp,id,x,y,width,height,score,state',
    );
    expect(sh(`fd video film.mkv --mot - ${FAST}`)).toMatchObject({ code: 0, out: '' });
    expect(stray()).toEqual([]);
  });

  it('reads a film and a picture from standard input', () => {
    const { code, out } = sh(`cat film.mkv | fd video - --jsonl - ${FAST}`);
    expect([code, frames(out)]).toEqual([0, all]);
    const detected = sh(`cat photo.png | fd detect - --jsonl --workers 1`);
    expect(detected).toMatchObject({ code: 0 });
    expect(JSON.parse(detected.out)).toMatchObject({ source: '-', width: 160, height: 90 });
  });

  it('names the command for a film where a picture is expected', () => {
    const line = (source: string) =>
      `facedet: ${source}: expected a picture but received a video; ` +
      `use "facedet video ${source}" for the faces of a video [IMAGE_UNREADABLE]\n`;
    const counts = 'facedet: 0 files done, 0 faces, 1 failure, 0 skipped\n';
    for (const input of ['cat film.mkv | fd detect -', 'fd detect - < film.mkv'])
      expect(sh(`${input} --json --workers 1`)).toMatchObject({ code: 1, err: line('-') + counts });
    // The command ends before a writer that goes on.
    expect(
      sh('{ for i in {1..20}; do cat film.mkv; done; while echo more; do sleep 0.1; done; } | fd detect - --workers 1'),
    ).toMatchObject({ code: 1, err: line('-') + counts });
    expect(sh('fd detect film.mkv --workers 1')).toMatchObject({ code: 1, err: line('film.mkv') + counts });
  });

  it.each(['detect -', 'anonymize - -o hidden.png', 'track - -o tracks.txt'])(
    'ends with the signal while it waits for standard input: %s',
    (command) => {
      const waiting = (writer: string) =>
        sh(
          `mkfifo pipe; (${writer}) > pipe & "$NODE" "$BIN" ${command} < pipe & main=$!; sleep 3; kill -TERM ` +
            '$main; wait $main; code=$?; kill %1; rm pipe; exit $code',
        );
      expect(waiting('sleep 20').code).toBe(130);
      expect(waiting('head -c 400 photo.png; sleep 20').code).toBe(130);
    },
    60_000,
  );

  it('ends with an error where standard input has no end', () => {
    for (const command of ['detect -', 'track - -o tracks.txt']) {
      const { code, err } = sh(`head -c 1100000000 /dev/zero | fd ${command}`);
      expect([command, code === 0, err]).toEqual([command, false, expect.stringContaining('[INPUT_TOO_LARGE]')]);
    }
  }, 60_000);

  it('anonymizes a picture and a film from standard input, and a picture to standard output', () => {
    const counts = (line: string) =>
      expect.stringMatching(new RegExp(`(^|\\n)facedet: ${line}, 0 failures, 0 skipped\\n$`)) as string;
    expect(sh(`cat film.mkv | fd anonymize - -o hidden.mp4 ${FAST}`)).toEqual({
      code: 0,
      out: '',
      err: counts('1 file done, 20 frames, \\d+ faces?'),
    });
    // Told by its bytes, whatever comes first and however slowly.
    expect(sh(`(head -c 50 film.mkv; sleep 0.3; tail -c +51 film.mkv) | fd anonymize - -o slow.mp4 ${FAST}`).code).toBe(
      0,
    );
    expect(
      sh(`fd anonymize - -o into/ ${FAST} < photo.png && fd anonymize - -o into/ ${FAST} < film.mkv`),
    ).toMatchObject({ code: 0 });
    expect(readdirSync(at('into')).sort()).toEqual(['stdin.mp4', 'stdin.png']);
    expect(sh(`cat photo.png | fd anonymize - -o - ${FAST} > copy && fd detect copy --json --workers 1`)).toMatchObject(
      { code: 0, out: expect.stringContaining('"width":160') as string },
    );
    expect(readFileSync(at('copy')).subarray(1, 4).toString()).toBe('PNG');
    expect(sh(`fd anonymize photo.png -o - ${FAST} > /dev/full`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('[DISK_FULL]') as string,
    });
    expect(sh(`fd anonymize photo.png -o - ${FAST} | true`)).toMatchObject({ code: 0 });
    expect(sh(`fd anonymize - -o none.jpg < /dev/null`)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/facedet: -: .*\[IMAGE_EMPTY\]/) as string,
    });
    expect(stray()).toEqual([]);
  });

  it.each([
    ['rows twice', 'fd video film.mkv --jsonl - --csv /dev/stdout', 'several'],
    ['rows and statistics', 'fd video film.mkv --jsonl - --json', 'received both'],
    ['a film', 'fd video film.mkv -o -', 'expected a file for the video'],
    ['an anonymized film', 'fd anonymize - -o - < film.mkv', 'expected a file for the video'],
    ['several pictures', 'fd anonymize photo.png photo.png -o -', 'expected one picture for standard output'],
    ['standard input twice', 'fd anonymize - - -o out', 'expected - once'],
    [
      'a film over its input',
      'cp film.mkv a.partial.mkv; fd video a.partial.mkv -o a.mkv; e=$?; mv a.partial.mkv a.mkv && exit $e',
      'would overwrite the input a.partial.mkv',
    ],
    ['resume of standard input', 'fd video - --jsonl rows.jsonl --resume < film.mkv', 'expected a file for --resume'],
    ['resume of standard output', 'fd video film.mkv --jsonl - --resume', 'expected files for --resume'],
  ])('refuses with exit code 2: %s', (_, line, message) => {
    const { code, out, err } = sh(line);
    expect([code, out, err.trim().split('\n').length]).toEqual([2, '', 1]);
    expect(err).toContain(message);
    expect(stray()).toEqual([]);
  });

  it('says that standard output is full, and ends with 1', () => {
    for (const line of [
      `fd video film.mkv --jsonl - ${FAST}`,
      'fd detect photo.png --json --workers 1',
      'fd --help',
      'fd models list',
    ]) {
      const { code, err } = sh(`${line} > /dev/full`);
      expect([line, code, err]).toEqual([line, 1, expect.stringMatching(/expected space on the disk.*\[DISK_FULL\]/)]);
      expect(err.match(/DISK_FULL/g)).toHaveLength(1);
    }
  });

  it('ends quietly with its reader, and completes what it writes to files', () => {
    const pictures = Array(40).fill('photo.png').join(' ');
    mkdirSync(at('drawn'));
    const { code, err } = sh(`fd detect ${pictures} --jsonl --draw drawn --workers 1 | head -1 > /dev/null`);
    expect([code, err]).toEqual([0, '']);
    expect(readdirSync(at('drawn')).length).toBe(40);
    const rows = sh(`fd video film.mkv --jsonl - --csv kept.csv --size 160 --workers 1 | true`);
    expect([rows.code, readFileSync(at('kept.csv'), 'utf8').split('\n')[0]]).toEqual([
      0,
      expect.stringContaining('frame,'),
    ]);
    expect(sh(`fd video film.mkv --jsonl - ${FAST} | true`)).toMatchObject({ code: 0 });
    expect(stray()).toEqual([]);
  });

  it('writes tracks to pipes, devices and links', () => {
    writeFileSync(at('det.txt'), '1,-1,1,1,20,20,0.9\n2,-1,1,1,20,20,0.9\n3,-1,1,1,20,20,0.9\n');
    const { out } = sh('fd track det.txt');
    expect(out.split('\n').length).toBe(4);
    symlinkSync('tracks-behind.txt', at('tracks.txt'));
    expect(
      sh(
        'fd track det.txt -o tracks.txt && mkfifo pipe && (cat pipe > got.txt & fd track - -o pipe < det.txt; ' +
          'wait) && fd track det.txt -o /dev/null',
      ),
    ).toMatchObject({
      code: 0,
      err: 'facedet: 1 file done, 3 frames, 3 faces, 1 track, 0 failures, 0 skipped\n'.repeat(3),
    });
    for (const name of ['tracks-behind.txt', 'got.txt']) expect(readFileSync(at(name), 'utf8'), name).toBe(out);
    expect([statSync(at('pipe')).isFIFO(), statSync('/dev/null').isCharacterDevice()]).toEqual([true, true]);
    expect(sh('fd track det.txt -o .')).toMatchObject({
      code: 2,
      err: expect.stringContaining('OUTPUT_UNWRITABLE') as string,
    });
  });
});
