// What every script needs to know of the workspace.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Every package of the workspace: { name, folder, manifest }. */
export function packages() {
  return ['packages', 'apps', 'examples'].flatMap((group) => {
    const folders = existsSync(join(root, group)) ? readdirSync(join(root, group)).sort() : [];
    return folders
      .filter((name) => existsSync(join(root, group, name, 'package.json')))
      .map((name) => {
        const folder = join(root, group, name);
        const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
        return { name: manifest.name, folder, manifest };
      });
  });
}

/** Those that are published. */
export const published = () => packages().filter(({ manifest }) => !manifest.private);

/** Runs a program to its end: { code, output }, standard output and error together. */
export function execute(program, args, { cwd = root, env = {}, input, seconds = 600, shell = false } = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      shell,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const parts = [];
    child.stdout.on('data', (bytes) => parts.push(bytes));
    child.stderr.on('data', (bytes) => parts.push(bytes));
    child.stdin?.end(input);
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    const end = (code, more = '') => {
      clearTimeout(timer);
      done({ code, output: Buffer.concat(parts).toString('utf8') + more });
    };
    child.on('error', (error) => end(127, String(error)));
    child.on('close', (code, signal) =>
      end(code ?? 1, signal ? `\nended by ${signal} after ${seconds} s at most\n` : ''),
    );
  });
}

/** Runs a program of the workspace's own node_modules/.bin. */
export function tool(name, args, options) {
  return execute(join(root, 'node_modules', '.bin', name), args, options);
}

/** Runs pnpm: the one that runs this script, one on the path, or the registry's. */
export function pnpm(args, options) {
  const self = process.env.npm_execpath;
  if (self && /pnpm\.[cm]?js$/.test(self)) return execute(process.execPath, [self, ...args], options);
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return onPath('pnpm') ? execute('pnpm', args, options) : execute('npx', ['-y', packageManager, ...args], options);
}

function onPath(name) {
  return (process.env.PATH ?? '').split(':').some((folder) => folder && existsSync(join(folder, name)));
}

/** Packs every published package into a folder, as it would go to the registry: Map of name → tarball. */
export async function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  const tarballs = new Map();
  for (const { name, folder: cwd, manifest } of published()) {
    const { code, output } = await pnpm(['pack', '--pack-destination', folder], { cwd });
    const file = join(folder, `${name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
    if (code !== 0 || !existsSync(file)) throw new Error(`pnpm pack of ${name} ended with ${code}:\n${output}`);
    tarballs.set(name, file);
  }
  return tarballs;
}
