import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { sections } from '../.vitepress/pages.mjs';
import { root, site } from './places.mjs';

const pages = sections.flatMap(({ items }) => items);
const linkOf = new Map(pages.flatMap(({ link, copyOf, shows }) => (copyOf || shows ? [[copyOf ?? shows, link]] : [])));

/** Writes the pages that are documents of the repository, with links that lead to the site's own pages. */
export function repositoryPages() {
  for (const folder of ['docs', 'packages']) rmSync(join(site, folder), { recursive: true, force: true });
  for (const { link, copyOf } of pages) {
    if (!copyOf) continue;
    const file = join(site, `${link}.md`);
    const text = readFileSync(join(root, copyOf), 'utf8').trim();
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${[withSiteLinks(text, copyOf, dirname(file)), ...apiSection(copyOf)].join('\n\n')}\n`);
  }
}

/**
 * Rewrites the relative links of a document: to the page of what they name, or, where the site has none, to the path in
 * the repository as text. Images keep their file.
 */
function withSiteLinks(text, document, folder) {
  return text
    .split(/(^```[\s\S]*?^```)/m)
    .map((part) =>
      part.startsWith('```') ? part : part.replace(LINK, (...match) => siteLink(match, document, folder)),
    )
    .join('');
}

const LINK = /(!?)\[([^\]]*)\]\((?![a-z]+:|#|\/)([^)#\s]+)(#[^)\s]*)?\)/g;

function siteLink([, image, label, target, anchor = ''], document, folder) {
  const path = posix.join(posix.dirname(document), target);
  if (image) return `![${label}](${relative(folder, join(root, path))})`;
  const link = linkOf.get(path) ?? linkOf.get(`${path}/README.md`);
  return link ? `[${label}](${link}${anchor})` : `${label}, \`${path}\` in the repository`;
}

/** Links from a package's page to the API reference of its entries. */
function apiSection(copyOf) {
  const [, name] = /^packages\/([^/]+)\/README\.md$/.exec(copyOf) ?? [];
  if (!name) return [];
  const folder = join(site, 'reference', 'api', '@facedet');
  const entries = readdirSync(folder, { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file === `${name}.md` || (file.startsWith(`${name}/`) && file.endsWith('.md')))
    .map((file) => file.replace(/\.md$/, ''))
    .sort();
  const list = entries.map((entry) => `- [\`@facedet/${entry}\`](/reference/api/@facedet/${entry})`);
  return ['## API reference', list.join('\n')];
}
