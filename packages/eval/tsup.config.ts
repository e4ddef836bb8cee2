import { library } from '../../tsup.base';

const parts = ['wider', 'mot', 'detection', 'stability', 'synthetic'];

export default library(Object.fromEntries(parts.map((part) => [`${part}/index`, `src/${part}/index.ts`])));
