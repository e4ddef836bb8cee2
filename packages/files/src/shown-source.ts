import { printable } from './printable.ts';
import { redactUrl } from './redact-url.ts';

/** Characters of a source in a message. */
const SHOWN = 200;

/**
 * A path or URL in a message: on one line, without credentials, control characters or the body of a `data:` URL, its
 * middle cut out where it is longer than 200 characters. Takes linear time.
 */
export function shownSource(source: unknown): string {
  const whole = String(source);
  if (/^data:/i.test(whole)) return 'the data: URL';
  // A text of megabytes is not read to its end for a message; a URL is redacted whole.
  const text = printable(redactUrl(whole.length > 20_000 ? whole.slice(0, 10_000) : whole), 10_000);
  if (text.length <= SHOWN) return text;
  return `${text.slice(0, 120).replace(/[\ud800-\udbff]$/, '')}…${text.slice(-79).replace(/^[\udc00-\udfff]/, '')}`;
}
