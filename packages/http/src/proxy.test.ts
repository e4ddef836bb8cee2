import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proxyFor, type Environment } from './proxy.ts';

const chosen = (url: string, env: Environment) => proxyFor(new URL(url), env)?.href;

describe('the proxy of an address', () => {
  it.each<[string, string, Environment, string | undefined]>([
    ['none is named', 'http://a.example/', {}, undefined],
    ['by scheme', 'http://a.example/', { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://s:2' }, 'http://p:1/'],
    ['by scheme', 'https://a.example/', { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://s:2' }, 'http://s:2/'],
    ['of the other scheme', 'https://a.example/', { HTTP_PROXY: 'http://p:1' }, undefined],
    ['lower case wins', 'http://a.example/', { HTTP_PROXY: 'http://p:1', http_proxy: 'http://q:1' }, 'http://q:1/'],
    ['for all', 'https://a.example/', { ALL_PROXY: 'http://p:1' }, 'http://p:1/'],
    ['empty', 'http://a.example/', { http_proxy: '', HTTP_PROXY: ' ', all_proxy: '' }, undefined],
    ['without a scheme', 'http://a.example/', { HTTP_PROXY: 'p:3128' }, 'http://p:3128/'],
    ['https', 'http://a.example/', { HTTP_PROXY: 'https://u:w@p:1' }, 'https://u:w@p:1/'],
    // https://httpoxy.org: a header "Proxy" of a request to a CGI program.
    ['in CGI, upper case', 'http://a.example/', { REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil:1' }, undefined],
    ['in CGI, lower case', 'http://a.example/', { REQUEST_METHOD: 'GET', http_proxy: 'http://p:1' }, 'http://p:1/'],
  ])('%s: %s', (_, url, env, expected) => {
    expect(chosen(url, env)).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ['http://a.example/', '*', true],
    ['http://a.example/', 'a.example', true],
    ['http://b.a.example/', 'a.example', true],
    ['http://b.a.example/', '.a.example', true],
    ['http://b.a.example/', '*.a.example', true],
    ['http://ba.example/', 'a.example', false],
    ['http://A.Example./', 'x, a.EXAMPLE', true],
    ['http://a.example/', 'x y\ta.example', true],
    ['http://a.example/', 'a.example:80', true],
    ['http://a.example/', 'a.example:8080', false],
    ['http://a.example:8080/', 'a.example:8080', true],
    ['https://a.example/', 'a.example:443', true],
    ['http://10.1.2.3/', '10.0.0.0/8', true],
    ['http://11.1.2.3/', '10.0.0.0/8', false],
    ['http://127.0.0.1:5/', '127.0.0.1', true],
    ['http://127.0.0.1:5/', '127.0.0.1:6', false],
    ['http://127.0.0.1/', '0.0.1', false],
    ['http://[::1]:5/', '::1', true],
    ['http://[::1]:5/', '[::1]:5', true],
    ['http://[fd00::7]/', 'fd00::/8', true],
    ['http://[fd00::7]/', '10.0.0.0/8', false],
    ['http://a.example/', '10.0.0.0/99', false],
    ['http://10.0.0.1/', '10.0.0.0/99', false],
    ['http://a.example/', '', false],
    ['http://a.example/', '.', false],
  ])('%s is spared by NO_PROXY=%s: %s', (url, list, isSpared) => {
    expect(chosen(url, { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://p:1', NO_PROXY: list })).toBe(
      isSpared ? undefined : 'http://p:1/',
    );
  });

  it('that is not an http or https URL is an error without its password', () => {
    for (const setting of ['socks5://u:SECRET@p:1', 'http://[', 'ftp://p']) {
      expect(() => chosen('http://a.example/', { HTTP_PROXY: setting })).toThrow(
        expect.objectContaining({ code: 'DOWNLOAD_FAILED', message: expect.not.stringContaining('SECRET') as string }),
      );
    }
  });

  it('takes any text in NO_PROXY, in linear time', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.webUrl(),
        (list, url) => void chosen(url, { all_proxy: 'http://p:1', no_proxy: list }),
      ),
    );
    chosen('http://a.example/', {
      http_proxy: 'http://p:1',
      no_proxy: `${' '.repeat(1e5)}${':1'.repeat(1e5)}${'1'.repeat(1e5)}`,
    });
  });
});
