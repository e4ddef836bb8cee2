import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openVideo } from '@facedet/video-node';

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'facedet-interrupted-'));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command, under way, and its end. */
function facedet(...args: string[]): {
  child: ChildProcess;
  end: Promise<{ code: number | null; signal: string | null; stderr: string }>;
} {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, FACEDET_MODELS: at('cache') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr!.on('data', (bytes) => (stderr += String(bytes)));
  return { child, end: new Promise((done) => child.on('close', (code, signal) => done({ code, signal, stderr }))) };
}

const text = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const linesIn = (path: string) => text(path).split('\n').length - 1;
const names = (prefix: string) =>
  readdirSync(at(prefix))
    .filter((name) => !name.endsWith('.lock'))
    .sort();
const follow = (name: string, ...more: string[]) =>
  facedet(
    'video',
    at('scene.mp4'),
    '--size',
    '320',
    '--workers',
    '1',
    '-o',
    at(name, 'out.mp4'),
    '--jsonl',
    at(name, 'rows.jsonl'),
    ...more,
  );

async function framesIn(path: string): Promise<number> {
  const video = await openVideo(path);
  let frames = 0;
  for await (const frame of video) {
    frames++;
    frame.close();
  }
  return frames;
}

beforeAll(async () => {
  if (!existsSync(bin)) throw new Error(`the command is not built: ${bin} is missing (pnpm build)`);
  expect(
    await facedet(
      'synth',
      '-o',
      at('scene.mp4'),
      '--seed',
      '5',
      '--width',
      '320',
      '--height',
      '180',
      '--duration',
      '10',
      '--faces',
      '2',
      '--events',
      'none',
    ).end,
  ).toMatchObject({ code: 0 });
  mkdirSync(at('whole'));
  expect(await follow('whole').end).toMatchObject({ code: 0 });
}, 120_000);

describe('facedet video', () => {
  it.each(['SIGINT', 'SIGKILL'] as const)(
    'leaves what can be read and gone on from after %s',
    async (signal) => {
      mkdirSync(at(signal));
      const { child, end } = follow(signal);
      const rows = at(signal, 'rows.jsonl.partial');
      while (linesIn(rows) < 100 && child.exitCode === null) await sleep(5);
      child.kill(signal);
      const ended = await end;
      if (signal === 'SIGINT')
        expect(ended).toMatchObject({
          code: 130,
          stderr: expect.stringMatching(
            /^facedet: interrupted; partial outputs: \S+rows\.jsonl\.partial, \S+out\.partial\.mp4; continue with/m,
          ) as string,
        });
      else expect(ended).toMatchObject({ code: null, signal });
      expect(names(signal)).toEqual([
        'out.mp4.partial.json',
        'out.partial.mp4',
        'rows.jsonl.partial',
        'rows.jsonl.partial.json',
      ]);
      const written = text(rows);
      const count = linesIn(rows);
      expect(count).toBeLessThan(250);
      if (signal === 'SIGINT') expect(written.endsWith('\n')).toBe(true);
      // All of it, or all but two seconds.
      const shown = await framesIn(at(signal, 'out.partial.mp4'));
      expect(shown).toBeGreaterThanOrEqual(signal === 'SIGINT' ? count : count - 50);

      expect(await follow(signal, '--resume').end).toMatchObject({ code: 0 });
      expect(names(signal)).toEqual(['out.mp4', 'rows.jsonl']);
      expect(text(at(signal, 'rows.jsonl'))).toBe(text(at('whole', 'rows.jsonl')));
      expect(text(at(signal, 'rows.jsonl')).startsWith(written.slice(0, written.lastIndexOf('\n') + 1))).toBe(true);
      expect(await framesIn(at(signal, 'out.mp4'))).toBe(250);
    },
    120_000,
  );
});
