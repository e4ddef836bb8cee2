import { InvalidArgumentError, Option, type Command } from 'commander';
import type { DetectionOptions, Rotate } from '@facedet/core';
import { usageError } from './errors.ts';
import { integerIn, numberIn, oneOf, parsePixels, parseRotate, parseSizes } from './options.ts';

/** What `withDetectorOptions` parses. */
export interface DetectorFlags {
  model?: string;
  acceptLicense?: boolean;
  size?: DetectionOptions['inputSize'];
  pixels?: number;
  rotate?: Rotate;
  preset?: 'paper' | 'runtime';
  score?: number;
  iou?: number;
  maxFaces?: number;
  tiles?: true | number;
  clahe?: boolean;
  threads?: number;
  workers?: number;
  provider?: Provider[];
}

const providers = ['cpu', 'cuda', 'tensorrt', 'dml', 'coreml'] as const;
/** Execution providers of ONNX Runtime. */
export type Provider = (typeof providers)[number];

/** For help texts. */
export const providerNames = providers.join(', ');

/**
 * Adds the options of every command that runs a detector; `score` says what it takes where `--score` is missing.
 */
export function withDetectorOptions(command: Command, { score = '0.5' }: { readonly score?: string } = {}): Command {
  return withModelOptions(command)
    .addOption(
      new Option(
        '--size <size>',
        'input size: longer side (640), width and height (640x480), or several sizes, results merged (320,640)',
      ).argParser(parseSizes),
    )
    .addOption(
      new Option(
        '--pixels <count>',
        'input size as a pixel budget, keeps the aspect ratio (default: 409600, plus a small pass for faces ' +
          'that fill the image)',
      )
        .argParser(parsePixels)
        .conflicts('size'),
    )
    .addOption(
      new Option(
        '--rotate <degrees>',
        'rotate the image clockwise before detection: auto, 0, 90, 180, 270 or several (0,90) (default: auto)',
      ).argParser(parseRotate),
    )
    .addOption(
      new Option(
        '--preset <name>',
        'detector settings: paper (WIDER FACE evaluation) or runtime (everything else)',
      ).argParser(oneOf('paper', 'runtime')),
    )
    .addOption(
      new Option(
        '--score <score>',
        `score threshold, 0 to 1; higher returns fewer false faces (default: ${score})`,
      ).argParser(numberIn(0, 1)),
    )
    .addOption(
      new Option(
        '--iou <iou>',
        'NMS threshold, 0 to 1: of boxes that overlap more than this, keep the best (default: 0.4)',
      ).argParser(numberIn(0, 1)),
    )
    .addOption(
      new Option('--max-faces <count>', 'keep only the N highest-scoring faces per image').argParser(integerIn(1)),
    )
    .addOption(
      new Option(
        '--tiles [side]',
        'also run the detector on overlapping tiles, for tiny faces in large images',
      ).argParser(integerIn(32)),
    )
    .option('--clahe', 'equalize the contrast before detection (CLAHE), for dark images')
    .addOption(new Option('--threads <count>', 'CPU threads per worker').argParser(integerIn(1, 256)))
    .addOption(new Option('--workers <count>', 'images processed in parallel').argParser(integerIn(1, 256)))
    .addOption(
      new Option('--provider <names>', `execution providers in order of preference: ${providerNames}`).argParser(
        parseProviders,
      ),
    );
}

/** Adds only what names a model. */
export function withModelOptions(command: Command): Command {
  return command
    .option('-m, --model <model>', 'model name (see `facedet models list`), path or URL of an ONNX model')
    .option('--accept-license', "accept the model's license");
}

/** The flags as core's options; `defaults` hold where a flag is missing. */
export function detectionOptions(flags: DetectorFlags, defaults: DetectionOptions = {}): DetectionOptions {
  const { preset, score, iou, maxFaces, tiles, clahe, pixels, size, rotate } = flags;
  if (pixels !== undefined && size !== undefined) throw usageError('expected --size or --pixels but received both');
  const inputSize = size ?? (pixels === undefined ? undefined : { pixels });
  return {
    ...defaults,
    ...(preset !== undefined && { preset }),
    ...(inputSize !== undefined && { inputSize }),
    ...(rotate !== undefined && { rotate }),
    ...(score !== undefined && { scoreThreshold: score }),
    ...(iou !== undefined && { iouThreshold: iou }),
    ...(maxFaces !== undefined && { maxFaces }),
    ...(tiles !== undefined && { tiles: tiles === true ? true : { size: tiles } }),
    ...(clahe !== undefined && { clahe }),
  };
}

/** `cuda,cpu` → the providers. */
export function parseProviders(text: string): Provider[] {
  return text.split(',').map((name) => {
    const provider = name.trim().toLowerCase();
    if (!(providers as readonly string[]).includes(provider))
      throw new InvalidArgumentError(`Expected names from this list: ${providerNames}.`);
    return provider as Provider;
  });
}
