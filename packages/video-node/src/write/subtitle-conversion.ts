/** The tags that a subtitle's text keeps: all text formats except `mov_text` support them. */
const TAGS = /<\/?(?:b|i|u)>/gi;

/**
 * Converts the payload of a text subtitle to another format. `from` and `to` are FFmpeg's codec names. Returns
 * undefined if there is no text in it (ASS drawings, empty MP4 samples).
 */
export function convertSubtitle(data: Buffer, from: string, to: 'mov_text' | 'subrip' | 'webvtt'): Buffer | undefined {
  const text = read(data, from);
  if (text.replace(TAGS, '').trim() === '') return undefined;
  if (to === 'mov_text') {
    // 3GPP TS 26.245: a 16-bit length and UTF-8 text; styles would follow as boxes.
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
  // Removes WebVTT's classes, voices and times within the text.
  if (from === 'webvtt') return onlyKnownTags(text);
  // Removes SubRip's fonts, and overrides in braces as in ASS.
  return onlyKnownTags(text.replace(/\{\\[^}]{0,200}\}/g, ''));
}

/** Removes the NUL bytes with which some programs pad packets. */
function withoutPadding(data: Buffer): Buffer {
  let end = data.length;
  while (data[end - 1] === 0) end--;
  return data.subarray(0, end);
}

function lines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** ASS events as stored in Matroska: ReadOrder, Layer, Style, Name, three margins, Effect, Text. */
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
