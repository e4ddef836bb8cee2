/**
 * The terms of use of a set of weights. The code of this package is Apache-2.0; weights have licenses of their own.
 */
export interface ModelLicense {
  /** Short stable name, the key under which an acceptance is remembered. */
  readonly id: string;
  /** One readable line. */
  readonly name: string;
  /** `unrestricted`, or what use is limited to. */
  readonly use: 'unrestricted' | 'research' | 'non-commercial-research';
  /** The sentence to show before a download. */
  readonly notice: string;
  /** The page with the terms. */
  readonly url: string;
  /** Whether a download waits until the license was accepted once. */
  readonly mustAccept: boolean;
}

/** Average precision on WIDER FACE val, fractions in [0, 1]. */
export interface ModelAccuracy {
  readonly easy: number;
  readonly medium: number;
  readonly hard: number;
  /** How it was tested: figures of two settings can't be compared. */
  readonly setting: string;
  /** Page or file where the figure is published. */
  readonly source: string;
}

/** A published speed of the network alone. */
export interface ModelSpeed {
  /** Milliseconds per image. */
  readonly milliseconds: number;
  /** Images per second (fps), 1000 / `milliseconds`. */
  readonly fps: number;
  /** Device and input size. */
  readonly setting: string;
  readonly source: string;
}

/** What a model expects of its input tensor. */
export interface ModelInput {
  /** `NCHW` float32: batch, three channels, rows, columns. */
  readonly layout: 'NCHW';
  readonly channels: 'RGB';
  /** Each channel is `(value − mean) / scale`, values in 0–255. */
  readonly mean: number;
  readonly scale: number;
  /** Both sides are multiples of this. */
  readonly multipleOf: number;
  /** Whether several images fit in one run. */
  readonly batch: boolean;
}

/** A place to get a file from, first to last; those of an archive are read out of it. */
export interface ModelDownload {
  readonly url: string;
  /** Set where `url` is a zip archive that holds the file. */
  readonly archive?: {
    /** Base name of the file inside. */
    readonly member: string;
    /** Size of the whole archive in bytes. */
    readonly size: number;
    /** SHA-256 of the whole archive, lower-case hex. */
    readonly sha256: string;
  };
}

/** The ONNX file of a model. */
export interface ModelFile {
  /** Its name in this package's `weights/`; absent where it isn't bundled. */
  readonly name?: string;
  /** Bytes; absent where not known. */
  readonly size?: number;
  /** SHA-256 in lower-case hex; absent where no official value could be verified: the first download then pins it. */
  readonly sha256?: string;
  /**
   * What `sha256` is worth: `official`, the file inside an official release; `export`, a conversion in wide use of
   * weights that are officially published for PyTorch only; `bundled`, the file inside this package; `not verified`,
   * none is known.
   */
  readonly verification: 'official' | 'export' | 'bundled' | 'not verified';
  /** Other exports of the same weights, accepted under the same name. */
  readonly otherExports?: readonly { readonly sha256: string; readonly size: number; readonly note: string }[];
}

/** What it takes to recognize a model and to load its file. */
export interface ModelIdentity {
  /** As `resolveModel` and `--model` take it. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly license: ModelLicense;
  readonly file: ModelFile;
}

/** One model of the zoo. */
export interface ModelEntry extends ModelIdentity {
  /** Whether it gives five landmarks a face. */
  readonly landmarks: boolean;
  /** What it is good for, one line. */
  readonly use: string;
  /** Undefined where nobody published it. */
  readonly accuracy?: ModelAccuracy;
  /** Billions of multiply-adds at 640 × 480, as published. */
  readonly gflops?: number;
  /** Number of parameters, as published. */
  readonly parameters?: number;
  readonly speed?: ModelSpeed;
  /** Who made the weights, and the page or file that says so. */
  readonly origin: { readonly by: string; readonly url: string };
  /** Empty where no official place serves the ONNX file. */
  readonly downloads: readonly ModelDownload[];
  /** How to get the file by hand, where `downloads` is empty. */
  readonly manual?: string;
  readonly input: ModelInput;
}
