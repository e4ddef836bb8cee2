/** Line breaks, tabs and Unicode's line and paragraph separators. */
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Control characters, bidirectional and zero-width marks, tags and lone surrogates. */
const UNPRINTABLE = new RegExp(
  [
    String.raw`[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f]`,
    String.raw`[\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]`,
    String.raw`\p{Cs}`,
  ].join('|'),
  'gu',
);

/**
 * A foreign text (a name, a message of another program) for a terminal or a log: on one line, with control characters,
 * terminal escapes and direction overrides written as escapes such as `\x1b`, cut to `maxLength` characters (default
 * 1,000). Takes linear time.
 */
export function printable(text: unknown, maxLength = 1000): string {
  // Nothing gets shorter but runs of breaks, so a text ten times too long needn't be read to its end.
  const head = String(text).slice(0, 10 * maxLength);
  const line = head
    .split(BREAKS)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ')
    .replace(UNPRINTABLE, escaped);
  if (line.length <= maxLength) return line;
  const end = maxLength - 1;
  // Half of a surrogate pair is no character.
  return `${line.slice(0, /[\ud800-\udbff]/.test(line[end - 1] ?? '') ? end - 1 : end)}…`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}
