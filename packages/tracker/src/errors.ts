import { FaceDetError } from '@facedet/checks';

/** As `invalidArgument`, where `shown` is the text of what was received. */
export const invalidArgumentText = (expected: string, shown: string, nextStep: string) =>
  new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${shown}; ${nextStep}.`);
