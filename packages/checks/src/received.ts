/**
 * A value as the "received" part of a message: short, quoted where it is text, with its type where that isn't obvious.
 * Never throws and never exceeds some 120 characters, whatever the value is.
 */
export function received(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number') return `${Object.is(value, -0) ? '-0' : value}`;
  if (typeof value === 'string') return JSON.stringify(cut(value, 80));
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `${cut(String(value), 40)}n`;
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value === 'function') return 'a function';
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`;
  try {
    const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : typeof inner === 'bigint' ? String(inner) : inner));
    if (typeof text === 'string') return cut(text, 100);
  } catch {
    // Circular, or with a getter that throws: its kind has to do.
  }
  return Array.isArray(value) ? 'an array' : 'an object';
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
