import type { Context } from '../shared/context.ts';

/** What some work of a command prints: standard output, parsed where it is JSON, and the lines on standard error. */
export async function outputOf<T>(
  work: (context: Context) => Promise<unknown>,
): Promise<{ json: T; text: string; log: string[] }> {
  let text = '';
  const log: string[] = [];
  const context = {
    write: async (data: string) => void (text += data),
    log: (line: string) => log.push(line),
    fail: (input: string, error: Error) => log.push(`${input}: ${error.message}`),
    signal: new AbortController().signal,
    colors: { bold: (value: string) => value },
  } as unknown as Context;
  await work(context);
  return { text, log, json: text.startsWith('{') ? (JSON.parse(text) as T) : ({} as T) };
}
