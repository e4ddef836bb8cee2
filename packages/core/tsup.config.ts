import { library } from '../../tsup.base';

export default library({ index: 'src/index.ts', engine: 'src/engine.ts', 'testing/index': 'src/testing/index.ts' });
