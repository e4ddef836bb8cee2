import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from './printable.ts';
import { redactUrl } from './redact-url.ts';
import { oneLine } from './optional.ts';

describe('redactUrl', () => {
  it.each([
    ['rtsp://admin:secret@cam/1', 'rtsp://***@cam/1'],
    ['rtsp://admin:se@cr:et@cam:554/1', 'rtsp://***@cam:554/1'],
    ['rtsp://admin:se/cret@cam/1', 'rtsp://***@cam/1'],
    ['rtsp://admin:s@e/c@cam/1', 'rtsp://***@cam/1'],
    ['token@http://x', 'token@http://x'],
    ['http://cam/v?user=a&pwd=b&x=1#t', 'http://cam/v?user=***&pwd=***&x=1#t'],
    [
      'Failed to parse URL from http://u:pw@h?access_token=1.',
      'Failed to parse URL from http://***@h?access_token=***.',
    ],
    ['http://h/?u=rtsp%3A%2F%2Fa%3Ab%40h', 'http://h/?u=***'],
    ['https://s3/x?X-Amz-Signature=ab&X-Amz-Date=1', 'https://s3/x?X-Amz-Signature=***&X-Amz-Date=1'],
    ['Authorization: Basic YWJj end', 'Authorization: Basic *** end'],
    // No credentials: as they are.
    ['https://host:8080/@user/a@2x.png', 'https://host:8080/@user/a@2x.png'],
    ['https://host/a?frame=3', 'https://host/a?frame=3'],
    ['mail a@b.c', 'mail a@b.c'],
    ['https://[::1]:80/a@b', 'https://[::1]:80/a@b'],
  ])('%s', (text, expected) => {
    expect(redactUrl(text)).toBe(expected);
    expect(redactUrl(redactUrl(text))).toBe(expected);
  });

  it('leaves no password in a message around the URL', () => {
    const password = fc.stringMatching(/^[\w@:/!$&'()*+,;=~.-]{0,20}$/).map((rest) => `SECRET${rest}SECRET`);
    fc.assert(
      fc.property(
        password,
        fc.constantFrom('rtsp', 'http', 'https', 'rtsps'),
        fc.constantFrom('', ':554', '/a', '/a?b=1'),
        (secret, scheme, rest) => {
          const url = `${scheme}://user:${secret}@host${rest}`;
          for (const text of [url, `cannot open ${url}: refused`, `"${url}"`])
            expect(redactUrl(text)).not.toContain('SECRET');
        },
      ),
    );
  });

  it('leaves no secret parameter', () => {
    const name = fc.constantFrom(
      'token',
      'password',
      'pwd',
      'pass',
      'key',
      'api_key',
      'secret',
      'sig',
      'signature',
      'auth',
      'access_token',
      'X-Amz-Credential',
      'TOKEN',
      'apiKey',
    );
    fc.assert(
      fc.property(name, fc.stringMatching(/^[\w%@:/?.~-]{0,30}$/), (key, value) => {
        expect(redactUrl(`see http://h/?a=1&${key}=SECRET${value}`)).not.toContain('SECRET');
      }),
    );
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => typeof redactUrl(text) === 'string'),
    );
  });
});

describe('printable', () => {
  it.each([
    ['\u001b]0;pwned\u0007', '\\x1b]0;pwned\\x07'],
    ['a\u2028b\r\nc\td', 'a b c d'],
    ['x\u202egpj', 'x\\u202egpj'],
    ['Zoë 日本 👩‍🚀', 'Zoë 日本 👩‍🚀'],
    ['\ud800', '\\ud800'],
  ])('%j', (text, expected) => expect(printable(text)).toBe(expected));

  it('is one line of bounded length without control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 200 }), (text, length) => {
        const shown = printable(text, length);
        expect(shown.length).toBeLessThanOrEqual(length);
        expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Cs}/u);
      }),
    );
  });
});

it('reads each text in linear time: one of 2,000,000 characters would otherwise take hours', () => {
  for (const text of [
    ' ',
    'a',
    '://',
    'a://',
    '@',
    ':',
    '?a=',
    '&',
    '\u001b',
    '://a:b',
    'http://u:',
    'authorization:',
    'authorization: basic ',
  ]) {
    const long = text.repeat(2_000_000 / text.length);
    expect(redactUrl(long).length).toBeGreaterThan(0);
    expect(printable(long).length).toBeLessThanOrEqual(1000);
    expect(oneLine(`x${long}x`).length).toBeLessThanOrEqual(601);
  }
});
