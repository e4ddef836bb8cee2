/** The text of a subtitle: lines, and the tags `<b>`, `<i>`, `<u>` that all text forms but one know. */
const TAGS = /<\/?(?:b|i|u)>/gi;

/**
 * The payload of a text subtitle in another form. `from` and `to` are FFmpeg's names of the codecs. Undefined where
 * there is no text in it (drawings of ASS, empty samples of an MP4).
 */
export function convertSubtitle(data: Buffer, from: string, to: 'mov_text' | 'subrip' | 'webvtt'): Buffer | undefined {
  const text = read(data, from);
  if (text.replace(TAGS, '').trim() === '') return undefined;
  if (to === 'mov_text') {
    // 3GPP TS 26.245: a 16-bit length and UTF-8; styles would follow as boxes.
    let plain = Buffer.from(unescapeText(text.replace(TAGS, '')));
    if (plain.length > 65_535) plain = Buffer.from(plain.toString('utf8', 0, 65_532));
    return Buffer.concat([Buffer.from([plain.length >> 8, plain.length & 255]), plain]);
  }
  return Buffer.from(to === 'webvtt' ? escapeText(text) : unescapeText(text));
}

function read(data: Buffer, from: string): string {
  if (from === 'mov_text') {
    const length = data.length >= 2 ? Math.min(data.readUInt16BE(0), data.length - 2) : 0;
    return lines(data.toString('utf8', 2, 2 + length));
  }
  const text = lines(withoutPadding(data).toString('utf8'));
  if (from === 'ass' || from === 'ssa') return readAss(text);
  // WebVTT: classes, voices and times within the text.
  if (from === 'webvtt') return onlyKnownTags(text);
  // SubRip allows fonts, and overrides in braces as in ASS.
  return onlyKnownTags(text.replace(/\{\\[^}]{0,200}\}/g, ''));
}

/** Some writers pad packets with NUL. */
function withoutPadding(data: Buffer): Buffer {
  let end = data.length;
  while (data[end - 1] === 0) end--;
  return data.subarray(0, end);
}

function lines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** Matroska's form of ASS: ReadOrder, Layer, Style, Name, three margins, Effect, Text. */
function readAss(event: string): string {
  let at = 0;
  for (let comma = 0; comma < 8 && at >= 0; comma++) at = event.indexOf(',', at) + 1 || -1;
  const text = at < 0 ? event : event.slice(at);
  if (/\{[^{}]{0,200}\\p[1-9]/.test(text)) return '';
  return text
    .replace(/\{\\(b|i|u)1\}/g, '<$1>')
    .replace(/\{\\(b|i|u)0\}/g, '</$1>')
    .replace(/\{[^{}]*\}/g, '')
    .replace(/\\[Nn]/g, '\n')
    .replace(/\\h/g, ' ');
}

function onlyKnownTags(text: string): string {
  return text.replace(/<\/?([a-z0-9]*)[^<>]{0,200}>/gi, (tag, name: string) =>
    /^[biu]$/i.test(name) ? (tag.startsWith('</') ? `</${name.toLowerCase()}>` : `<${name.toLowerCase()}>`) : '',
  );
}

function unescapeText(text: string): string {
  return text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&nbsp;/g, ' ')
    .replace(/&amp;/g, '&');
}

function escapeText(text: string): string {
  return text
    .split(/(<\/?[biu]>)/)
    .map((part, i) =>
      i % 2 ? part : unescapeText(part).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'),
    )
    .join('')
    .replace(/\n{2,}/g, '\n');
}
