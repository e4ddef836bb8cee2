import { BlockList, isIP } from 'node:net';
import { FaceDetError } from '@facedet/checks';
import { printable } from '@facedet/files';

/** Variables of a process; for tests. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for an address: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, else `ALL_PROXY`,
 * unless `NO_PROXY` names its host; lower case wins, as in curl. Undefined where the address is reached directly.
 *
 * Throws `DOWNLOAD_FAILED` for a variable that is not an `http://` or `https://` URL.
 */
export function proxyFor(url: URL, env: Environment = process.env): URL | undefined {
  const scheme = url.protocol.slice(0, -1).toLowerCase();
  // A web server passes a request's header "Proxy" to CGI programs as HTTP_PROXY.
  const upper =
    scheme === 'http' && env['REQUEST_METHOD'] !== undefined ? undefined : env[`${scheme.toUpperCase()}_PROXY`];
  const setting = [env[`${scheme}_proxy`], upper, env['all_proxy'], env['ALL_PROXY']]
    .find((value) => value?.trim())
    ?.trim();
  if (setting === undefined || isExempt(url, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`;
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    const host = printable(url.host, 200);
    throw new FaceDetError(
      'DOWNLOAD_FAILED',
      `Expected an http or https address in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY but the proxy for ${host} ` +
        `can't be used; correct the variable, or name the host in NO_PROXY.`,
    );
  }
  return new URL(address);
}

/** A host name without the brackets of IPv6. */
export function plainHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** The port of an address, also where it is that of its scheme. */
export function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

/**
 * Whether `NO_PROXY` names the host: `*`, names with their subdomains, addresses, networks (`10.0.0.0/8`), with or
 * without a port.
 */
function isExempt(url: URL, list: string): boolean {
  const host = plainHost(url).toLowerCase().replace(/\.$/, '');
  return list.split(/[\s,]/).some((entry) => entry !== '' && matches(entry.toLowerCase(), host, portOf(url)));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const [, bare, entryPort] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry)!;
  if (entryPort !== undefined && Number(entryPort) !== port) return false;
  const name = bare!
    .replace(/^\[|\]$/g, '')
    .replace(/^\*?\./, '')
    .replace(/\.$/, '');
  const version = isIP(host);
  if (version === 0) return name !== '' && (host === name || host.endsWith(`.${name}`));
  const [network, bits] = name.split('/', 2);
  if (isIP(network!) !== version) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const known = new BlockList();
  if (bits === undefined) known.addAddress(network!, family);
  else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32))
    known.addSubnet(network!, Number(bits), family);
  return known.check(host, family);
}
