/** What is said of an object that was garbage-collected although somebody had to close it. */
export interface Leak {
  /** Of the warning, as `FACEDET_FRAME_LEAKED`; there is one warning of each code per process and package. */
  readonly code: string;
  /** What to do. */
  readonly message: string;
}

// Warnings are per process: thousands of frames leak at once.
const warned = new Set<string>();
let registry: FinalizationRegistry<Leak> | undefined;

/**
 * Warns when `target` is garbage-collected before `unwatchLeak(leak)`. It frees nothing: a part of the object may still
 * be in use, and native memory is freed with the last object that refers to it.
 */
export function watchLeak(target: object, leak: Leak): void {
  registry ??= new FinalizationRegistry(({ code, message }) => {
    if (warned.has(code)) return;
    warned.add(code);
    process.emitWarning(message, { type: 'FaceDetWarning', code });
  });
  registry.register(target, leak, leak);
}

/** Ends `watchLeak`: the object was closed. */
export function unwatchLeak(leak: Leak): void {
  registry?.unregister(leak);
}
