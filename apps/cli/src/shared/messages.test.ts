import * as core from '@facedet/core';
import * as draw from '@facedet/draw';
import * as detection from '@facedet/eval/detection';
import * as mot from '@facedet/eval/mot';
import * as stability from '@facedet/eval/stability';
import * as synthetic from '@facedet/eval/synthetic';
import * as wider from '@facedet/eval/wider';
import * as models from '@facedet/models';
import * as modelFiles from '@facedet/models/node';
import * as node from '@facedet/runtime-node';
import * as tracker from '@facedet/tracker';
import * as video from '@facedet/video-node';
import { NO_PROXIES } from '@facedet/http/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { errorLine } from './errors.ts';

// Whatever text a function is given (a path of 50 kB, base64 in place of a path, an address with a password), its error
// can be read: at most 1,000 characters, at most 200 of the text in a row, no credentials, no control characters.

const LONG = 'A'.repeat(50_000);
const TEXTS = [
  LONG,
  `/no/such/folder/${LONG}.jpg`,
  `${LONG}.onnx`,
  `file:///${LONG}`,
  `lavfi:${LONG}`,
  `x\x1b[2J\u2028${LONG}`,
  `data:image/png;base64,${LONG}`,
  `/no/such/${'A'.repeat(240)}/${'A'.repeat(240)}.png`,
];
const ADDRESS = `http://user:SECRET@127.0.0.1:9/${'A'.repeat(3000)}.png?token=SECRET`;

beforeAll(() => {
  for (const [name, value] of Object.entries({ ...NO_PROXIES, FACEDET_MODELS: '/no/such/models' }))
    vi.stubEnv(name, value);
});
afterAll(() => void vi.unstubAllEnvs());

async function errorOf(call: () => unknown): Promise<Error | undefined> {
  try {
    const result = await call();
    (result as { close?: () => void } | undefined)?.close?.();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function faultsOf(error: Error): string[] {
  const faults: string[] = [];
  for (const text of [error.message, errorLine(error, LONG)]) {
    if (text.length > 1300) faults.push(`${text.length} characters`);
  }
  if (error.message.length > 1000) faults.push(`${error.message.length} characters`);
  if (/A{201}/.test(error.message)) faults.push('too much of the text');
  if (error.message.includes('SECRET')) faults.push('credentials');
  if (/\p{Cc}|\u2028/u.test(error.message)) faults.push('control characters');
  return faults.map((fault) => `${fault}: ${error.message.slice(0, 120)}`);
}

const functions = Object.entries({
  core,
  draw,
  detection,
  mot,
  stability,
  synthetic,
  wider,
  models,
  modelFiles,
  node,
  tracker,
  video,
}).flatMap(([group, exported]) =>
  Object.entries(exported).flatMap(([name, value]) =>
    typeof value === 'function' && !/^class\b|^FaceDetError/.test(Function.prototype.toString.call(value).slice(0, 6))
      ? [[`${group}.${name}`, value as (...args: unknown[]) => unknown] as const]
      : [],
  ),
);

describe('messages', () => {
  it.each(functions)('of %s can be read, whatever text it is given', async (name, call) => {
    // Text that is turned into an error on purpose.
    if (/packError|unpackError|disposedError/.test(name)) return;
    for (const text of TEXTS) {
      for (const args of [
        [text],
        [text, {}],
        [text, text],
        [{ source: text, model: text, path: text }],
        [[text], text],
        [{}, text],
      ]) {
        const error = await errorOf(() => call(...args));
        if (error?.name === 'FaceDetError') expect(faultsOf(error)).toEqual([]);
      }
    }
  });

  it.each<[string, () => unknown]>([
    ['resolveModel', () => modelFiles.resolveModel(ADDRESS, { attempts: 1, cacheDir: '/no/such/cache' })],
    ['resolveModel offline', () => modelFiles.resolveModel(ADDRESS, { offline: true })],
    ['readImage', () => node.readImage(ADDRESS)],
    ['createDetector', () => node.createDetector({ model: ADDRESS })],
    ['openVideo', () => video.openVideo(ADDRESS)],
    ['a bad option', () => node.createDetector({ model: LONG, [LONG]: 1 } as never)],
    ['a bad value', () => node.createDetector({ model: LONG, providers: LONG as never })],
    ['a bad name', () => modelFiles.resolveModel(LONG, { sha256: LONG })],
  ])('of %s with an address shows no credentials', async (_, call) => {
    const error = await errorOf(call);
    expect(error?.name).toBe('FaceDetError');
    expect(faultsOf(error!)).toEqual([]);
  });
});
