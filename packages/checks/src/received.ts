/**
 * Formats a value for the "received" part of a message: short, with quotes around text, and with its type where that is
 * not obvious. For any value it is fast, does not throw, and returns about 120 characters at most.
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
  if (Object.is(value, -0)) return '-0';
  if (value === null || ['undefined', 'number', 'boolean'].includes(typeof value)) return String(value);
  if (typeof value === 'string') return JSON.stringify(truncate(value, 80));
  if (typeof value === 'bigint') return `${truncate(String(value), 40)}n`;
  if (typeof value === 'symbol' || typeof value === 'function') return `a ${typeof value}`;
  if (ArrayBuffer.isView(value)) return viewOf(value);
  try {
    const text = JSON.stringify(summary(value), (_key, inner: unknown) => summary(inner));
    if (typeof text === 'string') return truncate(text, 100);
  } catch {
    // Circular, or with a getter that throws.
  }
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** Longer arrays are cut before they are formatted: an image has millions of elements. */
const MAX_ELEMENTS = 60;

/** What is formatted for a value inside another. */
function summary(inner: unknown): unknown {
  if (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner))) return String(inner);
  if (ArrayBuffer.isView(inner)) return viewOf(inner);
  return Array.isArray(inner) && inner.length > MAX_ELEMENTS ? inner.slice(0, MAX_ELEMENTS) : inner;
}

/** The type and size of a typed array, without its content. */
function viewOf(view: ArrayBufferView): string {
  const name: unknown = (view as { constructor?: { name?: unknown } }).constructor?.name;
  return `a ${typeof name === 'string' ? truncate(name, 40) : 'view'} of ${view.byteLength} bytes`;
}

function truncate(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}
