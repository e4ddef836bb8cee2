/** Replaces a credential. */
const HIDDEN = '***';
/**
 * Ends of the names of secret query parameters, in lower case without punctuation: `access_token`, `apiKey`, `X-Auth`.
 */
const SECRET_ENDINGS =
  'token|password|passwort|passwd|passphrase|pass|pwd|key|keyid|secret|sig|signature|auth|authorization|' +
  'credentials?|jwt|hmac|session|sessionid|user|username|usr|login';
const SECRET_NAME = new RegExp(`(?:${SECRET_ENDINGS})$|^(?:xamz|xgoog)`);
/** Names with such an ending that are not secret. */
const HARMLESS_NAME = /^(?:xamz|xgoog)(?:date|expires|algorithm|signedheaders)$/;
// eslint-disable-next-line no-control-regex
const PARAMETER = /([?&;#])([\w.~%[\]-]{1,64})=([^&#;\s"'<>\u0000-\u001f\u007f]*)/g;
const AUTHORIZATION =
  /\b((?:proxy-)?authorization["']?[ ]{0,4}[:=][ ]{0,4}["']?(?:[a-z]{1,20}[ ]{1,4})?)[^\s"',;]{1,4096}/gi;

/**
 * A text in which the credentials of every URL are replaced by `***`: user names and passwords (also with unencoded
 * `@`, `:` and `/`, as FFmpeg takes them), secret query parameters (`token`, `password`, `X-Amz-Signature`, …) and
 * `Authorization` headers. In doubt it hides more. Takes linear time.
 */
export function redactUrl(text: unknown): string {
  return redactUserinfo(String(text))
    .replace(PARAMETER, (all, mark: string, name: string, value: string) =>
      isSecret(name, value) ? `${mark}${name}=${HIDDEN}${punctuation(value)}` : all,
    )
    .replace(AUTHORIZATION, `$1${HIDDEN}`);
}

/** The end of a sentence around the URL. */
function punctuation(value: string): string {
  return /[:.,)\]]?$/.exec(value)![0];
}

function isSecret(name: string, value: string): boolean {
  if (value === '') return false;
  const plain = decoded(name)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  if (SECRET_NAME.test(plain) && !HARMLESS_NAME.test(plain)) return true;
  // A URL inside a parameter, with encoded marks.
  return /:\/\/[^@]{1,500}@/.test(value.includes('%') ? decoded(value.slice(0, 4096)) : '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function redactUserinfo(text: string): string {
  const parts: string[] = [];
  let done = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', Math.max(at + 3, done))) {
    const start = at + 3;
    if (at === 0 || !/[a-z0-9+.-]/i.test(text[at - 1]!)) continue;
    const length = userinfoLength(text, start);
    if (length === 0) continue;
    parts.push(text.slice(done, start), HIDDEN);
    done = start + length;
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(done);
}

/** Characters from `start` up to the `@` that ends user name and password; 0 where there are none. */
function userinfoLength(text: string, start: number): number {
  const marks = /[\s"<>`/?#:@]/g;
  marks.lastIndex = start;
  let colon = -1; // the first one
  let slash = -1; // the first of / ? #
  let query = -1; // the first of ? #
  let inAuthority = -1; // the last @ before the first slash
  let inPath = -1; // the last @ before the query
  let last = -1; // the last @
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    const at = mark.index;
    if (mark[0] === '@') {
      last = at;
      if (slash < 0) inAuthority = at;
      if (query < 0) inPath = at;
    } else if (mark[0] === ':') {
      // The next URL, in a list or a parameter, is handled separately.
      if (text.startsWith('://', at) && slash >= 0) break;
      if (colon < 0 && slash < 0) colon = at;
    } else if ('/?#'.includes(mark[0])) {
      if (slash < 0) slash = at;
      if (query < 0 && mark[0] !== '/') query = at;
    } else break;
  }
  const hasPassword = colon >= 0 && text[start] !== '[' && (inAuthority > colon || !isPort(text, colon + 1, slash));
  const end = hasPassword ? (inPath >= 0 ? inPath : last) : inAuthority;
  return end < 0 ? 0 : end - start;
}

/** Whether what follows a colon is a port and the path behind it, and not a password with a slash. */
function isPort(text: string, from: number, slash: number): boolean {
  return slash >= 0 && slash - from <= 5 && /^\d*$/.test(text.slice(from, slash));
}
