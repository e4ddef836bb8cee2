import { describe, expect, it } from 'vitest';
import { loadOptional, oneLine } from './optional.ts';
import { printable } from './printable.ts';
import { shownSource } from './shown-source.ts';

describe('loadOptional', () => {
  it('gives what was loaded', async () => {
    expect(await loadOptional('it', 'does it', async () => 5)).toBe(5);
  });

  it('tells a missing package from a broken one', async () => {
    const failing = (error: Error) => loadOptional('sharp', 'reads pictures', () => Promise.reject(error));
    const missing = Object.assign(new Error("Cannot find package 'sharp' imported from /a/b.js"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const broken = Object.assign(
      new Error("Cannot find module '../bin/linux/binding.node'\nRequire stack:\n- /a/b.js"),
      { code: 'MODULE_NOT_FOUND' },
    );
    const unloadable = Object.assign(new Error('/lib/libc.so.6: version `GLIBC_2.38` not found'), {
      code: 'ERR_DLOPEN_FAILED',
    });
    await expect(failing(missing)).rejects.toMatchObject({
      code: 'DEPENDENCY_MISSING',
      message: expect.stringContaining('npm install sharp'),
      cause: missing,
    });
    await expect(failing(broken)).rejects.toMatchObject({
      code: 'DEPENDENCY_BROKEN',
      message: expect.stringContaining('binding.node'),
    });
    await expect(failing(unloadable)).rejects.toMatchObject({
      code: 'DEPENDENCY_BROKEN',
      message: expect.stringContaining('GLIBC_2.38'),
    });
    await expect(failing(broken)).rejects.toMatchObject({ message: expect.not.stringContaining('\n') });
  });

  it('puts messages on one line', () => {
    expect(oneLine('a\n  b\r\n c')).toBe('a; b; c.');
    expect(oneLine('done!')).toBe('done!');
  });

  it('takes linear time, whatever the text is made of', () => {
    for (const part of [
      ' ',
      '\n',
      ' \n',
      '\r\n ',
      '://',
      'a://',
      'a://b:c',
      '://a@',
      '://a:b',
      '?token',
      '&a=',
      'authorization: ',
      'a',
      '\u2028 ',
      '\x1b[',
      '"',
      '%',
      'http://u:p@h/ ',
    ]) {
      const text = part.repeat(1e6 / part.length);
      expect(oneLine(`x${text}x`).length).toBeLessThanOrEqual(601);
      expect(printable(`x${text}x`).length).toBeLessThanOrEqual(1000);
      expect(shownSource(`x${text}x`).length).toBeLessThanOrEqual(200);
    }
  });
});
