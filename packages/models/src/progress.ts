/** How far a download is. */
export interface ModelProgress {
  /** `wait`: another process is downloading the same file; `download`; `verify`: the SHA-256 is being computed. */
  readonly phase: 'wait' | 'download' | 'verify';
  /** The model's name or the URL's last part. */
  readonly name: string;
  /** Bytes so far; after a resumption it begins where the earlier try ended. */
  readonly received: number;
  /** Bytes in all; undefined where the server does not tell. */
  readonly total?: number;
}
