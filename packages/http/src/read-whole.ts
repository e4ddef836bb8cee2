import { readUrl, type HttpOptions } from './read-url.ts';

/**
 * A whole resource in memory. A connection that breaks off is gone on with only where the server vouches for it being
 * the same resource; else it starts over. Throws as `readUrl`.
 */
export async function readWhole(
  url: string,
  options: HttpOptions & { readonly maxBytes: number },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const { position, bytes } of readUrl(url, {}, options)) {
    if (position < size) parts.length = 0;
    parts.push(bytes);
    size = position + bytes.length;
  }
  return Buffer.concat(parts, size);
}
