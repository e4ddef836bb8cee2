import { expect, it } from 'vitest';
import { threadsFor, webBackend } from './backend.ts';

it('leaves a core to the page, and takes four threads at most', () => {
  expect(threadsFor(undefined, { webgpu: false, threads: true, cores: 2 })).toEqual({ threads: 1 });
  expect(threadsFor(undefined, { webgpu: false, threads: true, cores: 16 })).toEqual({ threads: 4 });
  expect(threadsFor(7, { webgpu: false, threads: true, cores: 2 })).toEqual({ threads: 7 });
});

it('says how to get threads where the page is not isolated', () => {
  expect(threadsFor(2, { webgpu: false, threads: false, cores: 8 })).toEqual({
    threads: 1,
    reason: expect.stringContaining('Cross-Origin-Opener-Policy'),
  });
});

it.each([
  [{ threads: 0 }, 'threads'],
  [{ threads: 1.5 }, 'threads'],
  [{ provider: 'cuda' as 'wasm' }, 'provider'],
])('refuses %j', (options, words) => {
  expect(() => webBackend(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(words) }),
  );
});
