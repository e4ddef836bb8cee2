import { received } from '@facedet/checks';
import { malformed } from '../text/file-errors.ts';
import { MAX_FRAMES } from '../text/limits.ts';

/** The content of a MOTChallenge `seqinfo.ini`; fields that it does not state are absent. */
export interface SequenceInfo {
  readonly name?: string;
  /** Frames in the sequence, from 1 to 20,000,000. */
  readonly length?: number;
  /** Frames per second. */
  readonly frameRate?: number;
  /** Width of the frames in pixels. */
  readonly width?: number;
  /** Height of the frames in pixels. */
  readonly height?: number;
}

/**
 * Parses a MOTChallenge `seqinfo.ini`; unknown keys are ignored.
 *
 * @param file the file's name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line for an invalid number.
 */
export function parseSequenceInfo(text: string, file: string): SequenceInfo {
  const info: { -readonly [K in keyof SequenceInfo]: SequenceInfo[K] } = {};
  text.split('\n').forEach((line, i) => {
    const equals = line.indexOf('=');
    if (equals < 0) return;
    const key = line.slice(0, equals).trim();
    const value = line.slice(equals + 1).trim();
    const number = (isValid: boolean, expected: string): number => {
      if (!isValid) throw malformed({ file, line: i + 1 }, `${expected} for ${key}`, received(value));
      return Number(value);
    };
    const integer = (max: number): number =>
      number(/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= max, `an integer from 1 to ${max}`);
    switch (key.toLowerCase()) {
      case 'name':
        info.name = value;
        break;
      case 'seqlength':
        info.length = integer(MAX_FRAMES);
        break;
      case 'framerate':
        info.frameRate = number(
          /^(\d+(\.\d*)?|\.\d+)$/.test(value) && Number(value) > 0 && Number(value) <= 1e6,
          'a number above 0 and up to 1000000',
        );
        break;
      case 'imwidth':
        info.width = integer(1e6);
        break;
      case 'imheight':
        info.height = integer(1e6);
        break;
    }
  });
  return info;
}
