import { defineConfig } from 'vitepress';
import { sections } from './pages.mjs';

const sidebar = sections.map(({ title, items }) => ({
  text: title,
  items: items.map(({ text, link }) => ({ text, link })),
}));

/** A heading's anchor by GitHub's rules: links of the repository's documents are written for these. */
function githubAnchor(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

export default defineConfig({
  title: 'FaceDet',
  description: 'Faces in images and video: detection, tracking, smoothing and anonymizing, in TypeScript',
  lang: 'en',
  cleanUrls: true,
  // A broken link ends the build.
  ignoreDeadLinks: false,
  srcExclude: ['README.md'],
  markdown: {
    anchor: { slugify: githubAnchor },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  // Nothing is loaded from elsewhere: fonts are the system's, search is in the page.
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Guide', link: '/guide/getting-started', activeMatch: '^/(guide|docs|packages)/' },
      { text: 'Command line', link: '/reference/cli' },
      { text: 'API', link: '/reference/api/index', activeMatch: '/reference/api/' },
    ],
    sidebar,
    outline: { level: [2, 3] },
  },
});
