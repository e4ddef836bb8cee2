import { readFileSync } from 'node:fs';
import { FaceDetError } from '@facedet/core';
import { describe, expect, it } from 'vitest';
import { describe as describeError, errorLine, modelError, usageError } from './errors.ts';

describe('error lines', () => {
  it('name the input, the message on one line and the code', () => {
    expect(errorLine(new FaceDetError('IMAGE_EMPTY', 'empty\n  file'), 'a.jpg')).toBe(
      'facedet: a.jpg: empty file [IMAGE_EMPTY]',
    );
    expect(
      errorLine(
        Object.assign(new Error("ENOENT: no such file or directory, open 'gone.txt'"), {
          code: 'ENOENT',
          path: 'gone.txt',
        }),
      ),
    ).toBe('facedet: gone.txt: no such file or folder [NOT_FOUND]');
    expect(errorLine(usageError('expected one'))).toBe('facedet: expected one [USAGE]');
    expect(errorLine(modelError('m.onnx', new FaceDetError('MODEL_UNUSABLE', 'no model')))).toBe(
      'facedet: m.onnx: no model [MODEL_UNUSABLE]',
    );
  });

  it("turn the system's errors into words and codes of their own", () => {
    const caught = (() => {
      try {
        readFileSync('/no/such/file');
      } catch (error) {
        return error;
      }
    })();
    expect(describeError(caught)).toEqual({ code: 'NOT_FOUND', message: 'no such file or folder' });
    expect(describeError(new TypeError('x is not a function'))).toEqual({
      code: 'INTERNAL',
      message: 'x is not a function',
    });
    expect(describeError('thrown text').message).toBe('thrown text');
    expect(describeError(new Error('')).message).toBe('unknown error');
  });

  it('of models and usage end with exit code 2', () => {
    expect(usageError('x').exitCode).toBe(2);
    expect(modelError(undefined, new Error('x')).exitCode).toBe(2);
  });
});
