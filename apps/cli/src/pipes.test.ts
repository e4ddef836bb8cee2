import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** Runs a line of the shell in which `fd` is the command. */
function sh(line: string): { code: number | null; out: string; err: string } {
  const text = `fd() { "${process.execPath}" "${bin}" "$@"; }; ${line}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', text], { cwd: folder, encoding: 'utf8', timeout: 30_000, env: { ...process.env, FACEDET_MODELS: at('cache') } });
  return { code: status, out: stdout, err: stderr };
}

const FAST = '--size 160 --workers 1';
const frames = (text: string) => text.trim().split('\n').map((line) => (JSON.parse(line) as { frame: number }).frame);
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
    expect(sh(`fd video film.mkv --csv - ${FAST}`).out.split('\n')[0]).toBe('frame,timestamp,id,x,y,width,height,score,state');
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

  it.each([
    ['rows twice', 'fd video film.mkv --jsonl - --csv /dev/stdout', 'several'],
    ['rows and statistics', 'fd video film.mkv --jsonl - --json', 'received both'],
    ['a film', 'fd video film.mkv -o -', 'expected a file for the video'],
    ['resume of standard input', 'fd video - --jsonl rows.jsonl --resume < film.mkv', 'expected a file for --resume'],
    ['resume of standard output', 'fd video film.mkv --jsonl - --resume', 'expected files for --resume'],
  ])('refuses with exit code 2: %s', (_, line, message) => {
    const { code, out, err } = sh(line);
    expect([code, out, err.trim().split('\n').length]).toEqual([2, '', 1]);
    expect(err).toContain(message);
    expect(stray()).toEqual([]);
  });

  it('says that standard output is full, and ends with 1', () => {
    for (const line of [`fd video film.mkv --jsonl - ${FAST}`, 'fd detect photo.png --json --workers 1', 'fd --help', 'fd models list']) {
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
    expect([rows.code, readFileSync(at('kept.csv'), 'utf8').split('\n')[0]]).toEqual([0, expect.stringContaining('frame,')]);
    expect(sh(`fd video film.mkv --jsonl - ${FAST} | true`)).toMatchObject({ code: 0 });
    expect(stray()).toEqual([]);
  });

  it('writes tracks to pipes, devices and links', () => {
    writeFileSync(at('det.txt'), '1,-1,1,1,20,20,0.9\n2,-1,1,1,20,20,0.9\n3,-1,1,1,20,20,0.9\n');
    const { out } = sh('fd track det.txt');
    expect(out.split('\n').length).toBe(4);
    symlinkSync('tracks-behind.txt', at('tracks.txt'));
    expect(sh('fd track det.txt -o tracks.txt && mkfifo pipe && (cat pipe > got.txt & fd track - -o pipe < det.txt; wait) && fd track det.txt -o /dev/null')).toMatchObject({ code: 0, err: '' });
    for (const name of ['tracks-behind.txt', 'got.txt']) expect(readFileSync(at(name), 'utf8'), name).toBe(out);
    expect([statSync(at('pipe')).isFIFO(), statSync('/dev/null').isCharacterDevice()]).toEqual([true, true]);
    expect(sh('fd track det.txt -o .')).toMatchObject({ code: 1, err: expect.stringContaining('OUTPUT_UNWRITABLE') as string });
  });
});
