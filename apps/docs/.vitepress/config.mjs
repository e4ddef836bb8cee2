import { defineConfig } from 'vitepress';
import { sections } from './pages.mjs';

const sidebar = sections.map(({ title, items }) => ({ text: title, items: items.map(({ text, link }) => ({ text, link })) }));

/** Pages included from the repository's docs link to packages by folder: here that is a package's API reference, and an example is its name. */
function linkIntoSite(md) {
  md.core.ruler.push('repository_links', ({ tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== 'link_open') continue;
      const [, folder, rest] = /^(?:\.\.\/)+(packages|examples)\/([^#]*)/.exec(token.attrGet('href')) ?? [];
      if (folder === 'packages') token.attrSet('href', `/reference/api/@facedet/${rest.split('/')[0]}`);
      if (folder === 'examples') token.attrSet('href', '/guide/getting-started');
    }
  });
}

export default defineConfig({
  title: 'FaceDet',
  description: 'Faces in images and video: detection, tracking, smoothing and anonymizing, in TypeScript',
  lang: 'en',
  cleanUrls: true,
  // A broken link ends the build.
  ignoreDeadLinks: false,
  srcExclude: ['README.md'],
  markdown: { config: linkIntoSite, theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  // Nothing is loaded from elsewhere: fonts are the system's, search is in the page.
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Guide', link: '/guide/getting-started', activeMatch: '/guide/' },
      { text: 'Command line', link: '/reference/cli' },
      { text: 'API', link: '/reference/api/index', activeMatch: '/reference/api/' },
    ],
    sidebar,
    outline: { level: [2, 3] },
  },
});
