import figures from '../weights/figures.json';
import { describeBundled } from './bundled.ts';
import { bundledIdentities } from './default.ts';
import { byName } from './find.ts';
import type { ModelAccuracy, ModelDownload, ModelEntry, ModelIdentity, ModelInput, ModelSpeed } from './types.ts';
import { zooModels } from './zoo.ts';

// InsightFace's model zoo, section 2.2: AP at single scale and VGA, FLOPs and parameters; detection/scrfd says the
// same.
const ZOO = 'https://github.com/deepinsight/insightface/blob/master/model_zoo/README.md';
const origin = {
  by: 'InsightFace (Guo, Deng, Lattas, Zafeiriou)',
  url: 'https://github.com/deepinsight/insightface/tree/master/detection/scrfd',
};

const input: ModelInput = { layout: 'NCHW', channels: 'RGB', mean: 127.5, scale: 128, multipleOf: 32, batch: true };
// The exports inside the release packs have no batch dimension in their outputs.
const packInput: ModelInput = { ...input, batch: false };

/** FaceDet's own weights with their figures; the first is the default. */
export const bundledModels: readonly ModelEntry[] = describeBundled(bundledIdentities, figures);

/** The model that is used where none is named; undefined in a build whose `weights/weights.json` lists none. */
export const defaultModel: ModelEntry | undefined = bundledModels[0];

/** Every model that has a name, FaceDet's own first, then the zoo, best first. */
export const models: readonly ModelEntry[] = [
  ...bundledModels,
  {
    ...zoo('scrfd_34g'),
    landmarks: false,
    use: 'best accuracy; a GPU, or pictures one by one',
    accuracy: accuracy(0.9606, 0.9492, 0.8529),
    gflops: 34.13,
    parameters: 9_800_000,
    speed: speed(11.7),
    origin,
    downloads: [],
    manual: byHand('SCRFD_34G', '1w9QOPilC9EhU0JgiVJoX0PLvfNSlm1XE'),
    input,
  },
  {
    ...zoo('scrfd_10g'),
    landmarks: false,
    use: 'accuracy and speed in balance',
    accuracy: accuracy(0.9516, 0.9387, 0.8305),
    gflops: 9.98,
    parameters: 3_860_000,
    speed: speed(4.9),
    origin,
    downloads: [],
    manual: byHand('SCRFD_10G', '1kUYa0s1XxLW37ZFRGeIfKNr9L_4ScpOg'),
    input,
  },
  {
    ...zoo('scrfd_10g_kps'),
    landmarks: true,
    use: 'accuracy and speed in balance, with landmarks',
    accuracy: accuracy(0.954, 0.9401, 0.828),
    gflops: 10,
    parameters: 4_230_000,
    speed: speed(5),
    origin,
    downloads: [
      ...pack(
        'buffalo_l.zip',
        'det_10g.onnx',
        288_621_354,
        '80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f',
      ),
      ...pack(
        'antelopev2.zip',
        'scrfd_10g_bnkps.onnx',
        360_662_982,
        '8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5',
      ),
    ],
    input: packInput,
  },
  {
    ...zoo('scrfd_2.5g'),
    landmarks: false,
    use: 'video in real time',
    accuracy: accuracy(0.9378, 0.9216, 0.7787),
    gflops: 2.53,
    parameters: 670_000,
    speed: speed(4.2),
    origin,
    downloads: [],
    manual: byHand('SCRFD_2.5G', '1wgg8GY2vyP3uUTaAKT0_MSpAPIhmDsCQ'),
    input,
  },
  {
    ...zoo('scrfd_2.5g_kps'),
    landmarks: true,
    use: 'video in real time, with landmarks',
    accuracy: accuracy(0.938, 0.9202, 0.7713),
    gflops: 2.5,
    parameters: 820_000,
    speed: speed(4.3),
    origin,
    downloads: pack(
      'buffalo_m.zip',
      'det_2.5g.onnx',
      275_951_529,
      'd98264bd8f2dc75cbc2ddce2a14e636e02bb857b3051c234b737bf3b614edca9',
    ),
    input: packInput,
  },
  {
    ...zoo('scrfd_1g'),
    landmarks: false,
    use: 'small machines, where 0.5 G misses too much',
    accuracy: accuracy(0.9238, 0.9057, 0.748),
    gflops: 1,
    parameters: 640_000,
    speed: speed(4.1),
    origin,
    downloads: [],
    manual: byHand('SCRFD_1G', '1acd5wKjWnl1zMgS5YJBtCh13aWtw9dej'),
    input,
  },
  {
    ...zoo('scrfd_0.5g'),
    landmarks: false,
    use: 'phones, browsers, edge devices',
    accuracy: accuracy(0.9057, 0.8812, 0.6851),
    gflops: 0.508,
    parameters: 570_000,
    speed: speed(3.6),
    origin,
    downloads: [],
    manual: byHand('SCRFD_500M', '1OX0i_vWDp1Fp-ZynOUMZo-q1vB5g1pTN'),
    input,
  },
  {
    ...zoo('scrfd_0.5g_kps'),
    landmarks: true,
    use: 'phones, browsers, edge devices, with landmarks',
    accuracy: accuracy(0.9097, 0.8844, 0.6949),
    gflops: 0.5,
    parameters: 570_000,
    speed: speed(3.6),
    origin,
    downloads: pack(
      'buffalo_sc.zip',
      'det_500m.onnx',
      14_969_382,
      '57d31b56b6ffa911c8a73cfc1707c73cab76efe7f13b675a05223bf42de47c72',
    ),
    input: packInput,
  },
];

/** The entry of a model by its name or an alias, in any case; undefined for an unknown name. */
export function findModel(name: string): ModelEntry | undefined {
  return byName(models, name);
}

/** The entry whose file, or another export of whose weights, has this SHA-256 (hex). */
export function findModelBySha256(sha256: string): ModelEntry | undefined {
  const wanted = sha256.toLowerCase();
  return models.find(
    ({ file }) => file.sha256 === wanted || file.otherExports?.some((other) => other.sha256 === wanted),
  );
}

function zoo(name: string): ModelIdentity {
  return zooModels.find((each) => each.name === name)!;
}

function accuracy(easy: number, medium: number, hard: number): ModelAccuracy {
  return { easy, medium, hard, setting: 'as published: all of val, single scale, longer side 640', source: ZOO };
}

function speed(milliseconds: number): ModelSpeed {
  return {
    milliseconds,
    fps: Math.round(1000 / milliseconds),
    setting: 'RTX 2080 Ti, PyTorch, 640 × 480',
    source: ZOO,
  };
}

/** The pack in InsightFace's `model-zoo` release, and in the release that had the same file before (`v0.7`). */
function pack(name: string, member: string, size: number, sha256: string): ModelDownload[] {
  return ['model-zoo', 'v0.7'].map((tag) => ({
    url: `https://github.com/deepinsight/insightface/releases/download/${tag}/${name}`,
    archive: { member, size, sha256 },
  }));
}

function byHand(name: string, drive: string): string {
  return (
    `InsightFace publishes ${name} as a PyTorch checkpoint only ` +
    `(https://drive.google.com/file/d/${drive}/view): convert it with detection/scrfd/tools/scrfd2onnx.py ` +
    'of its repository'
  );
}
