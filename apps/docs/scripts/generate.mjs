// Writes what is generated from the code before the site is built: the API reference from doc comments, the command's
// reference from its own declarations, and llms.txt from the pages.
import { apiReference } from './api-reference.mjs';
import { cliReference } from './cli-reference.mjs';
import { llmsTexts } from './llms.mjs';

await cliReference();
await apiReference();
llmsTexts();
