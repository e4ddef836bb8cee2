/** The optimum assignment of rows to columns, with or without a cost limit. */
export { assign, type Assignment, type AssignOptions } from './assignment.ts';
/** What everything here throws. */
export { FaceDetError } from './errors.ts';
