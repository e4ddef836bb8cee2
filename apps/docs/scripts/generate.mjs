// Writes what is generated before the site is built: the command's reference from its own declarations, the API
// reference from doc comments, the pages that are documents of the repository, and llms.txt from the pages.
import { apiReference } from './api-reference.mjs';
import { cliReference } from './cli-reference.mjs';
import { llmsTexts } from './llms.mjs';
import { repositoryPages } from './repository-pages.mjs';

await cliReference();
await apiReference();
repositoryPages();
llmsTexts();
