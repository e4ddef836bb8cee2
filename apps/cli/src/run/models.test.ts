import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Context } from '../shared/context.ts';
import { describe as told } from '../shared/errors.ts';
import { list, pull, verify, where } from './models.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facedet-cli-models-'));
  vi.stubEnv('FACEDET_MODELS', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function fake() {
  const seen = { output: '', log: [] as string[], failed: [] as string[] };
  const context: Context = {
    write: async (data) => void (seen.output += data),
    log: (line) => void seen.log.push(line),
    fail(input, error) {
      seen.failed.push(`${input} ${told(error).code}`);
      return told(error);
    },
    signal: new AbortController().signal,
    terminal: false,
    colors: pc.createColors(false),
    command: new Command(),
    bar: undefined,
  };
  return { context, seen };
}

it('lists the models as a table and as JSON', async () => {
  const { context, seen } = fake();
  await list(context, {});
  expect(seen.output).toMatch(
    /scrfd_34g +96\.06 +94\.92 +85\.29 +34\.13 +9\.80 M +non-commercial research +manual download/,
  );
  const json = fake();
  await list(json.context, { json: true });
  expect(JSON.parse(json.seen.output)).toContainEqual(expect.objectContaining({ name: 'scrfd_2.5g_kps', path: null }));
});

it('pulls URLs, says what is wrong with the rest, and knows wrong usage from failure', async () => {
  const server = createServer((request, response) =>
    request.url === '/m.onnx' ? response.end('a model') : response.writeHead(404).end(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { context, seen } = fake();
    expect(await pull(context, {}, [`${url}/none.onnx`, `${url}/m.onnx`])).toBe(1);
    expect(seen.failed).toEqual([`${url}/none.onnx DOWNLOAD_NOT_FOUND`]);
    expect(seen.output).toMatch(/-m\.onnx\n$/);
    expect(seen.log[0]).toMatch(/pinned/);
    expect(await pull(context, {}, ['scrfd_10g_kps', 'nope', 'scrfd_34g'])).toBe(2);
    expect(seen.failed.slice(1)).toEqual([
      'scrfd_10g_kps LICENSE_NOT_ACCEPTED',
      'nope MODEL_UNKNOWN',
      'scrfd_34g MODEL_NOT_DOWNLOADABLE',
    ]);
  } finally {
    server.close();
  }
});

it('says where things are and whether they are what they were', async () => {
  const { context, seen } = fake();
  await where(context, {});
  expect(seen.output).toBe(`${folder}\n`);
  await expect(where(context, {}, 'scrfd_34g')).rejects.toMatchObject({
    code: 'MODEL_NOT_DOWNLOADABLE',
    exitCode: 2,
    input: 'scrfd_34g',
  });
  await expect(where(context, {}, 'det_10g')).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
    exitCode: 2,
    message: expect.stringContaining('models pull'),
  });
  writeFileSync(join(folder, 'scrfd_34g.onnx'), 'placed by hand');
  await where(context, {}, 'scrfd_34g');
  expect(seen.output).toContain(join(folder, 'scrfd_34g.onnx'));
  await verify(context, {}, ['scrfd_34g', 'scrfd_1g']);
  expect(seen.failed).toEqual(['scrfd_1g MODEL_NOT_FOUND']);
  writeFileSync(join(folder, 'scrfd_34g.onnx'), 'changed since');
  await verify(context, {}, []);
  expect(seen.failed).toEqual(['scrfd_1g MODEL_NOT_FOUND', `${join(folder, 'scrfd_34g.onnx')} CHECKSUM_MISMATCH`]);
});
