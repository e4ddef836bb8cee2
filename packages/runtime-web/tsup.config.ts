import { library } from '../../tsup.base';

export default library({ index: 'src/index.ts', worker: 'src/worker.ts' }, { platform: 'browser' });
