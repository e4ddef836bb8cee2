import { readdirSync, readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { site } from './places.mjs';
import { sections } from '../.vitepress/pages.mjs';

/** Writes public/llms.txt, a list of the pages with a line each, and llms-full.txt, all guide pages in one text. */
export function llmsTexts() {
  const pages = sections.flatMap(({ title, items }) => items.map((item) => ({ ...item, section: title })));
  const list = [
    '# FaceDet',
    '',
    '> Detects faces in images and video, tracks each with a stable ID, smooths its box over time and ' +
      'anonymizes it, in',
    '> TypeScript, for Node and the browser.',
  ];
  for (const { title, items } of sections) {
    list.push('', `## ${title}`, '');
    for (const { text, link, about } of items) list.push(`- [${text}](${link}.md): ${about}`);
  }
  const guides = pages.filter(({ link }) => !link.startsWith('/reference/'));
  const full = guides.map(({ link }) => readFileSync(join(site, `${link.slice(1)}.md`), 'utf8').trim());
  mkdirSync(join(site, 'public'), { recursive: true });
  writeFileSync(join(site, 'public', 'llms.txt'), `${list.join('\n')}\n`);
  writeFileSync(join(site, 'public', 'llms-full.txt'), `${full.join('\n\n')}\n`);
}

/** Guide pages that no section lists: they would be unreachable. */
export function unlistedPages() {
  const listed = new Set(sections.flatMap(({ items }) => items.map(({ link }) => link)));
  return readdirSync(join(site, 'guide'))
    .map((file) => `/guide/${file.replace(/\.md$/, '')}`)
    .filter((link) => !listed.has(link));
}
