import { FaceDetError } from '@facedet/core';
import type * as OrtModule from 'onnxruntime-web';

/** The library, whichever of its builds. */
export type Ort = typeof OrtModule;

/** One of its sessions. */
export type OrtSession = OrtModule.InferenceSession;

/** Where its .wasm and .mjs files lie. */
export type WasmPaths = string | { readonly wasm?: string | URL; readonly mjs?: string | URL };

/**
 * Loads onnxruntime-web, only when it is needed: the build with WebGPU is twice as large as the one without.
 * Its settings are global to the page or worker, and count until the first session: they are set here, once.
 */
export async function loadOrt(build: 'webgpu' | 'wasm', threads: number, wasmPaths?: WasmPaths): Promise<Ort> {
  let ort: Ort;
  try {
    ort = (build === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm')) as Ort;
  } catch (cause) {
    throw new FaceDetError(
      'DEPENDENCY_MISSING',
      'Expected the package onnxruntime-web but it could not be loaded; add it to your project: npm install ' +
        'onnxruntime-web',
      { cause },
    );
  }
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  if (wasmPaths)
    ort.env.wasm.wasmPaths =
      typeof wasmPaths === 'string'
        ? new URL(wasmPaths, globalThis.location?.href).href
        : { ...(wasmPaths.wasm ? { wasm: wasmPaths.wasm } : {}), ...(wasmPaths.mjs ? { mjs: wasmPaths.mjs } : {}) };
  return ort;
}
