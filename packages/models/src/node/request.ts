import type { Agent, IncomingMessage } from 'node:http';
import { FaceDetError } from '@facedet/core';
import { redactUrl } from '@facedet/files';

/** As browsers have it. */
const MAX_REDIRECTS = 20;

/** Options of `get`. */
export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * The response to a GET, its body still to be read (or destroyed). Redirects are followed; `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured.
 *
 * Node's own client rather than `fetch`: that of Node 20 ignores those variables, and undici 7 crashes the process where a server closes the connection of
 * a response that is not read fast enough (nodejs/undici#5360).
 *
 * @throws FaceDetError `DOWNLOAD_FAILED` for a redirect to nowhere and a proxy that can't be used; the network's errors as they are.
 */
export async function get(url: string, options: GetOptions): Promise<IncomingMessage> {
  let target = new URL(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await getOnce(target, options);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode!) || location === undefined) return response;
    response.destroy();
    if (!URL.canParse(location, target)) throw new FaceDetError('DOWNLOAD_FAILED', `${redactUrl(target)} redirects to ${JSON.stringify(redactUrl(location))}, which is no address.`);
    const isSecure = target.protocol === 'https:';
    target = new URL(location, target);
    if (!/^https?:$/.test(target.protocol)) throw new FaceDetError('DOWNLOAD_FAILED', `${redactUrl(url)} redirects to ${redactUrl(target)}: expected an http or https address.`);
    if (isSecure && target.protocol === 'http:') {
      throw new FaceDetError('DOWNLOAD_FAILED', `${redactUrl(url)}: expected a redirect to an https address but received ${redactUrl(target)}; use the final address, or another mirror.`);
    }
  }
  throw new FaceDetError('DOWNLOAD_FAILED', `${redactUrl(url)} redirects more than ${MAX_REDIRECTS} times: it leads in a circle.`);
}

async function getOnce(url: URL, { headers, signal }: GetOptions): Promise<IncomingMessage> {
  const agent = await proxyFor(url);
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    request(url, { headers, signal, agent: agent ?? false }, resolve).on('error', reject).end();
  });
}

/** An agent that goes through the proxy which the environment names for this address; undefined where there is none. */
async function proxyFor(url: URL): Promise<Agent | undefined> {
  const { getProxyForUrl } = await import('proxy-from-env');
  const proxy = getProxyForUrl(url.href);
  if (!proxy) return undefined;
  if (!URL.canParse(proxy) || !/^https?:$/.test(new URL(proxy).protocol)) {
    throw new FaceDetError('DOWNLOAD_FAILED', `The proxy that the environment names for ${url.host} can't be used: expected an http or https address in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY.`);
  }
  if (url.protocol === 'https:') {
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    return new HttpsProxyAgent(proxy);
  }
  const { HttpProxyAgent } = await import('http-proxy-agent');
  return new HttpProxyAgent(proxy);
}
