import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Face, PixelBuffer } from '@facedet/core';
import { makeFolder, partialPathOf, PICTURE_FORMATS } from '@facedet/files';
import type { StillImage } from '@facedet/runtime-node';
import { CommandError, usageError } from './errors.ts';
import type { Input } from './inputs.ts';
import { copyName, outputNames } from './output-names.ts';

/** Writes the annotated copy and the crops of one picture, as `--draw` and `--crop` request. */
export type CopyWriter = (
  input: Input,
  image: StillImage,
  faces: readonly Face[],
  signal: AbortSignal,
) => Promise<void>;

/**
 * Prepares the folders of `--draw` and `--crop` and assigns a unique file name to each input. Throws a usage error
 * where a copy would overwrite an input, before anything is written.
 */
export async function copyWriter(
  inputs: readonly Input[],
  { draw, crop }: { draw?: string; crop?: string },
): Promise<CopyWriter> {
  const [drawn, cropped] = [
    draw === undefined ? undefined : await writableFolder(draw),
    crop === undefined ? undefined : await writableFolder(crop),
  ];
  const names = outputNames(inputs, { nameOf: copyName, withFaces: drawn !== undefined && drawn === cropped });
  const files = new Map<string, string>();
  for (const { source, kind } of inputs) if (kind === 'file') files.set(await real(source), source);
  const refuse = (folder: string, source: string) =>
    usageError(`${folder}: a copy would overwrite the input ${source}; choose another folder`, 'OUTPUT_IS_INPUT');
  if (draw !== undefined) {
    for (const name of names.values()) {
      const taken = [name, partialPathOf(name)]
        .map((each) => files.get(join(drawn!, each)))
        .find((source) => source !== undefined);
      if (taken !== undefined) throw refuse(draw, taken);
    }
  }
  if (crop !== undefined) {
    const stems = new Set([...names.values()].map((name) => basename(name, extname(name))));
    for (const [path, source] of files) {
      // `a-1.jpg.partial` is a crop being written.
      const name = basename(path).replace(/\.partial$/, '');
      const stem = basename(name, extname(name)).match(/^(.*)-\d+(?:\.aligned)?$/)?.[1];
      if (dirname(path) === cropped && stem !== undefined && stems.has(stem)) throw refuse(crop, source);
    }
  }
  return async (input, image, faces, signal) => {
    const name = names.get(input)!;
    if (draw !== undefined) await drawCopy(join(draw, name), image, faces, signal);
    if (crop !== undefined) await cropFaces(join(crop, name), image, faces, signal);
  };
}

async function writableFolder(folder: string): Promise<string> {
  try {
    makeFolder(folder);
    await access(folder, constants.W_OK);
    return await realpath(folder);
  } catch (cause) {
    throw new CommandError('OUTPUT_UNWRITABLE', `can't create or write to the folder: ${(cause as Error).message}`, {
      exitCode: 2,
      input: folder,
      cause,
    });
  }
}

/** A path without links, also of a file that doesn't exist. */
async function real(path: string): Promise<string> {
  return realpath(path).catch(async () =>
    join(await realpath(dirname(path)).catch(() => resolve(dirname(path))), basename(path)),
  );
}

async function drawCopy(path: string, image: StillImage, faces: readonly Face[], signal: AbortSignal): Promise<void> {
  const [{ drawPixels }, { writeImage }] = await Promise.all([
    import('@facedet/draw'),
    import('@facedet/runtime-node'),
  ]);
  const pixels = inColor(await image.pixels({ signal }));
  drawPixels(pixels, faces);
  await writeImage(withExtension(path, image), pixels, { like: image.format });
}

async function cropFaces(copy: string, image: StillImage, faces: readonly Face[], signal: AbortSignal): Promise<void> {
  const [{ alignFace, clipBox }, { writeImage }] = await Promise.all([
    import('@facedet/core'),
    import('@facedet/runtime-node'),
  ]);
  const path = withExtension(copy, image);
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  for (const [i, { box, landmarks }] of faces.entries()) {
    const shown = clipBox(box, image.width, image.height);
    const [x, y] = [Math.floor(shown.x), Math.floor(shown.y)];
    const region = { x, y, width: Math.ceil(shown.x + shown.width) - x, height: Math.ceil(shown.y + shown.height) - y };
    if (region.width >= 1 && region.height >= 1) {
      await writeImage(
        `${stem}-${i + 1}${extension}`,
        await image.rasterize(region.width, region.height, { region, signal }),
        { like: image.format },
      );
    }
    if (landmarks)
      await writeImage(`${stem}-${i + 1}.aligned${extension}`, await alignFace(image, landmarks, { signal }), {
        like: image.format,
      });
  }
}

/** The path itself, or with the format's extension where it has none (standard input, many URLs). */
function withExtension(path: string, image: StillImage): string {
  return extname(path) === '' ? `${path}${PICTURE_FORMATS[PICTURE_FORMATS[image.format].copy].extensions[0]}` : path;
}

/** A copy of the pixels to draw on, gray ones as RGB so that colored boxes are visible. */
function inColor({ data, width, height, format }: PixelBuffer): PixelBuffer {
  if (format !== 'gray') return { data: new Uint8Array(data), width, height, format };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.fill(data[i]!, 3 * i, 3 * i + 3);
  return { data: rgb, width, height, format: 'rgb' };
}
