import type { ModelLicense } from './types.ts';

/** InsightFace's pretrained models: non-commercial research only, no matter where they are hosted. */
export const INSIGHTFACE_LICENSE: ModelLicense = {
  id: 'insightface-non-commercial-research',
  name: 'InsightFace pretrained models: non-commercial research only',
  use: 'non-commercial-research',
  notice:
    "InsightFace's pretrained models are available for non-commercial research purposes only, downloaded by " +
    'hand or by a program; commercial use needs a license from InsightFace.',
  url: 'https://github.com/deepinsight/insightface#license',
  mustAccept: true,
};

/** FaceDet's own weights: no claim beyond what the training data allows. */
export const FACEDET_WEIGHTS_LICENSE: ModelLicense = {
  id: 'facedet-weights-research',
  name: 'FaceDet weights: research use, as their training data allows',
  use: 'research',
  notice:
    'The weights were trained in part on WIDER FACE, which is for research, and on sets that state no license ' +
    '(see weights/MODEL_CARD.md in this package). FaceDet adds no restriction of its own and claims no right ' +
    'that the data does not give.',
  url: 'http://shuoyang1213.me/WIDERFACE/',
  mustAccept: false,
};
