import { printable, redactUrl } from '@facedet/files';

/**
 * A source, a name or a foreign message for people: on one line, without credentials, control characters or terminal
 * escapes.
 */
export function shown(text: string, maxLength = 1000): string {
  return printable(redactUrl(text), maxLength);
}

/** A source for a program: the given text, but for credentials. */
export function sourceField(source: string): string {
  return redactUrl(source);
}
