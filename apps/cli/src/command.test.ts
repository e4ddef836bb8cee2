import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { file, noise, NO_PROXIES, startProxy, startServer } from '@facedet/http/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from './program.ts';

const here = dirname(fileURLToPath(import.meta.url));
const bin = join(here, '..', 'dist', 'main.js');
const shared = join(here, '..', '..', '..', '..', 'shared');
const data = existsSync(join(shared, 'models')) && existsSync(join(shared, 'images'));
if (!data) console.warn('skipped: detections by the command need real models and pictures at ../shared');

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

function facedet(args: string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [bin, ...args],
      { env: { ...process.env, FACEDET_MODELS: '/nowhere/models', ...env }, encoding: 'utf8', maxBuffer: 1e8 },
      (_, stdout, stderr) => {
        done({ code: child.exitCode ?? -1, stdout, stderr });
      },
    );
    child.stdin!.end();
  });
}

describe('the command', () => {
  let dir = '';
  beforeAll(() => {
    if (!existsSync(bin)) throw new Error(`the command is not built: ${bin} is missing (pnpm build)`);
    dir = mkdtempSync(join(tmpdir(), 'facedet-command-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('prints its version and its help on standard output', async () => {
    const version = await facedet(['--version']);
    expect(version).toMatchObject({ code: 0, stderr: '' });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
    const help = await facedet(['--help']);
    expect(help.code).toBe(0);
    for (const name of ['detect', 'bench', 'doctor', 'completion']) expect(help.stdout).toContain(`\n  ${name} `);
    for (const name of ['detect', 'video', 'anonymize'])
      expect((await facedet([name, '--help'])).stdout).toMatch(/[Ee]xisting (output is|copies are) replaced/);
  });

  it.each([
    ['an unknown option', ['detect', 'a.jpg', '--no-such-option'], '--no-such-option'],
    ['an unknown command', ['detekt'], 'detekt'],
    ['no input', ['detect'], 'inputs'],
    ['a score out of range', ['detect', 'a.jpg', '--score', '2'], 'from 0 to 1'],
    ['two forms at once', ['detect', 'a.jpg', '--json', '--csv'], '--csv'],
    ['a size and pixels', ['detect', 'a.jpg', '--size', '640', '--pixels', '0.4M'], '--pixels'],
    ['an unknown provider', ['detect', 'a.jpg', '--provider', 'abacus'], 'cuda'],
    ['an unknown shell', ['completion', 'tcsh'], 'bash'],
    ['a missing model', ['detect', 'a.jpg', '--model', './missing.onnx'], './missing.onnx'],
    ['an unknown model name', ['detect', 'a.jpg', '--model', 'scrfd_99g'], 'scrfd_99g'],
  ])('ends with 2 and one line on standard error for %s', async (_, args, culprit) => {
    const run = await facedet(args);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(culprit);
    expect(run.stderr).toMatch(/^facedet: .* \[[A-Z][A-Z0-9_]+\]\n$/);
  });

  it('prints nothing but the help for a command alone', async () => {
    const run = await facedet([]);
    expect(run.code).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain('Usage: facedet');
  });

  it.runIf(existsSync('/bin/bash'))('completes commands, options and values in bash', async () => {
    const { stdout: script } = await facedet(['completion', 'bash']);
    const complete = (words: string[]) =>
      new Promise<string[]>((done, fail) => {
        const ask =
          `${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); ` +
          `COMP_CWORD=${words.length - 1}; _facedet; printf '%s\\n' "\${COMPREPLY[@]}"`;
        execFile('/bin/bash', ['-c', ask], { encoding: 'utf8' }, (error, stdout) =>
          error ? fail(error) : done(stdout.trim().split('\n')),
        );
      });
    expect(await complete(['facedet', 'det'])).toEqual(['detect']);
    expect(await complete(['facedet', 'detect', 'a.jpg', '--js'])).toEqual(['--json', '--jsonl']);
    expect(await complete(['facedet', 'completion', ''])).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });

  const script = async (shell: string) => {
    const path = join(dir, `completion.${shell}`);
    writeFileSync(path, (await facedet(['completion', shell])).stdout);
    return path;
  };
  const output = (program: string, ...args: string[]) =>
    new Promise<string>((done) =>
      execFile(program, args, { encoding: 'utf8' }, (_, stdout, stderr) => done(stdout + stderr)),
    );

  it.runIf(existsSync('/usr/bin/fish'))('completes commands and options in fish', async () => {
    const path = await script('fish');
    expect(await output('/usr/bin/fish', '-c', `source ${path}; complete -C 'facedet det'`)).toMatch(/^detect\t.*\n$/);
    expect(await output('/usr/bin/fish', '-c', `source ${path}; complete -C 'facedet detect --js'`)).toMatch(
      /^--json\t.*\n--jsonl\t.*\n$/,
    );
  });

  it.runIf(existsSync('/bin/zsh'))('has a script that zsh can load', async () => {
    expect(
      await output(
        '/bin/zsh',
        '-fc',
        `autoload -U compinit; compinit -D; source ${await script('zsh')}; print $_comps[facedet]`,
      ),
    ).toBe('_facedet\n');
  });

  it('completes every command in every shell', async () => {
    const names = createProgram().commands.map((command) => command.name());
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { stdout, code } = await facedet(['completion', shell]);
      expect(code).toBe(0);
      for (const name of names) expect(stdout).toContain(name);
    }
  });

  it('ends quietly when its reader has seen enough', async () => {
    const child = spawn('/bin/sh', ['-c', `"${process.execPath}" "${bin}" --help | true`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (bytes) => (stderr += String(bytes)));
    await new Promise((done) => child.on('close', done));
    expect(stderr).toBe('');
  });

  it('masks the faces of pictures into a new folder', async () => {
    const sample = join(here, '..', '..', '..', 'examples', 'sample.png');
    const folder = join(dir, 'hidden', 'pictures');
    expect(await facedet(['anonymize', sample, sample, '-o', folder])).toMatchObject({ code: 0 });
    expect(readdirSync(folder).sort()).toEqual(['sample-2.png', 'sample.png']);
    expect(readFileSync(join(folder, 'sample.png')).equals(readFileSync(join(folder, 'sample-2.png')))).toBe(true);
  });

  it('reads pictures and models from addresses behind a proxy', async () => {
    const examples = join(here, '..', '..', '..', 'examples');
    const server = await startServer({
      '/sample.png': file(readFileSync(join(examples, 'sample.png'))),
      '/m.onnx': [file(noise(1000)), file(noise(2000))],
    });
    const proxy = await startProxy(server.port, { credentials: 'me:pass' });
    const env = {
      ...Object.fromEntries(Object.keys(NO_PROXIES).map((name) => [name, ''])),
      HTTP_PROXY: proxy.url.replace('//', '//me:pass@'),
      FACEDET_MODELS: join(dir, 'models'),
    };
    try {
      const run = await facedet(['detect', 'http://user:SECRET@pictures.invalid/sample.png', '--json'], env);
      expect(run).toMatchObject({ code: 0, stderr: expect.stringMatching(/^facedet: 1 file done, .*\n$/) as string });
      expect(JSON.parse(run.stdout)).toMatchObject([
        { source: 'http://***@pictures.invalid/sample.png', width: expect.any(Number) as number },
      ]);
      for (const flags of [[], ['--refresh']])
        expect(await facedet(['models', 'pull', 'http://models.invalid/m.onnx', ...flags], env)).toMatchObject({
          code: 0,
        });
      expect(proxy.through).toEqual([
        'GET http://pictures.invalid/sample.png',
        'GET http://models.invalid/m.onnx',
        'GET http://models.invalid/m.onnx',
      ]);
      const kept = readdirSync(join(dir, 'models', 'urls')).find((name) => name.endsWith('.onnx'))!;
      expect(readFileSync(join(dir, 'models', 'urls', kept)).length).toBe(2000);
    } finally {
      await proxy.close();
      await server.close();
    }
  });

  describe.runIf(data)('on a real picture [needs ../shared]', () => {
    const photo = join(shared, 'images', 'six_people.jpg');
    const model = ['--model', join(shared, 'models', 'scrfd_2.5g_kps.onnx')];

    it('draws copies and cuts crops', async () => {
      const run = await facedet([
        'detect',
        photo,
        photo,
        ...model,
        '--csv',
        '--draw',
        join(dir, 'draw'),
        '--crop',
        join(dir, 'crop'),
      ]);
      expect(run.code).toBe(0);
      expect(run.stdout.trim().split('\n')).toHaveLength(13);
      expect(readdirSync(join(dir, 'draw')).sort()).toEqual(['six_people-2.jpg', 'six_people.jpg']);
      expect(readdirSync(join(dir, 'crop'))).toHaveLength(24);
      // Boxes are drawn on a copy: the crops, cut afterwards, are those of a run without --draw.
      await facedet(['detect', photo, ...model, '--crop', join(dir, 'plain')]);
      for (const name of ['six_people-1.jpg', 'six_people-1.aligned.jpg'])
        expect(readFileSync(join(dir, 'crop', name)).equals(readFileSync(join(dir, 'plain', name)))).toBe(true);
    });

    it('never replaces an input', async () => {
      const folder = join(dir, 'crop');
      const before = readdirSync(folder).length;
      for (const option of ['--draw', '--crop']) {
        const run = await facedet([
          'detect',
          join(folder, 'six_people-1.jpg'),
          join(folder, 'six_people-1.aligned.jpg'),
          photo,
          ...model,
          option,
          folder,
        ]);
        expect(run).toMatchObject({ code: 2, stdout: '' });
        expect(run.stderr).toContain('[OUTPUT_IS_INPUT]');
      }
      expect(readdirSync(folder)).toHaveLength(before);
    });

    it('prints a table and reports the input that failed', async () => {
      const run = await facedet(['detect', photo, join(dir, 'missing.jpg'), ...model]);
      expect(run.code).toBe(1);
      expect(run.stdout.trim().split('\n')).toHaveLength(8);
      expect(run.stdout).not.toContain('\u001b[');
      expect(run.stderr).toMatch(/^facedet: .*missing\.jpg: .* \[NOT_FOUND\]$/m);
    });

    it('ends Ctrl-C with 130 and an array that can be read', async () => {
      const child = spawn(process.execPath, [bin, 'detect', ...Array<string>(200).fill(photo), ...model, '--jsonl'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stderr.on('data', (bytes) => (stderr += String(bytes)));
      child.stdout.on('data', (bytes) => {
        if (stdout === '') child.kill('SIGINT');
        stdout += String(bytes);
      });
      expect(await new Promise((done) => child.on('close', done))).toBe(130);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { faces: unknown[] });
      expect(lines.length).toBeLessThan(200);
      expect(lines.every(({ faces }) => faces.length === 6)).toBe(true);
      expect(stderr).not.toMatch(/INTERRUPTED|^ +at /m);
    });

    it('takes pictures from a server', async () => {
      const server = createServer((request, response) => {
        if (request.url?.startsWith('/six')) response.end(readFileSync(photo));
        else response.writeHead(404).end('gone');
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      try {
        const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        const run = await facedet([
          'detect',
          `${at}/six%20people.jpg?size=1`,
          `${at}/gone.jpg`,
          ...model,
          '--json',
          '--draw',
          join(dir, 'urls'),
        ]);
        expect(run.code).toBe(1);
        const results = JSON.parse(run.stdout) as { source: string; faces?: unknown[]; error?: { code: string } }[];
        expect(results.map(({ source }) => source)).toEqual([`${at}/six%20people.jpg?size=1`, `${at}/gone.jpg`]);
        expect(results[0]!.faces).toHaveLength(6);
        expect(results[1]!.error!.code).toMatch(/^[A-Z_]+$/);
        expect(readdirSync(join(dir, 'urls'))).toEqual(['six people.jpg']);
      } finally {
        server.close();
      }
    });

    it('measures and diagnoses', async () => {
      const bench = await facedet(['bench', model[1]!, '--sizes', '64,96', '--runs', '3', '--json']);
      expect(bench.code).toBe(0);
      const { results } = JSON.parse(bench.stdout) as { results: { size: number; median: number; run: number }[] };
      expect(results.map(({ size }) => size)).toEqual([64, 96]);
      expect(results.every(({ median, run }) => run > 0 && median >= run)).toBe(true);
      const doctor = await facedet(['doctor', '--json']);
      expect(
        (JSON.parse(doctor.stdout) as { findings: { what: string }[] }).findings.map(({ what }) => what),
      ).toContain('inference');
    });
  });
});
