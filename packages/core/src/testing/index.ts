// The suite that every backend runs: ours, and a user's own.
export { backendConformance, type ConformanceCase, type ConformanceOptions } from './conformance.ts';
// The suite that every picture source runs: ours, and a user's own.
export { rasterSourceConformance, type RasterConformanceOptions } from './raster-conformance.ts';
// A backend without an engine, whose model finds the faces it is told.
export { fakeBackend, type FakeBackendOptions, type FakeLayout } from './fake-backend.ts';
// Small ONNX files, written in memory.
export { encodeOnnx, type OnnxModel, type OnnxNode, type OnnxValue } from './onnx.ts';
