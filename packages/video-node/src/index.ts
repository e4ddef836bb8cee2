// Reading: files, cameras and streams, with in-process FFmpeg.
export { openVideo, type OpenVideoOptions, type VideoInput } from './read/open-video.ts';
export { decodeStillImage, type StillImageOptions } from './read/still-image.ts';
export { type VideoSource } from './read/source.ts';
export { type ConnectionChange } from './read/reader-options.ts';
export { type HdrMetadata, type Chromaticity } from './ffmpeg/hdr-metadata.ts';
export { summarizeColors, type ColorSummary } from './read/color-summary.ts';
export {
  type ColorTags,
  type Fraction,
  type OtherStream,
  type SideStream,
  type VideoMetadata,
} from './read/metadata.ts';
export { type VideoFrame } from './read/frame.ts';
// Writing.
export { createVideoWriter, type PixelFrame, type VideoWriter, type VideoWriterOptions } from './write/writer.ts';
export { type VideoCodec } from './write/encoder.ts';
export { type LeftOut } from './write/left-out.ts';
export { type SideStreamSummary } from './write/side-routes.ts';
export { containerFor, type ContainerChoice } from './write/containers.ts';
export { outputExtension } from './write/output-extension.ts';
// The whole pipeline of a video.
export { processVideo } from './run/process-video.ts';
export { type ProcessVideoOptions, type VideoProgress, type VideoSummary } from './run/process-video-options.ts';
export { analysisPath, anonymizeVideo, isReadTwice, type AnonymizeVideoOptions } from './run/anonymize-video.ts';
export { type OutputPaths } from './run/output-paths.ts';
export { type DamageSummary } from './run/damage.ts';
export { renderVideo, type RenderSummary, type RenderVideoOptions } from './run/render-video.ts';
export { type Row } from './run/rows.ts';
export { readRows, type RowsFile } from './run/rows-file.ts';
export { type RowAnalysis } from './run/analysis.ts';
export { type Preview, type PreviewUpdate } from './run/preview.ts';
export { type GalleryPage } from './run/gallery.ts';
export { type GalleryDocument, type GalleryTrack } from './run/gallery-document.ts';
// Arguments of a run's `onFrame`.
export { type FrameResult, type VideoFace } from '@facedet/pipeline';
