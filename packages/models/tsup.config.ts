import { library } from '../../tsup.base';

export default library({ index: 'src/index.ts', node: 'src/node.ts', web: 'src/web.ts' });
