/** What this page or worker can do. */
export interface Environment {
  /** `navigator.gpu` exists; whether it gives an adapter is found out when it is asked. */
  readonly webgpu: boolean;
  /** Threads need SharedArrayBuffer, which browsers give to cross-origin isolated pages only. */
  readonly threads: boolean;
  /** Logical cores, at least 1. */
  readonly cores: number;
}

/** Looks around. */
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
