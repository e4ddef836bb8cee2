import { library } from '../../tsup.base';

// `worker` is what the pool's threads run; nobody imports it.
export default library(
  { index: 'src/index.ts', worker: 'src/worker.ts' },
  { platform: 'node', dts: { entry: { index: 'src/index.ts' } }, external: ['onnxruntime-node', 'sharp'] },
);
