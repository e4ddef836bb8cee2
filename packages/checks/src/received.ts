/**
 * A value as the "received" part of a message: short, quoted where it is text, with its type where that isn't obvious.
 * Never throws, never exceeds some 120 characters and never takes long, whatever the value is.
 */
export function received(value: unknown): string {
  try {
    return textOf(value);
  } catch {
    // A revoked proxy, or a view of a detached buffer.
    return 'an object that cannot be read';
  }
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number') return `${Object.is(value, -0) ? '-0' : value}`;
  if (typeof value === 'string') return JSON.stringify(cut(value, 80));
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `${cut(String(value), 40)}n`;
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value === 'function') return 'a function';
  if (ArrayBuffer.isView(value)) return viewOf(value);
  try {
    const text = JSON.stringify(shownPart(value), (_key, inner: unknown) => shownPart(inner));
    if (typeof text === 'string') return cut(text, 100);
  } catch {
    // Circular, or with a getter that throws: its kind has to do.
  }
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** Elements and names beyond this are never shown, and a picture has millions of them. */
const MOST_SHOWN = 60;

/** What JSON is made of for a value inside another. */
function shownPart(inner: unknown): unknown {
  if (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner))) return String(inner);
  if (ArrayBuffer.isView(inner)) return viewOf(inner);
  return Array.isArray(inner) && inner.length > MOST_SHOWN ? inner.slice(0, MOST_SHOWN) : inner;
}

/** The kind and size of pixels or numbers; their content may be megabytes. */
function viewOf(view: ArrayBufferView): string {
  const name: unknown = (view as { constructor?: { name?: unknown } }).constructor?.name;
  return `a ${typeof name === 'string' ? cut(name, 40) : 'view'} of ${view.byteLength} bytes`;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
