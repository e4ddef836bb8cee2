import { shownSource } from '@facedet/files';
import { shown } from './shown.ts';

/** An error of the command: a stable code, the exit code it ends the command with, and the input it is about. */
export class CommandError extends Error {
  readonly code: string;
  readonly exitCode: number;
  /** Printed between `facedet:` and the message. */
  readonly input: string | undefined;

  constructor(code: string, message: string, options: { exitCode?: number; input?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'FaceDetError';
    this.code = code;
    this.exitCode = options.exitCode ?? 1;
    this.input = options.input;
  }
}

/** Wrong usage: ends the command with exit code 2. */
export function usageError(message: string, code = 'USAGE'): CommandError {
  return new CommandError(code, message, { exitCode: 2 });
}

/** The error of a model that can't be used: exit code 2 and a line that names the model. */
export function modelError(model: string | undefined, cause: unknown): CommandError {
  const { code, message } = describe(cause);
  return new CommandError(code, message, { exitCode: 2, ...(model !== undefined && { input: model }), cause });
}

const system: Record<string, [code: string, message: string]> = {
  ENOENT: ['NOT_FOUND', 'no such file or folder'],
  EACCES: ['NO_ACCESS', 'reading or writing it is not permitted'],
  EPERM: ['NO_ACCESS', 'reading or writing it is not permitted'],
  EISDIR: ['IS_FOLDER', 'expected a file, found a folder'],
  ENOTDIR: ['NOT_FOLDER', 'expected a folder on its path, found a file'],
  ENOSPC: ['DISK_FULL', 'no space is left on the disk'],
  EROFS: ['NO_ACCESS', 'the disk is read-only'],
  EMFILE: ['TOO_MANY_FILES', 'too many files are open'],
};

/** Code and one-line message of whatever was thrown. */
export function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: oneLine(String(error)) };
  const code = (error as { code?: unknown }).code;
  if (error.name === 'FaceDetError' && typeof code === 'string') return { code, message: oneLine(error.message) };
  const known = typeof code === 'string' ? system[code] : undefined;
  if (known) return { code: known[0], message: known[1] };
  return {
    code: typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : 'INTERNAL',
    message: oneLine(error.message),
  };
}

function oneLine(text: string): string {
  return shown(text) || 'unknown error';
}

/** The file of an error of the system, whose message is replaced by one without it. */
function pathOf(error: unknown): string | undefined {
  const { path, code } = (error ?? {}) as { path?: unknown; code?: unknown };
  return typeof path === 'string' && typeof code === 'string' && code in system ? path : undefined;
}

/** `facedet: INPUT: message [CODE]`. */
export function errorLine(error: unknown, input?: string): string {
  const { code, message } = describe(error);
  const about = input ?? (error instanceof CommandError ? error.input : pathOf(error));
  return `facedet: ${about === undefined ? '' : `${shownSource(about)}: `}${message} [${code}]`;
}
