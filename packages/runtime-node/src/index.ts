// Pictures: read lazily by sharp, written under their name only when complete.
export { readImage, type ReadImageOptions, type StillImage } from './read-image.ts';
export { encodeImage, imageFormatOf, writeImage, type EncodeImageOptions, type WriteImageOptions } from './write-image.ts';
export { type ImageFormat } from './sharp.ts';
export { type PictureTags } from './exif.ts';
// A detector on a pool of threads.
export { createDetector, type PoolDetector, type PoolDetectorOptions } from './detector.ts';
export { type BackendModule } from './backend-module.ts';
export { type ReadyInfo } from './worker-protocol.ts';
// ONNX Runtime in the calling thread.
export { availableProviders, onnxBackend, type ExecutionProvider, type OnnxBackend, type OnnxBackendOptions, type OnnxSession, type ProviderFallback } from './backend.ts';
// Video, by FFmpeg in the process: frames in, film out.
export { openVideo, type OpenVideoOptions, type VideoInput } from './video/open-video.ts';
export { type VideoSource } from './video/source.ts';
export { type ColorTags, type Fraction, type SideStream, type VideoMetadata } from './video/metadata.ts';
export { type VideoFrame } from './video/video-frame.ts';
export { createVideoWriter, type PixelFrame, type VideoWriter, type VideoWriterOptions } from './video/writer.ts';
export { type VideoCodec } from './video/encoder.ts';
export { type LeftOut } from './video/side-streams.ts';
export { processVideo, type ProcessVideoOptions, type VideoProgress, type VideoSummary } from './video/process-video.ts';
export { type Row } from './video/rows.ts';
export { startLivePage, type LivePage, type LivePageOptions, type LiveUpdate } from './video/live-page.ts';
export { type GalleryDocument, type GalleryIdentity } from './video/gallery.ts';
export { renderVideo, type RenderVideoOptions } from './video/render-video.ts';
// What `onFrame` of a run is given.
export { type FrameResult, type VideoFace } from '@facedet/pipeline';
