import { bundledIdentities } from './default.ts';
import { INSIGHTFACE_LICENSE } from './licenses.ts';
import type { ModelIdentity } from './types.ts';

/**
 * What is needed to find and load every model: FaceDet's own first, then InsightFace's, best first. The manifest adds
 * the rest, which web pages don't need.
 */
export const zooModels: readonly ModelIdentity[] = [
  ...bundledIdentities,
  {
    name: 'scrfd_34g',
    aliases: [],
    license: INSIGHTFACE_LICENSE,
    file: { verification: 'not verified' },
  },
  {
    name: 'scrfd_10g',
    aliases: [],
    license: INSIGHTFACE_LICENSE,
    file: { verification: 'not verified' },
  },
  {
    name: 'scrfd_10g_kps',
    aliases: ['scrfd_10g_bnkps', 'det_10g'],
    license: INSIGHTFACE_LICENSE,
    file: {
      size: 16_923_827,
      sha256: '5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91',
      verification: 'official',
    },
  },
  {
    name: 'scrfd_2.5g',
    aliases: [],
    license: INSIGHTFACE_LICENSE,
    file: {
      size: 2_703_983,
      sha256: 'c5ace6e90b683f74a7736e917fed766308809145f1fe73e829700da7462b10e8',
      verification: 'export',
    },
  },
  {
    name: 'scrfd_2.5g_kps',
    aliases: ['scrfd_2.5g_bnkps', 'det_2.5g'],
    license: INSIGHTFACE_LICENSE,
    file: {
      size: 3_292_009,
      sha256: '041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9',
      verification: 'official',
      otherExports: [
        {
          sha256: '81a65738b3829e5265fe2636cdee7781dbb8db75ff14b88f3a0a9121eb0ecd68',
          size: 3_291_077,
          note: 'batch dimension, outputs named by stride',
        },
        {
          sha256: '4d0aa655b40bc72f9ff494ac854254a65a354865fc7b9d550ae5fe2944186754',
          size: 3_295_450,
          note: 'raw 4-D heads, fixed 640 × 640',
        },
      ],
    },
  },
  {
    name: 'scrfd_1g',
    aliases: [],
    license: INSIGHTFACE_LICENSE,
    file: {
      size: 2_552_890,
      sha256: 'fed8414314326bb875e2a8a19da9a75e1ca604980dda195c61f7308115108795',
      verification: 'export',
    },
  },
  {
    name: 'scrfd_0.5g',
    aliases: ['scrfd_500m'],
    license: INSIGHTFACE_LICENSE,
    file: {
      size: 2_301_039,
      sha256: '372ec832de65e8de9830894800bf2fd6a4807561e4188c9604480d158614447e',
      verification: 'export',
    },
  },
  {
    name: 'scrfd_0.5g_kps',
    aliases: ['scrfd_500m_kps', 'scrfd_500m_bnkps', 'det_500m'],
    license: INSIGHTFACE_LICENSE,
    file: {
      size: 2_524_817,
      sha256: '5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a',
      verification: 'official',
      otherExports: [
        {
          sha256: 'a3562ef62592bf387f6ef19151282ac127518e51c77696e62e0661bee95ba1ad',
          size: 2_524_155,
          note: 'batch dimension, outputs named by stride',
        },
      ],
    },
  },
];
