import { bundledModels } from './default.ts';
import { INSIGHTFACE_LICENSE } from './licenses.ts';
import type { ModelAccuracy, ModelDownload, ModelEntry, ModelInput, ModelSpeed } from './types.ts';

// InsightFace's model zoo, section 2.2: AP at single scale and VGA, FLOPs and parameters; detection/scrfd says the same.
const ZOO = 'https://github.com/deepinsight/insightface/blob/master/model_zoo/README.md';
const origin = { by: 'InsightFace (Guo, Deng, Lattas, Zafeiriou)', url: 'https://github.com/deepinsight/insightface/tree/master/detection/scrfd' };

const input: ModelInput = { layout: 'NCHW', channels: 'RGB', mean: 127.5, scale: 128, multipleOf: 32, batch: true };
// The exports inside the release packs have no batch dimension in their outputs.
const packInput: ModelInput = { ...input, batch: false };

/** Every model that has a name, FaceDet's own first, then the zoo, best first. */
export const models: readonly ModelEntry[] = [
  ...bundledModels,
  {
    name: 'scrfd_34g',
    aliases: [],
    landmarks: false,
    use: 'best accuracy; a GPU, or pictures one by one',
    accuracy: accuracy(0.9606, 0.9492, 0.8529),
    gflops: 34.13,
    parameters: 9_800_000,
    speed: speed(11.7),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: { verification: 'not verified' },
    downloads: [],
    manual: byHand('SCRFD_34G', '1w9QOPilC9EhU0JgiVJoX0PLvfNSlm1XE'),
    input,
  },
  {
    name: 'scrfd_10g',
    aliases: [],
    landmarks: false,
    use: 'accuracy and speed in balance',
    accuracy: accuracy(0.9516, 0.9387, 0.8305),
    gflops: 9.98,
    parameters: 3_860_000,
    speed: speed(4.9),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: { verification: 'not verified' },
    downloads: [],
    manual: byHand('SCRFD_10G', '1kUYa0s1XxLW37ZFRGeIfKNr9L_4ScpOg'),
    input,
  },
  {
    name: 'scrfd_10g_kps',
    aliases: ['scrfd_10g_bnkps', 'det_10g'],
    landmarks: true,
    use: 'accuracy and speed in balance, with landmarks',
    accuracy: accuracy(0.954, 0.9401, 0.828),
    gflops: 10,
    parameters: 4_230_000,
    speed: speed(5),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: { size: 16_923_827, sha256: '5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91', verification: 'official' },
    downloads: [
      ...pack('buffalo_l.zip', 'det_10g.onnx', 288_621_354, '80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f'),
      ...pack('antelopev2.zip', 'scrfd_10g_bnkps.onnx', 360_662_982, '8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5'),
    ],
    input: packInput,
  },
  {
    name: 'scrfd_2.5g',
    aliases: [],
    landmarks: false,
    use: 'video in real time',
    accuracy: accuracy(0.9378, 0.9216, 0.7787),
    gflops: 2.53,
    parameters: 670_000,
    speed: speed(4.2),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: { size: 2_703_983, sha256: 'c5ace6e90b683f74a7736e917fed766308809145f1fe73e829700da7462b10e8', verification: 'export' },
    downloads: [],
    manual: byHand('SCRFD_2.5G', '1wgg8GY2vyP3uUTaAKT0_MSpAPIhmDsCQ'),
    input,
  },
  {
    name: 'scrfd_2.5g_kps',
    aliases: ['scrfd_2.5g_bnkps', 'det_2.5g'],
    landmarks: true,
    use: 'video in real time, with landmarks',
    accuracy: accuracy(0.938, 0.9202, 0.7713),
    gflops: 2.5,
    parameters: 820_000,
    speed: speed(4.3),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: {
      size: 3_292_009,
      sha256: '041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9',
      verification: 'official',
      otherExports: [
        { sha256: '81a65738b3829e5265fe2636cdee7781dbb8db75ff14b88f3a0a9121eb0ecd68', size: 3_291_077, note: 'batch dimension, outputs named by stride' },
        { sha256: '4d0aa655b40bc72f9ff494ac854254a65a354865fc7b9d550ae5fe2944186754', size: 3_295_450, note: 'raw 4-D heads, fixed 640 × 640' },
      ],
    },
    downloads: pack('buffalo_m.zip', 'det_2.5g.onnx', 275_951_529, 'd98264bd8f2dc75cbc2ddce2a14e636e02bb857b3051c234b737bf3b614edca9'),
    input: packInput,
  },
  {
    name: 'scrfd_1g',
    aliases: [],
    landmarks: false,
    use: 'small machines, where 0.5 G misses too much',
    accuracy: accuracy(0.9238, 0.9057, 0.748),
    gflops: 1,
    parameters: 640_000,
    speed: speed(4.1),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: { size: 2_552_890, sha256: 'fed8414314326bb875e2a8a19da9a75e1ca604980dda195c61f7308115108795', verification: 'export' },
    downloads: [],
    manual: byHand('SCRFD_1G', '1acd5wKjWnl1zMgS5YJBtCh13aWtw9dej'),
    input,
  },
  {
    name: 'scrfd_0.5g',
    aliases: ['scrfd_500m'],
    landmarks: false,
    use: 'phones, browsers, edge devices',
    accuracy: accuracy(0.9057, 0.8812, 0.6851),
    gflops: 0.508,
    parameters: 570_000,
    speed: speed(3.6),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: { size: 2_301_039, sha256: '372ec832de65e8de9830894800bf2fd6a4807561e4188c9604480d158614447e', verification: 'export' },
    downloads: [],
    manual: byHand('SCRFD_500M', '1OX0i_vWDp1Fp-ZynOUMZo-q1vB5g1pTN'),
    input,
  },
  {
    name: 'scrfd_0.5g_kps',
    aliases: ['scrfd_500m_kps', 'scrfd_500m_bnkps', 'det_500m'],
    landmarks: true,
    use: 'phones, browsers, edge devices, with landmarks',
    accuracy: accuracy(0.9097, 0.8844, 0.6949),
    gflops: 0.5,
    parameters: 570_000,
    speed: speed(3.6),
    license: INSIGHTFACE_LICENSE,
    origin,
    file: {
      size: 2_524_817,
      sha256: '5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a',
      verification: 'official',
      otherExports: [{ sha256: 'a3562ef62592bf387f6ef19151282ac127518e51c77696e62e0661bee95ba1ad', size: 2_524_155, note: 'batch dimension, outputs named by stride' }],
    },
    downloads: pack('buffalo_sc.zip', 'det_500m.onnx', 14_969_382, '57d31b56b6ffa911c8a73cfc1707c73cab76efe7f13b675a05223bf42de47c72'),
    input: packInput,
  },
];

function accuracy(easy: number, medium: number, hard: number): ModelAccuracy {
  return { easy, medium, hard, setting: 'as published: all of val, single scale, longer side 640', source: ZOO };
}

function speed(milliseconds: number): ModelSpeed {
  return { milliseconds, fps: Math.round(1000 / milliseconds), setting: 'RTX 2080 Ti, PyTorch, 640 × 480', source: ZOO };
}

/** The pack in InsightFace's `model-zoo` release, and where the same file lay before (`v0.7`). */
function pack(name: string, member: string, size: number, sha256: string): ModelDownload[] {
  return ['model-zoo', 'v0.7'].map((tag) => ({
    url: `https://github.com/deepinsight/insightface/releases/download/${tag}/${name}`,
    archive: { member, size, sha256 },
  }));
}

function byHand(name: string, drive: string): string {
  return `InsightFace publishes ${name} as a PyTorch checkpoint only (https://drive.google.com/file/d/${drive}/view): convert it with detection/scrfd/tools/scrfd2onnx.py of its repository`;
}
