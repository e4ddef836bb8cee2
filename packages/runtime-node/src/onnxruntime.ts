import type * as Ort from 'onnxruntime-node';
import { loadOptional } from './optional.ts';

export type OnnxRuntime = typeof Ort;

/** The inference engine, loaded at its first use. Rejects with `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`. */
export function loadOnnxRuntime(): Promise<OnnxRuntime> {
  return loadOptional('onnxruntime-node', 'runs the model', async () => {
    const module = await import('onnxruntime-node');
    return ('default' in module ? module.default : module) as OnnxRuntime;
  });
}
