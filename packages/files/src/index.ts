// Optional packages, and foreign messages on one line.
export { loadOptional, oneLine } from './optional.ts';
export { printable } from './printable.ts';
export { redactUrl } from './redact-url.ts';
export { filePath, parseUrl } from './file-url.ts';
export { shownSource } from './shown-source.ts';
// Outputs: in progress under a partial name, or written to directly.
export {
  lockOutput,
  openOutput,
  renameOutput,
  replaceFile,
  writeOutput,
  writeOutputSync,
  type OpenOutputOptions,
  type OutputFile,
} from './output-file.ts';
export { outputPlace, partialPathOf, requireWritable, type OutputPlace } from './output-place.ts';
export { makeFolder } from './make-folder.ts';
export { outputError } from './output-error.ts';
export { fileStamp } from './file-stamp.ts';
export { describeOwner, tryLock, withLock, type FileLock, type LockOwner, type WithLockOptions } from './file-lock.ts';
// What files hold, by content: the picture formats of the whole project.
export { firstBytes } from './first-bytes.ts';
export { fileKind, HEAD_BYTES, isHeif, type FileKind } from './file-kind.ts';
export { countPictures } from './count-pictures.ts';
export {
  isWritable,
  PICTURE_EXTENSIONS,
  PICTURE_FORMATS,
  pictureFormatOf,
  type PictureFormat,
  type WritableFormat,
} from './picture-formats.ts';
// Objects with native memory that nobody closed.
export { unwatchLeak, watchLeak, type Leak } from './leak.ts';
export { idRanges, rangesOf } from './id-ranges.ts';
