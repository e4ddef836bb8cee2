import { expect, it } from 'vitest';
import { withCurrentNames } from './renamed-options.ts';

it('accepts the option names of the release before, and keeps all other arguments', () => {
  const argv = [
    'node',
    'facedet',
    'anonymize',
    'a.mp4',
    '--clear',
    '3,7',
    '--clear=2',
    '--thumbnails',
    'who',
    '--clearly',
    '-o',
    'b.mp4',
  ];
  const now = [
    'node',
    'facedet',
    'anonymize',
    'a.mp4',
    '--keep',
    '3,7',
    '--keep=2',
    '--gallery',
    'who',
    '--clearly',
    '-o',
    'b.mp4',
  ];
  expect(withCurrentNames(argv)).toEqual(now);
  expect(withCurrentNames(['--', '--clear'])).toEqual(['--', '--clear']);
});
