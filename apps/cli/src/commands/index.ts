import type { Command } from 'commander';
import { anonymize } from './anonymize.ts';
import { bench } from './bench.ts';
import { completion } from './completion.ts';
import { detect } from './detect.ts';
import { doctor } from './doctor.ts';
import { evaluation } from './eval.ts';
import { models } from './models.ts';
import { synth } from './synth.ts';
import { track } from './track.ts';
import { video } from './video.ts';

/** The subcommands, in the order of the help text. Each module only declares options; its action imports the work. */
export const commands: (() => Command)[] = [
  detect,
  video,
  anonymize,
  track,
  synth,
  evaluation,
  bench,
  models,
  doctor,
  completion,
];
