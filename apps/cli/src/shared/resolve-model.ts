import { resolveModel, type ResolvedModel } from '@facedet/models/node';
import type { Context } from './context.ts';
import { modelError } from './errors.ts';
import { progress, type Progress } from './progress.ts';

/**
 * The model of `--model`, or the default weights, as a file on this machine; downloads show a bar. Failure ends the
 * command with exit code 2.
 */
export async function resolveModelFlag(
  context: Context,
  flags: { model?: string; acceptLicense?: boolean; refresh?: boolean },
): Promise<ResolvedModel & { label: string }> {
  let bar: Promise<Progress> | undefined;
  try {
    const resolved = await resolveModel(flags.model, {
      signal: context.signal,
      ...(flags.acceptLicense && { acceptLicense: true }),
      ...(flags.refresh && { refresh: true }),
      onProgress({ phase, name, received, total = 0 }) {
        if (phase !== 'download') return;
        bar ??= progress(context, { total: megabytes(total), label: name, unit: 'MB' });
        void bar.then((shown) => shown.update(megabytes(received)));
      },
    });
    return { ...resolved, label: flags.model ?? resolved.name };
  } catch (error) {
    throw context.signal.aborted ? error : modelError(flags.model, error);
  } finally {
    (await bar)?.stop();
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
