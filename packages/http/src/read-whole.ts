import { readUrl, type HttpOptions } from './read-url.ts';

/**
 * Reads a whole resource into memory. An interrupted download is resumed only where the server confirms that the
 * resource is unchanged; else it starts over. Throws as `readUrl`.
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
