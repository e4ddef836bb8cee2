import { defineConfig } from 'vitepress';
import { sections } from './pages.mjs';

const sidebar = sections.map(({ title, items }) => ({ text: title, items: items.map(({ text, link }) => ({ text, link })) }));

export default defineConfig({
  title: 'FaceDet',
  description: 'Faces in images and video: detection, tracking, smoothing and anonymizing, in TypeScript',
  lang: 'en',
  cleanUrls: true,
  // A broken link ends the build.
  ignoreDeadLinks: false,
  srcExclude: ['README.md'],
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
