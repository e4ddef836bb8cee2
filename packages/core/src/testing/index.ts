// The suites that inference backends and raster sources run: ours, and those of third parties.
export { backendConformance, type ConformanceCase, type ConformanceOptions } from './backend-conformance.ts';
export { rasterSourceConformance, type RasterConformanceOptions } from './raster-conformance.ts';
// A backend without an engine, whose model finds the given faces.
export { fakeBackend, type FakeBackendOptions, type FakeLayout } from './fake-backend.ts';
// Small ONNX files, written in memory.
export { encodeOnnx, type OnnxModel, type OnnxNode, type OnnxValue } from './onnx.ts';
