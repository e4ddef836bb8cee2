import { library } from '../../tsup.base';

export default library({ index: 'src/index.ts', 'synthetic/index': 'src/synthetic/index.ts' });
