export { writeMedia, type MediaOptions } from './media.ts';
export { WRITER_CALLS, decodedFrames, runWriterCalls, type DecodedFrames, type WriterCall } from './writer-calls.ts';
