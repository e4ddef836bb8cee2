import { library } from '../../tsup.base';

export default library(
  { index: 'src/index.ts', testing: 'src/testing.ts' },
  { platform: 'node', removeNodeProtocol: false },
);
