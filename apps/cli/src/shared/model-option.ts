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
/** Where ONNX Runtime can run a model. */
export type Provider = (typeof providers)[number];

/** For help texts. */
export const providerNames = providers.join(', ');

/**
 * Adds the options of every command that runs a detector; `score` is what the command takes where `--score` is missing.
 */
export function withDetectorOptions(command: Command, { score = 0.5 } = {}): Command {
  return withModelOptions(command)
    .addOption(
      new Option(
        '--size <size>',
        'canvas: longer side (640), width and height (640x480), or several sizes tested jointly (320,640)',
      ).argParser(parseSizes),
    )
    .addOption(
      new Option(
        '--pixels <count>',
        'canvas by area: the one that shows the image largest (default: 409600, and a small one for faces ' +
          'that fill the image)',
      )
        .argParser(parsePixels)
        .conflicts('size'),
    )
    .addOption(
      new Option(
        '--rotate <degrees>',
        'turn the image clockwise first: auto, 0, 90, 180, 270 or several (0,90) (default: auto)',
      ).argParser(parseRotate),
    )
    .addOption(
      new Option('--preset <name>', 'paper (WIDER FACE evaluation) or runtime (everything else)').argParser(
        oneOf('paper', 'runtime'),
      ),
    )
    .addOption(
      new Option('--score <score>', `lowest score of a face, 0 to 1 (default: ${score})`).argParser(numberIn(0, 1)),
    )
    .addOption(
      new Option('--iou <iou>', 'overlap from which two boxes are one face, 0 to 1 (default: 0.4)').argParser(
        numberIn(0, 1),
      ),
    )
    .addOption(new Option('--max-faces <count>', 'at most so many faces an image, the best').argParser(integerIn(1)))
    .addOption(
      new Option('--tiles [side]', 'also look at overlapping tiles, for tiny faces in large images').argParser(
        integerIn(32),
      ),
    )
    .option('--clahe', 'equalise the contrast first, for dark images')
    .addOption(new Option('--threads <count>', 'threads of one worker').argParser(integerIn(1, 256)))
    .addOption(new Option('--workers <count>', 'images detected at once').argParser(integerIn(1, 256)))
    .addOption(
      new Option('--provider <names>', `where the model runs, in order of preference: ${providerNames}`).argParser(
        parseProviders,
      ),
    );
}

/** Adds only what names a model. */
export function withModelOptions(command: Command): Command {
  return command
    .option('-m, --model <model>', 'name of the zoo, path or URL of an ONNX model')
    .option('--accept-license', "accept the model's licence");
}

/** The flags as core's options; `defaults` hold where a flag is missing. */
export function detectionOptions(flags: DetectorFlags, defaults: DetectionOptions = {}): DetectionOptions {
  const { preset, score, iou, maxFaces, tiles, clahe, pixels, size, rotate } = flags;
  if (pixels !== undefined && size !== undefined) throw usageError('expected --size or --pixels, received both');
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
      throw new InvalidArgumentError(`Expected names out of ${providerNames}.`);
    return provider as Provider;
  });
}
