import { once } from 'node:events';
import { fileKind, HEAD_BYTES, type FileKind } from '@facedet/files';
import { readStdin, untilAborted } from './inputs.ts';

/** Standard input, of which the first bytes can be known before it is read. */
export interface StandardInput {
  /** What it holds by its first bytes. */
  kind(): Promise<FileKind>;
  /** All of it; the same bytes each time. */
  bytes(): Promise<Uint8Array>;
  /** Whether it can still be read as a stream from its first byte; after `kind`, short input can't. */
  isUnread(): boolean;
  /** Reads no more of it, so that a program that keeps it open does not keep the command waiting. */
  end(): void;
}

export function standardInput(signal?: AbortSignal): StandardInput {
  let head: Promise<{ bytes: Buffer; isAll: boolean }> | undefined;
  let all: Promise<Uint8Array> | undefined;
  let unread = true;
  return {
    async kind() {
      const { bytes, isAll } = await (head ??= untilAborted(signal, peek));
      if (isAll) {
        all ??= Promise.resolve(bytes);
        unread = false;
      }
      return fileKind(bytes);
    },
    bytes() {
      unread = false;
      return (all ??= readStdin(signal));
    },
    isUnread: () => unread,
    end() {
      if (head || all) process.stdin.destroy();
    },
  };
}

/** Reads what is needed to tell formats apart and puts it back, or all there is. */
async function peek(): Promise<{ bytes: Buffer; isAll: boolean }> {
  const { stdin } = process;
  let bytes = Buffer.alloc(0);
  while (bytes.length < HEAD_BYTES) {
    const chunk = stdin.read() as Buffer | null;
    if (chunk) bytes = Buffer.concat([bytes, chunk]);
    else if (stdin.readableEnded) return { bytes, isAll: true };
    else await readableOrEnd(stdin);
  }
  // In the same turn: nothing can be put back after the end was emitted.
  stdin.unshift(bytes);
  return { bytes, isAll: false };
}

async function readableOrEnd(stream: NodeJS.ReadStream): Promise<void> {
  const other = new AbortController();
  const waits = ['readable', 'end'].map((event) => once(stream, event, { signal: other.signal }));
  try {
    await Promise.race(waits);
  } finally {
    other.abort();
    for (const wait of waits) wait.catch(() => {});
  }
}
