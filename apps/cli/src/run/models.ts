import { models as zoo, type ModelEntry } from '@facedet/models';
import { modelCacheDir, resolveModel, storedModels, type StoredModel } from '@facedet/models/node';
import type { Context } from '../shared/context.ts';
import { CommandError, describe, modelError } from '../shared/errors.ts';
import { Exit } from '../shared/exit.ts';
import { jsonArray, table } from '../shared/output.ts';
import { resolveModelFlag } from '../shared/resolve-model.ts';

/** `facedet models list` */
export async function list(context: Context, flags: { json?: boolean }): Promise<void> {
  const stored = await storedModels({ signal: context.signal });
  const here = (entry: ModelEntry) => stored.find((model) => model.entry === entry);
  if (flags.json)
    return writeAll(
      context,
      zoo.map((entry) => ({ ...entry, path: here(entry)?.path ?? null })),
    );

  const percent = (fraction: number | undefined) => (fraction === undefined ? '' : (100 * fraction).toFixed(2));
  const rows = zoo.map((entry) => [
    entry.name,
    percent(entry.accuracy?.easy),
    percent(entry.accuracy?.medium),
    percent(entry.accuracy?.hard),
    entry.gflops?.toString() ?? '',
    entry.parameters === undefined ? '' : `${(entry.parameters / 1e6).toFixed(2)} M`,
    entry.landmarks ? 'yes' : '',
    entry.license.use.replace('-research', ' research'),
    stateOf(entry, here(entry)),
    entry.use,
  ]);
  await context.write(
    table(
      ['model', 'easy', 'medium', 'hard', 'GFLOPs', 'parameters', 'landmarks', 'license', 'state', 'use'],
      rows,
      context.colors.bold,
    ),
  );
  for (const { name, path } of stored.filter((model) => !model.entry)) await context.write(`${name}  ${path}\n`);
  const settings = new Map<string, string[]>();
  for (const { name, accuracy } of zoo)
    if (accuracy) settings.set(accuracy.setting, [...(settings.get(accuracy.setting) ?? []), name]);
  await context.write('\nEasy, medium, hard: AP on WIDER FACE val in percent, with these settings:\n');
  for (const [setting, names] of settings) await context.write(`  ${setting}: ${names.join(', ')}\n`);
  await context.write("The scrfd_* weights are InsightFace's, for non-commercial research only.\n");
}

/** `facedet models pull` */
export async function pull(
  context: Context,
  flags: { acceptLicense?: boolean; refresh?: boolean },
  names: string[],
): Promise<number> {
  let code: number = Exit.ok;
  for (const model of names) {
    try {
      const { path, entry, sha256, trust, from } = await resolveModelFlag(context, { model, ...flags });
      if (from === 'download')
        context.log(
          `${model}: SHA-256 ${sha256}, ` +
            `${trust === 'verified' ? 'verified' : 'no official value to verify it with: pinned from now on'}`,
        );
      if (entry?.license.mustAccept) context.log(`${model}: ${entry.license.notice}`);
      await context.write(`${path}\n`);
    } catch (error) {
      if (context.signal.aborted) throw error;
      const cause = error instanceof CommandError && error.cause ? error.cause : error;
      context.fail(model, cause);
      // Errors that a retry can't fix are wrong usage.
      const wrong = ['MODEL_UNKNOWN', 'MODEL_NOT_DOWNLOADABLE', 'LICENSE_NOT_ACCEPTED'].includes(describe(cause).code);
      code = wrong || code === Exit.usage ? Exit.usage : Exit.failed;
    }
  }
  return code;
}

/** `facedet models verify` */
export async function verify(context: Context, flags: { json?: boolean }, names: string[]): Promise<void> {
  const stored = await storedModels({ verify: true, signal: context.signal });
  const isNamed = (model: StoredModel, name: string) =>
    model.name === name || model.entry?.aliases.includes(name) === true;
  const wanted = stored.filter((model) => names.length === 0 || names.some((name) => isNamed(model, name)));
  if (flags.json)
    await writeAll(
      context,
      wanted.map(({ name, path, size, sha256, trust }) => ({ name, path, size, sha256: sha256 ?? null, trust })),
    );
  else if (wanted.length > 0)
    await context.write(
      table(
        ['model', 'state', 'SHA-256', 'path'],
        wanted.map(({ name, trust, sha256, path }) => [name, trust, sha256, path]),
        context.colors.bold,
      ),
    );
  for (const { path, trust } of wanted) {
    if (trust === 'damaged')
      context.fail(
        path,
        new CommandError('CHECKSUM_MISMATCH', 'has a different SHA-256 than expected; delete it and pull it again'),
      );
  }
  for (const name of names) {
    if (!stored.some((model) => isNamed(model, name)))
      context.fail(name, new CommandError('MODEL_NOT_FOUND', `is not downloaded; run: facedet models pull ${name}`));
  }
  if (stored.length === 0) context.log('No models are downloaded.');
}

/** `facedet models where` */
export async function where(context: Context, _flags: object, model?: string): Promise<void> {
  if (model === undefined) return context.write(`${modelCacheDir()}\n`);
  const { path } = await resolveModel(model, { offline: true, signal: context.signal }).catch((error: unknown) => {
    if (context.signal.aborted) throw error;
    throw modelError(
      model,
      describe(error).code === 'OFFLINE'
        ? new CommandError('MODEL_NOT_FOUND', `is not downloaded; run: facedet models pull ${model}`)
        : error,
    );
  });
  await context.write(`${path}\n`);
}

function stateOf(entry: ModelEntry, stored: StoredModel | undefined): string {
  if (entry.file.verification === 'bundled') return 'bundled';
  if (stored) return 'downloaded';
  return entry.downloads.length > 0 ? 'available' : 'manual download';
}

async function writeAll(context: Context, values: readonly object[]): Promise<void> {
  const rows = jsonArray<object>(context.write);
  for (const value of values) await rows.write(value);
  await rows.end();
}
