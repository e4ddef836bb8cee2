import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, freemem, release, totalmem } from 'node:os';
import { defaultModel } from '@facedet/models';
import { modelCacheDir, storedModels } from '@facedet/models/node';
import { availableProviders, encodeImage, readImage } from '@facedet/runtime-node';
import { version } from '../../package.json';
import type { Context } from '../shared/context.ts';
import { describe } from '../shared/errors.ts';
import { Exit } from '../shared/exit.ts';

/** One line of the diagnosis. */
interface Finding {
  what: string;
  /** `info` is neutral. */
  state: 'ok' | 'missing' | 'broken' | 'info';
  detail: string;
  /** The next step. */
  advice?: string;
}

/** Detection needs these. */
const needed = ['inference', 'pictures'];

/** Prints the diagnosis; returns exit code 1 where detection can't work. */
export async function run(context: Context, flags: { json?: boolean }): Promise<number> {
  const findings = [machine(), await inference(), await pictures(), await video(), ...(await models())];
  if (flags.json) await context.write(`${JSON.stringify({ version, findings }, null, 2)}\n`);
  else await context.write(shown(context, findings));
  return findings.some(({ what, state }) => state === 'broken' || (state === 'missing' && needed.includes(what)))
    ? Exit.failed
    : Exit.ok;
}

function shown({ colors }: Context, findings: readonly Finding[]): string {
  const marks = {
    ok: colors.green('ok     '),
    missing: colors.yellow('missing'),
    broken: colors.red('broken '),
    info: colors.dim('       '),
  };
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.flatMap(({ what, state, detail, advice }) => [
    `${marks[state]}  ${what.padEnd(width)}  ${detail}`,
    ...(advice ? [`${' '.repeat(9 + width + 2)}${colors.bold('→')} ${advice}`] : []),
  ]);
  return `${lines.join('\n')}\n`;
}

function machine(): Finding {
  const gigabytes = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  const processor = cpus()[0]?.model.trim() || process.arch;
  return {
    what: 'facedet',
    state: 'info',
    detail:
      `${version} on Node ${process.versions.node}, ${process.platform}-${process.arch} ${release()}; ` +
      `${processor}, ${availableParallelism()} cores, ${gigabytes(freemem())} of ` +
      `${gigabytes(totalmem())} GiB free`,
  };
}

async function inference(): Promise<Finding> {
  return probe('inference', async () => {
    const { version: engine, providers } = await availableProviders();
    const names = providers.map(({ name, bundled }) => (bundled ? name : `${name} (not in the package)`)).join(', ');
    const gpu =
      process.platform === 'linux' &&
      process.arch === 'x64' &&
      !providers.some(({ name, bundled }) => name === 'cuda' && bundled);
    return {
      detail: `onnxruntime-node ${engine}; providers: ${names}`,
      ...(gpu && {
        advice:
          'for an NVIDIA GPU, install the CUDA libraries once (ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild ' +
          'onnxruntime-node), then use --provider cuda,cpu',
      }),
    };
  });
}

async function pictures(): Promise<Finding> {
  return probe('pictures', async () => {
    const image = await readImage(
      await encodeImage({ data: new Uint8Array(12), width: 2, height: 2, format: 'rgb' }, { format: 'png' }),
    );
    await image.pixels();
    image.close();
    return { detail: `sharp ${versionOf('sharp')}; JPEG, PNG, WebP, AVIF, GIF, TIFF` };
  });
}

async function video(): Promise<Finding> {
  const found = versionOf('node-av', '@facedet/video-node');
  if (found) return { what: 'video', state: 'ok', detail: `node-av ${found}` };
  return {
    what: 'video',
    state: 'missing',
    detail: 'node-av is not installed; pictures work without it',
    advice: 'npm install node-av',
  };
}

async function models(): Promise<Finding[]> {
  const stored = (await storedModels().catch(() => [])).filter(({ path }) => path.startsWith(modelCacheDir()));
  const from = process.env.FACEDET_MODELS ? ' (FACEDET_MODELS)' : '';
  const proxies = ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy'].filter((name) => process.env[name]);
  return [
    defaultModel
      ? { what: 'default model', state: 'ok', detail: `${defaultModel.name}, ${defaultModel.license.name}` }
      : {
          what: 'default model',
          state: 'missing',
          detail: 'this build has no default weights',
          advice: 'choose a model with --model: a name of `facedet models list`, a path or a URL',
        },
    {
      what: 'downloads',
      state: 'info',
      detail:
        `${modelCacheDir()}${from}; ${stored.length ? stored.map(({ name }) => name).join(', ') : 'none yet'}` +
        `${proxies.length ? `; through ${proxies.join(', ')}` : ''}`,
    },
  ];
}

async function probe(what: string, check: () => Promise<{ detail: string; advice?: string }>): Promise<Finding> {
  try {
    return { what, state: 'ok', ...(await check()) };
  } catch (error) {
    const { code, message } = describe(error);
    return { what, state: code === 'DEPENDENCY_MISSING' ? 'missing' : 'broken', detail: `${message} [${code}]` };
  }
}

/** The installed version of a dependency of `dependent`; undefined where it is not installed. */
function versionOf(name: string, dependent = '@facedet/runtime-node'): string | undefined {
  try {
    const require = createRequire(import.meta.resolve(dependent));
    // Not every package exports its package.json, so it is searched in the module paths.
    for (const folder of require.resolve.paths(name) ?? []) {
      try {
        return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version;
      } catch {
        continue;
      }
    }
  } catch {
    return undefined;
  }
  return undefined;
}
