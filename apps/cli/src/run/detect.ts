import { stat } from 'node:fs/promises';
import { isFaceDetError, type Detector, type Face } from '@facedet/core';
import { parseUrl, type FileKind } from '@facedet/files';
import type { StillImage } from '@facedet/runtime-node';
import { copyWriter, type CopyWriter } from '../shared/copies.ts';
import type { Context } from '../shared/context.ts';
import { countsLine, skippedIn } from '../shared/counts.ts';
import { openDetector } from '../shared/detector.ts';
import { CommandError, modelError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import { expandInputs, firstOfSeveral, passedOverText, type Input, type PassedOver } from '../shared/inputs.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { progress } from '../shared/progress.ts';
import { readPicture } from '../shared/read-picture.ts';
import { resultWriter, type Result } from '../shared/results.ts';
import { standardInput } from '../shared/standard-input.ts';

export interface DetectFlags extends DetectorFlags {
  json?: boolean;
  jsonl?: boolean;
  csv?: boolean;
  draw?: string;
  crop?: string;
}

export async function run(context: Context, flags: DetectFlags, args: string[]): Promise<void> {
  const passed: PassedOver[] = [];
  const inputs = await expandInputs(args, { onPassedOver: (over) => passed.push(over) });
  const copies = await copyWriter(inputs, flags);
  const writesCopies = flags.draw !== undefined || flags.crop !== undefined;
  const { detector, model } = await openDetector(context, flags, { images: inputs.length });
  const results = resultWriter(context, flags);
  // On a terminal the table itself shows the progress, and would overwrite a bar.
  const bar =
    inputs.length > 1 && !context.terminal
      ? await progress(context, { total: inputs.length, unit: 'images' })
      : undefined;
  const stdin = standardInput(context.signal);
  const done = { files: 0, faces: 0, failures: 0 };

  const detectOne = async (input: Input): Promise<Done> => {
    try {
      if (input.error) throw input.error;
      requirePicture(input.source, input.kind === 'stdin' ? await stdin.kind() : input.content);
      const bytes = input.kind === 'stdin' ? await stdin.bytes() : undefined;
      return { input, ...(await detectFaces({ context, detector, copies }, input, bytes)) };
    } catch (error) {
      return { input, error };
    }
  };

  try {
    for await (const one of inOrder(inputs, detector.concurrency + 2, detectOne)) {
      if (context.signal.aborted || (context.isUnread && !writesCopies)) break;
      if ('error' in one && isFaceDetError(one.error) && one.error.code.startsWith('MODEL_'))
        throw modelError(model, one.error);
      if ('error' in one) {
        done.failures++;
        await results.write({ source: one.input.source, error: context.fail(one.input.source, one.error) });
        continue;
      }
      done.files++;
      done.faces += one.faces;
      await results.write(one.result);
      bar?.tick();
    }
    for (const over of passed) if (!over.isReported) context.log(`facedet: ${over.source}: ${passedOverText(over)}`);
    await results.end();
    bar?.stop();
    if (!context.isUnread)
      context.log(countsLine({ ...done, skipped: skippedIn(passed) }, context.signal.aborted ? '; interrupted' : ''));
  } finally {
    bar?.stop();
    stdin.end();
    await detector.dispose();
  }
}

/** Throws for a video, before its bytes are read; `facedet video` accepts those. */
function requirePicture(source: string, content: FileKind | undefined): void {
  if (content?.type !== 'video') return;
  throw new CommandError(
    'IMAGE_UNREADABLE',
    `expected a picture but received a video; use "facedet video ${source}" for the faces of a video`,
  );
}

type Done = { input: Input } & ({ result: Result; faces: number } | { error: unknown });

/** What the inputs of a run share. */
interface Shared {
  readonly context: Context;
  readonly detector: Detector;
  readonly copies: CopyWriter;
}

async function detectFaces(
  { context, detector, copies }: Shared,
  input: Input,
  bytes: Uint8Array | undefined,
): Promise<{ result: Result; faces: number }> {
  const { signal } = context;
  signal.throwIfAborted();
  // Rejects with the system's error where the file was removed since the inputs were listed.
  if (input.kind === 'file') await stat(input.source);
  const image: StillImage = await readPicture(bytes ?? (input.kind === 'url' ? parseUrl(input.source) : input.source), {
    signal,
  });
  try {
    const faces: Face[] = await detector.detect(image, { signal });
    await copies(input, image, faces, signal);
    if (image.pages > 1) context.log(firstOfSeveral(input.source, image));
    return { result: { source: input.source, width: image.width, height: image.height, faces }, faces: faces.length };
  } finally {
    image.close();
  }
}
