/// <reference lib="esnext.disposable" />

/** Adds `dispose` as `Symbol.asyncDispose`, where the browser has that symbol. */
export function disposable<T extends AsyncDisposable & { dispose(): Promise<void> }>(
  owner: Omit<T, typeof Symbol.asyncDispose>,
): T {
  const whole = owner as T;
  // Without the symbol there is no `await using` either.
  if (Symbol.asyncDispose) Object.defineProperty(whole, Symbol.asyncDispose, { value: () => whole.dispose() });
  return whole;
}
