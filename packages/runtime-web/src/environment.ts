/** Capabilities of this page or worker. */
export interface Environment {
  /** `navigator.gpu` exists; it may still have no adapter. */
  readonly webgpu: boolean;
  /** Threads need SharedArrayBuffer, which browsers give to cross-origin isolated pages only. */
  readonly threads: boolean;
  /** Logical cores, at least 1. */
  readonly cores: number;
}

/** Detects what this page or worker can do. */
export function environment(): Environment {
  const {
    navigator,
    crossOriginIsolated,
    SharedArrayBuffer: shared,
  } = globalThis as {
    navigator?: { gpu?: unknown; hardwareConcurrency?: number };
    crossOriginIsolated?: boolean;
    SharedArrayBuffer?: unknown;
  };
  return {
    webgpu: Boolean(navigator?.gpu),
    threads: Boolean(crossOriginIsolated && shared),
    cores: Math.max(navigator?.hardwareConcurrency ?? 1, 1),
  };
}
