/** A URL without slashes at its end. */
export function baseOf(url: string | URL): string {
  const text = String(url);
  let end = text.length;
  while (text[end - 1] === '/') end--;
  return text.slice(0, end);
}
