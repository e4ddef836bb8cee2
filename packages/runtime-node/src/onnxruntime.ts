import type * as Ort from 'onnxruntime-node';
import { loadOptional } from '@facedet/files';

export type OnnxRuntime = typeof Ort;

/** The inference engine, loaded at its first use. Rejects with `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`. */
export function loadOnnxRuntime(): Promise<OnnxRuntime> {
  silenceTelemetry();
  return loadOptional('onnxruntime-node', 'runs the model', async () => {
    const module = await import('onnxruntime-node');
    return ('default' in module ? module.default : module) as OnnxRuntime;
  });
}

/**
 * ONNX Runtime 1.30 and later keeps a device id in the user's cache folder and sends usage data to Microsoft, unless
 * this variable is set when its library starts. A value that the user has set is kept. A worker thread has only a copy
 * of the environment, which native code does not read, so the thread that starts workers sets it.
 */
export function silenceTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
}
